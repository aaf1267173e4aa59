import { ServiceError } from '@rigel/contracts';
import { lockHistory } from '@rigel/event-store';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Tables } from '../store/tables.js';
import { needOf, type PoolItems } from './dependencies.js';

/*
 * A pool that a scheduled task needs cannot be deleted. The inventory, which deletes pools, first reserves the pool here; from then on
 * the scheduler saves no scheduled task that needs it. Both look and write under the lock of the history, so one of the two sees
 * the other.
 */

/**
 * Refuses for a while all scheduled tasks that need a pool.
 * @throws ServiceError `conflict` naming the pool whose scheduled task needs it.
 */
export async function reserveForDeletion(
  db: Kysely<Tables>,
  { pool_id, ttl_ms }: { pool_id: number; ttl_ms: number },
  now: number,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await lockHistory(trx as unknown as Transaction<unknown>);
    const need = needOf(pool_id, await itemsOfAll(trx));
    if (need) throw new ServiceError('needed_by_schedule', need, 'id');
    const expires = now + ttl_ms;
    await sql`
      INSERT INTO pools_being_deleted AS p (pool_id, expires_at) VALUES (${pool_id}, ${expires})
      ON CONFLICT (pool_id) DO UPDATE SET expires_at = greatest(p.expires_at, excluded.expires_at)`.execute(
      trx,
    );
  });
}

/**
 * @param lookedAt when the caller began to ask the inventory for the pools: one that was reserved then, or has been since, may be
 *   gone.
 * @throws ServiceError `conflict` naming the pool.
 */
export async function assertNotBeingDeleted(
  trx: Transaction<Tables>,
  pools: readonly number[],
  lookedAt: number,
): Promise<void> {
  const row = await trx
    .selectFrom('pools_being_deleted')
    .select('pool_id')
    .where('pool_id', 'in', [...pools])
    .where('expires_at', '>=', lookedAt)
    .executeTakeFirst();
  if (row)
    throw new ServiceError('being_deleted', `pool ${row.pool_id} is being deleted`, 'pool_id', {
      value: row.pool_id,
      data: { kind: 'pool' },
    });
}

/** The pools and dependencies of all scheduled tasks. */
export async function itemsOfAll(trx: Transaction<Tables>): Promise<(PoolItems & { type: string })[]> {
  const rows = await trx
    .selectFrom('schedules')
    .select(['pool_id', 'type', 'cron_items', 'depend_items'])
    .execute();
  return rows.map(({ pool_id, type, cron_items, depend_items }) => ({
    pool: pool_id,
    type,
    hasCron: cron_items.length > 0,
    dependsOn: depend_items.map((item) => item.pool_id),
  }));
}
