import { randomUUID } from 'node:crypto';
import { catalog, type PoolTasks, ServiceError } from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';
import { type Kysely, sql } from 'kysely';
import type { InventoryTables } from '../tables.js';

/*
 * The templates that pools name are the catalog's, which deletes none that a pool names. Before a pool comes to name some they
 * are held there; a deletion then waits for the pool, or the pool hears that the template is gone. An id that was never given
 * may be named: a pool may be set up before its templates are.
 */

/** How long the catalog keeps the templates; see `removeNodes` for the two times. */
const HOLD_MS = 60_000;
const RELY_MS = 30_000;

/** The pools that name a template, named in a refusal at most. */
const SHOWN = 3;

/** How a saving that names templates is carried out. */
export interface NamedTemplates {
  /** Called last in the transaction of the saving. */
  beforeCommit: () => void;
}

/**
 * Saves a pool that names templates.
 * @param tasks what the pool is to name; undefined: what it names stays.
 * @param before what the pool names now; of that a template may be gone.
 * @throws ServiceError `invalid` (field `tasks`) naming a template that was deleted, `unavailable` when the catalog does not
 *   answer in time; nothing has happened then.
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
        throw new ServiceError('unavailable', 'the saving took longer than its templates could be held');
      },
    });
  } finally {
    // The catalog lets them go by itself when it does not hear this.
    await bus.call(catalog.releaseTemplates, { hold }, context).catch(() => undefined);
  }
}

/** Ids that can be a template's. */
function idsOf(tasks: PoolTasks | undefined): number[] {
  return [...new Set(Object.values(tasks ?? {}))].filter((id) => Number.isSafeInteger(id) && id > 0);
}

function assertNamedBefore(tasks: PoolTasks | undefined, deleted: readonly number[], before: number[]): void {
  for (const [kind, id] of Object.entries(tasks ?? {})) {
    if (!deleted.includes(id) || before.includes(id)) continue;
    throw new ServiceError('invalid', `tasks.${kind}: template ${id} was deleted`, 'tasks');
  }
}

/** The pools that name a template, and what for. */
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

/** What pools do by templates. */
export interface TemplateUse {
  template: number;
  pool: { id: number; name: string; kinds: string[] };
}

/** Each template that a pool names, with the pool and what for; oldest pools first. */
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
