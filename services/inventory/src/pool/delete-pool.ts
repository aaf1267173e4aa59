import { ServiceError, schedules } from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';
import type { Store } from '../store.js';
import { poolDecider } from './decider.js';

export const streamOf = (id: number): string => `pool-${id}`;

/** How long the scheduler lets no scheduled task begin to need the pool. */
const HOLD_MS = 60_000;
/** The part of that time on which the deletion relies; see `removeNodes`. */
const RELY_MS = 30_000;

/**
 * Deletes a pool. First the scheduler reserves it: it refuses if a scheduled task needs the pool, and lets none begin
 * to need it. If the scheduler does not answer, nothing changes.
 * @throws ServiceError `not_found`; `in_use`: it has nodes; `conflict`: a scheduled task needs it.
 */
export async function deletePool(
  store: Store,
  bus: Bus,
  request: { id: number; if_version?: number },
  context: RequestContext,
): Promise<void> {
  const { id } = request;
  // A task may just have returned the pool's last machine.
  await store.followedTasks();
  const pool = await store.db
    .selectFrom('pools')
    .select('node_count')
    .where('id', '=', id)
    .executeTakeFirst();
  // A pool with nodes stays, so do not reserve it in vain.
  if (pool && pool.node_count === 0) {
    const reliedUntil = Date.now() + RELY_MS;
    await bus.call(schedules.reservePool, { pool_id: id, ttl_ms: HOLD_MS }, context);
    return record(store, request, context, () => {
      if (Date.now() < reliedUntil) return;
      throw new ServiceError('unavailable', 'the deletion took longer than the pool was reserved: try again');
    });
  }
  await record(store, request, context, () => {
    throw new ServiceError('unavailable', 'the pool changed while it was being deleted: try again');
  });
}

async function record(
  store: Store,
  { id, if_version: ifVersion }: { id: number; if_version?: number },
  context: RequestContext,
  beforeCommit: () => void,
): Promise<void> {
  const command = { do: 'delete' as const, id };
  await store.record(poolDecider, [{ stream: streamOf(id), command, ifVersion }], context, beforeCommit);
}
