import { type findTasks, type RpcRequest, type RpcResponse, TASKS_SORTED } from '@rigel/contracts';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Tables, TaskTable } from '../store/tables.js';
import { cursorAfter, INTEGER, pageOfRows, placeIn } from './cursors.js';
import { toTasks } from './task-row.js';

type Request = RpcRequest<typeof findTasks>;
type Found = TaskTable & { key: number };

const COLUMNS = sql.raw(
  `id, name, template_id, template_name, pool_id, pool_name, options, batch_size, operator, flow_type, state, end_reason,
   stat, ignored, active, version, created_at, updated_at, started_at, ended_at, deadline, batch, budget`,
);

/**
 * A page of the tasks that match every filter. By creation they come in the order of their ids, which rise with it. The other
 * orders have no index, because what they order by changes with each event: they sort the newest tasks that match, so many
 * as `TASKS_SORTED` says.
 * @throws ServiceError `invalid` for a cursor of another list.
 */
export async function readTasks(
  db: Kysely<Tables>,
  request: Request,
  now: number,
): Promise<RpcResponse<typeof findTasks>> {
  const { sort, cursor, limit } = request;
  const where = sql.join(conditionsOf(request), sql` AND `);
  if (sort === 'created') {
    // Both orders are the same, but for tasks that two schedulers made at once: each has its index.
    const byTime = request.from !== undefined || request.to !== undefined;
    const order = byTime ? 'time' : sort;
    const [before, at] =
      cursor === undefined ? [] : placeIn(order, cursor, byTime ? [INTEGER, INTEGER] : [INTEGER]);
    const after =
      before === undefined
        ? sql``
        : byTime
          ? sql`AND (created_at, id) < (${Number(at)}, ${Number(before)})`
          : sql`AND id < ${Number(before)}`;
    const { rows } = await sql<TaskTable>`
      SELECT ${COLUMNS} FROM tasks WHERE ${where} ${after}
      ORDER BY ${byTime ? sql`created_at DESC, id DESC` : sql`id DESC`} LIMIT ${limit + 1}`.execute(db);
    const page = pageOfRows(rows, limit, ({ id, created_at }) =>
      cursorAfter(order, byTime ? [id, created_at] : [id]),
    );
    return { rows: await toTasks(db, page.rows), next: page.next };
  }
  // All pages measure durations of unfinished tasks at the time of the first: else rows would change places between them.
  const [key, id, at = now] =
    cursor === undefined ? [] : placeIn(sort, cursor, [INTEGER, INTEGER, INTEGER]).map(Number);
  const { rows } = await sql<Found>`
    SELECT * FROM (
      SELECT ${COLUMNS}, ${keyOf(sort, at)} AS key FROM tasks WHERE ${where} ORDER BY id DESC LIMIT ${TASKS_SORTED}
    ) AS newest
    ${key === undefined ? sql`` : sql`WHERE (key, id) < (${key}, ${id})`}
    ORDER BY key DESC, id DESC LIMIT ${limit + 1}`.execute(db);
  const page = pageOfRows(rows, limit, (last) => cursorAfter(sort, [last.key, last.id, at]));
  return { rows: await toTasks(db, page.rows), next: page.next };
}

function keyOf(sort: Exclude<Request['sort'], 'created'>, now: number): RawBuilder<number> {
  switch (sort) {
    case 'updated':
      return sql`updated_at`;
    case 'failed':
      return sql`stat[4]::bigint`;
    case 'duration':
      // Those that have not begun come last.
      return sql`coalesce(coalesce(ended_at, ${now}::bigint) - started_at, -1)`;
    default:
      return sort satisfies never;
  }
}

function conditionsOf(request: Request): RawBuilder<unknown>[] {
  const { state, end_reason, pool_ids, template_id, opr_user, flow_type, schedule_id, node_id } = request;
  const { from, to, active, q } = request;
  const conditions: RawBuilder<unknown>[] = [sql`true`];
  if (state) conditions.push(oneOf(sql`state`, state, sql`smallint[]`));
  if (end_reason) conditions.push(oneOf(sql`end_reason`, end_reason, sql`text[]`));
  if (pool_ids) conditions.push(oneOf(sql`pool_id`, pool_ids, sql`bigint[]`));
  if (template_id !== undefined) conditions.push(sql`template_id = ${template_id}`);
  if (opr_user !== undefined) conditions.push(sql`operator = ${opr_user}`);
  if (flow_type !== undefined) conditions.push(sql`flow_type = ${flow_type}`);
  if (schedule_id !== undefined)
    conditions.push(
      sql`id = ANY (ARRAY(SELECT task_id FROM occurrence_tasks WHERE schedule_id = ${schedule_id}))`,
    );
  if (node_id !== undefined)
    conditions.push(sql`id = ANY (ARRAY(SELECT task_id FROM runs WHERE node_id = ${node_id}))`);
  if (from !== undefined) conditions.push(sql`created_at >= ${from}`);
  if (to !== undefined) conditions.push(sql`created_at < ${to}`);
  if (active !== undefined) conditions.push(active ? sql`active` : sql`NOT active`);
  if (q !== undefined && q.trim() !== '') conditions.push(matching(q.trim()));
  return conditions;
}

/** With one value as an equation: an index on the column and the id then gives the rows in their order. */
function oneOf<Value>(
  column: RawBuilder<unknown>,
  values: readonly Value[],
  type: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const [only] = values;
  return values.length === 1 ? sql`${column} = ${only}` : sql`${column} = ANY (${values}::${type})`;
}

/** `#42` and `42` are a task's id; everything may be part of a name. */
function matching(q: string): RawBuilder<unknown> {
  const id = /^#?(\d{1,15})$/.exec(q)?.[1];
  const named = sql`strpos(lower(name || E'\n' || template_name || E'\n' || pool_name), lower(${q})) > 0`;
  if (id === undefined) return named;
  return q.startsWith('#') ? sql`id = ${Number(id)}` : sql`(id = ${Number(id)} OR ${named})`;
}
