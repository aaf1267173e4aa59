import type pg from 'pg';

/** What operators have entered. Tables that are not here follow from tasks, or tell of refusals, too. */
const TABLES = [
  'access.tokens',
  'inventory.clusters',
  'inventory.services',
  'inventory.pools',
  'inventory.nodes',
  'catalog.actions',
  'catalog.actimpls',
  'catalog.remote_steps',
  'catalog.templates',
  'catalog.template_steps',
  'scheduler.tasks',
  'scheduler.schedules',
];
/** Columns that change by themselves while a task runs. */
const MOVING = [
  ...['state', 'status', 'stat', 'active', 'version', 'updated_at', 'end_reason'],
  ...['started_at', 'ended_at', 'deadline', 'batch', 'last_task', 'last_reason', 'version_tag'],
];

const ROWS = TABLES.map(
  (table) => `SELECT '${table} ' || (to_jsonb(kept) - $1::text[])::text AS line FROM ${table} AS kept`,
).join(' UNION ALL ');

/** Every row that operators have made, a line each, without what changes by itself. For systems with few rows. */
export async function keptRows(database: pg.Client): Promise<string> {
  const { rows } = await database.query<{ all: string | null }>(
    `SELECT string_agg(line, E'\n' ORDER BY line) AS all FROM (${ROWS}) AS lines`,
    [MOVING],
  );
  return rows[0]?.all ?? '';
}
