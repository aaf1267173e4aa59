import {
  type CatalogUses,
  type catalog,
  inventory,
  MOST_USERS,
  noSuch,
  type RpcRequest,
  ServiceError,
  TEMPLATES_ASKED,
} from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';
import { type Kysely, sql } from 'kysely';
import type { CatalogTables } from './tables.js';

const NONE = { rows: [], total: 0 };

/** Where a thing is used; see `catalog.uses`. */
export async function readUses(
  db: Kysely<CatalogTables>,
  bus: Bus,
  { kind, id }: RpcRequest<typeof catalog.uses>,
  context: RequestContext,
): Promise<CatalogUses> {
  const table = ({ action: 'actions', remote_step: 'remote_steps', template: 'templates' } as const)[kind];
  const thing = await db.selectFrom(table).select('name').where('id', '=', id).executeTakeFirst();
  if (!thing) throw noSuch(kind, id, `${kind.replace('_', ' ')} ${id} does not exist`);
  if (kind === 'template')
    return { remote_steps: NONE, templates: NONE, pools: await poolsOf(bus, [id], context) };
  const remote_steps = kind === 'action' ? await stepsNaming(db, thing.name) : NONE;
  const templates =
    kind === 'action' ? await templatesOfAction(db, thing.name) : await templatesOfStep(db, thing.name);
  const ids = templates.rows.slice(0, TEMPLATES_ASKED).map((template) => template.id);
  return { remote_steps, templates, pools: await poolsOf(bus, ids, context) };
}

interface Row {
  id: number;
  name: string;
  total: number;
}

function users(rows: readonly Row[]): { rows: { id: number; name: string }[]; total: number } {
  return { rows: rows.map(({ id, name }) => ({ id, name })), total: rows[0]?.total ?? 0 };
}

async function stepsNaming(db: Kysely<CatalogTables>, action: string) {
  const { rows } = await sql<Row>`
    SELECT id, name, count(*) OVER ()::int AS total FROM remote_steps WHERE actions @> ARRAY[${action}::text]
    ORDER BY id LIMIT ${MOST_USERS}`.execute(db);
  return users(rows);
}

async function templatesOfStep(db: Kysely<CatalogTables>, step: string) {
  const { rows } = await sql<Row>`
    SELECT templates.id, templates.name, count(*) OVER ()::int AS total
    FROM template_steps JOIN templates ON templates.id = template_steps.template_id
    WHERE template_steps.remote_step = ${step} ORDER BY templates.id LIMIT ${MOST_USERS}`.execute(db);
  return users(rows);
}

async function templatesOfAction(db: Kysely<CatalogTables>, action: string) {
  const { rows } = await sql<Row>`
    SELECT templates.id, templates.name, count(*) OVER ()::int AS total
    FROM (
      SELECT DISTINCT template_steps.template_id
      FROM remote_steps JOIN template_steps ON template_steps.remote_step = remote_steps.name
      WHERE remote_steps.actions @> ARRAY[${action}::text]
    ) AS named JOIN templates ON templates.id = named.template_id
    ORDER BY templates.id LIMIT ${MOST_USERS}`.execute(db);
  return users(rows);
}

/** The pools that name any of the templates; null: the inventory does not answer. */
async function poolsOf(
  bus: Bus,
  templates: readonly number[],
  context: RequestContext,
): Promise<CatalogUses['pools']> {
  const found = await Promise.all(
    templates.map(async (template_id) => {
      const named = await bus.call(inventory.poolsNaming, { template_id }, context);
      return { total: named.total, rows: named.pools.map((pool) => ({ ...pool, template_id })) };
    }),
  ).catch((error: unknown) => {
    if (error instanceof ServiceError && error.code === 'unavailable') return null;
    throw error;
  });
  return (
    found && {
      rows: found.flatMap(({ rows }) => rows),
      total: found.reduce((sum, { total }) => sum + total, 0),
    }
  );
}
