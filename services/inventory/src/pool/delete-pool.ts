import { ServiceError, schedules } from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';
import type { Store } from '../store.js';
import { poolDecider } from './decider.js';

export const streamOf = (id: number): string => `pool-${id}`;

/** How long the scheduler keeps scheduled tasks from coming to need the pool. */
const HOLD_MS = 60_000;
/** How much of that the deletion relies on; see `removeNodes`. */
const RELY_MS = 30_000;

/**
 * Deletes a pool. The scheduler is asked first whether a scheduled task needs it, and lets none come to need it meanwhile;
 * when it does not answer, nothing happens.
 * @throws ServiceError `not_found`, `in_use` while it has nodes, `conflict` while a scheduled task needs it.
 */
export async function deletePool(store: Store, bus: Bus, id: number, context: RequestContext): Promise<void> {
  const pool = await store.db
    .selectFrom('pools')
    .select('node_count')
    .where('id', '=', id)
    .executeTakeFirst();
  // One with nodes stays, and is not kept from its scheduled tasks for nothing.
  if (pool && pool.node_count === 0) {
    const reliedUntil = Date.now() + RELY_MS;
    await bus.call(schedules.reservePool, { pool_id: id, ttl_ms: HOLD_MS }, context);
    return record(store, id, context, () => {
      if (Date.now() < reliedUntil) return;
      throw new ServiceError('unavailable', 'the deletion took longer than the pool could be reserved');
    });
  }
  await record(store, id, context, () => {
    throw new ServiceError('unavailable', 'the pool has changed while it was being deleted');
  });
}

function record(store: Store, id: number, context: RequestContext, beforeCommit: () => void): Promise<void> {
  const command = { do: 'delete' as const, id };
  return store.record(poolDecider, [{ stream: streamOf(id), command }], context, beforeCommit);
}
