import { describeUsers, inventory, noSuch, ServiceError } from '@rigel/contracts';
import { lockHistory } from '@rigel/event-store';
import type { Bus, RequestContext } from '@rigel/messaging';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Store } from '../store.js';
import type { CatalogTables } from '../tables.js';
import { templateDecider } from './decider.js';

/*
 * A template that a pool names stays: each expand, shrink, deploy and scheduled moment of the pool would fail. Pools
 * are the inventory's, so it is asked. A pool that is just being saved it does not know yet; for that the inventory
 * first holds the templates here, and lets them go when the pool is saved. A hold that stood when the inventory was
 * asked, or has come since, counts: its pool may not have been there yet. All times are the database's, so no two
 * clocks are compared.
 */

/** How long ended holds are kept: longer than any deletion takes. */
const KEPT = sql`interval '1 hour'`;

/**
 * Deletes a template; when the inventory does not answer, nothing happens.
 * @throws ServiceError `not_found`, `in_use` naming the pools, `conflict` (field `if_version`).
 */
export async function deleteTemplate(
  store: Store,
  bus: Bus,
  { id, if_version: ifVersion }: { id: number; if_version?: number },
  context: RequestContext,
): Promise<void> {
  const { rows } = await sql<{ at: string; name: string }>`
    SELECT clock_timestamp()::text AS at, name FROM templates WHERE id = ${id}`.execute(store.db);
  const [known] = rows;
  if (!known) throw noSuch('template', id, `template ${id} does not exist`);
  const { pools, total } = await bus.call(inventory.poolsNaming, { template_id: id }, context);
  if (total > 0) {
    const named = pools.map(({ kinds, ...pool }) => ({
      ...pool,
      name: `${pool.name} to ${kinds.join(', ')}`,
    }));
    throw new ServiceError(
      'in_use',
      `template ${known.name} is used by ${describeUsers('pool', named, total)}: change tasks of those pools first`,
      undefined,
      { value: id, data: { kind: 'template', by: describeUsers('pool', named, total) } },
    );
  }
  const command = { do: 'delete' as const, id };
  await store.record(templateDecider, { stream: streamOf(id), command, ifVersion }, context, async (trx) => {
    const held = await sql`
      SELECT FROM held_templates WHERE template_id = ${id} AND expires_at >= ${known.at}::timestamptz LIMIT 1`.execute(
      trx,
    );
    if (held.rows.length === 0) return;
    throw new ServiceError(
      'in_use',
      `a pool that names template ${known.name} is just being saved: try again`,
    );
  });
}

export const streamOf = (id: number): string => `template-${id}`;

/**
 * Holds templates for a pool that is about to name them.
 * @returns those that were deleted; ids that were never given are held too, as pools may name them.
 */
export async function holdTemplates(
  db: Kysely<CatalogTables>,
  { ids, hold, ttl_ms }: { ids: readonly number[]; hold: string; ttl_ms: number },
): Promise<number[]> {
  return db.transaction().execute(async (trx) => {
    await lockHistory(trx as unknown as Transaction<unknown>);
    await sql`DELETE FROM held_templates WHERE expires_at < clock_timestamp() - ${KEPT}`.execute(trx);
    await sql`
      INSERT INTO held_templates (hold, template_id, expires_at)
      SELECT ${hold}, id, clock_timestamp() + ${ttl_ms} * interval '1 millisecond'
      FROM unnest(${[...new Set(ids)]}::bigint[]) AS id
      ON CONFLICT DO NOTHING`.execute(trx);
    const { rows } = await sql<{ id: number }>`
      SELECT wanted.id FROM unnest(${[...new Set(ids)]}::bigint[]) AS wanted (id)
      WHERE NOT EXISTS (SELECT FROM templates WHERE templates.id = wanted.id)
        AND EXISTS (SELECT FROM events WHERE stream = 'template-' || wanted.id)
      ORDER BY wanted.id`.execute(trx);
    return rows.map(({ id }) => id);
  });
}

/** Ends a hold. It is not forgotten at once: a deletion that began before must still see that it was there. */
export async function releaseTemplates(db: Kysely<CatalogTables>, hold: string): Promise<void> {
  await sql`
    UPDATE held_templates SET expires_at = clock_timestamp()
    WHERE hold = ${hold} AND expires_at > clock_timestamp()`.execute(db);
}
