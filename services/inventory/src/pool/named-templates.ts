import { randomUUID } from 'node:crypto';
import { catalog, type PoolTasks, ServiceError } from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';
import { type Kysely, sql } from 'kysely';
import type { InventoryTables } from '../tables.js';

/*
 * Pools name templates of the catalog, which deletes none that a pool names. Before the inventory saves a pool that
 * names templates, the catalog holds them: a deletion then waits for the pool, or the inventory learns that the
 * template was deleted. A pool may name an id that does not exist yet: it may be set up before its templates.
 */

/** How long the catalog holds the templates; see `removeNodes` for the two times. */
const HOLD_MS = 60_000;
const RELY_MS = 30_000;

/** The most pools that a refusal names. */
const SHOWN = 3;

/** Saves a pool that names templates. */
export interface NamedTemplates {
  /** Called last in the transaction. */
  beforeCommit: () => void;
}

/**
 * Saves a pool that names templates.
 * @param tasks the templates to name; undefined: no change.
 * @param before the templates that the pool names now; one of these may have been deleted.
 * @throws ServiceError `invalid` (field `tasks`), which names a deleted template; `unavailable`: the catalog does not
 *   answer in time, and nothing changed.
 */
export async function namingTemplates<T>(
  bus: Bus,
  { tasks, before }: { tasks: PoolTasks | undefined; before: () => Promise<PoolTasks> },
  context: RequestContext,
  save: (named: NamedTemplates) => Promise<T>,
): Promise<T> {
  const ids = idsOf(tasks);
  if (ids.length === 0) return save({ beforeCommit: () => undefined });
  const hold = randomUUID();
  const reliedUntil = Date.now() + RELY_MS;
  const { deleted } = await bus.call(catalog.holdTemplates, { ids, hold, ttl_ms: HOLD_MS }, context);
  try {
    if (deleted.length > 0) assertNamedBefore(tasks, deleted, idsOf(await before()));
    return await save({
      beforeCommit: () => {
        if (Date.now() < reliedUntil) return;
        throw new ServiceError(
          'unavailable',
          'saving the pool took longer than its templates were held: try again',
        );
      },
    });
  } finally {
    // If the catalog does not get this, the hold ends after its time.
    await bus.call(catalog.releaseTemplates, { hold }, context).catch(() => undefined);
  }
}

/** Ids that a template can have. */
function idsOf(tasks: PoolTasks | undefined): number[] {
  return [...new Set(Object.values(tasks ?? {}))].filter((id) => Number.isSafeInteger(id) && id > 0);
}

function assertNamedBefore(tasks: PoolTasks | undefined, deleted: readonly number[], before: number[]): void {
  for (const [kind, id] of Object.entries(tasks ?? {})) {
    if (!deleted.includes(id) || before.includes(id)) continue;
    throw new ServiceError('invalid', `tasks.${kind}: template ${id} was deleted`, 'tasks');
  }
}

/** The pools that name a template, and for which operations. */
export async function poolsNaming(
  db: Kysely<InventoryTables>,
  templateId: number,
): Promise<{ pools: { id: number; name: string; kinds: string[] }[]; total: number }> {
  const { rows } = await sql<{ id: number; name: string; kinds: string[]; total: number }>`
    SELECT id, name, kinds, count(*) OVER ()::int AS total
    FROM pools, LATERAL (
      SELECT array_agg(key ORDER BY key) AS kinds FROM jsonb_each_text(tasks) WHERE value = ${String(templateId)}
    ) AS named
    WHERE kinds IS NOT NULL ORDER BY id LIMIT ${SHOWN}`.execute(db);
  return { pools: rows.map(({ total: _, ...pool }) => pool), total: rows[0]?.total ?? 0 };
}

/** Operations of pools that run a template. */
export interface TemplateUse {
  template: number;
  pool: { id: number; name: string; kinds: string[] };
}

/** Each template that a pool names, with the pool and the operation; oldest pools first. */
export async function allTemplateUses(db: Kysely<unknown>): Promise<TemplateUse[]> {
  const { rows } = await sql<{ template: number; id: number; name: string; kinds: string[] }>`
    SELECT named.template, pools.id, pools.name, named.kinds
    FROM pools, LATERAL (
      SELECT value::bigint AS template, array_agg(key ORDER BY key) AS kinds FROM jsonb_each_text(tasks)
      WHERE value ~ '^[1-9][0-9]{0,15}$' GROUP BY value::bigint
    ) AS named
    ORDER BY pools.id, named.template`.execute(db);
  return rows.map(({ template, ...pool }) => ({ template, pool }));
}
