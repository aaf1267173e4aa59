import {
  type findRuns,
  noSuch,
  type RpcRequest,
  type RpcResponse,
  type RunLine,
  ServiceError,
} from '@rigel/contracts';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { CURRENT_STEP } from '../store/sql/grid.js';
import type { RunTable, Tables, TaskTable } from '../store/tables.js';
import { likeReason } from '../task/normal-reason.js';
import { cursorAfter, INTEGER, pageOfRows, placeIn } from './cursors.js';

type Request = RpcRequest<typeof findRuns>;
type Row = Pick<
  RunTable,
  'id' | 'index' | 'node_id' | 'ip' | 'vm_id' | 'batch' | 'state' | 'step' | 'updated_at'
> & { reached: number; attempts: number; message: string; key: string };

interface Order {
  key: RawBuilder<unknown>;
  /** SQL type of the key, and what its text looks like. */
  type: RawBuilder<unknown>;
  form: RegExp;
}

/** What the rows are ordered by, before their index. */
const ORDERS: Record<Request['sort'], Order> = {
  batch: { key: sql`r.batch`, type: sql`int`, form: INTEGER },
  // IPv4 addresses by their numbers; other names after them.
  address: {
    key: sql`CASE WHEN r.ip ~ '^[0-9]{1,3}([.][0-9]{1,3}){3}(:[0-9]{1,5})?$'
      THEN string_to_array(translate(r.ip, ':', '.'), '.')::int[] ELSE '{999}' END`,
    type: sql`int[]`,
    form: /^\{\d{1,5}(,\d{1,5}){0,4}\}$/,
  },
  // Failed ones first, then those at work, stopped, waiting, and what succeeded last.
  state: { key: sql`array_position('{3,1,4,0,2}'::smallint[], r.state)`, type: sql`int`, form: INTEGER },
  step: { key: sql`r.step`, type: sql`int`, form: INTEGER },
  attempts: {
    key: sql.raw(`-coalesce((${CURRENT_STEP}->>'attempts')::int, 0)`),
    type: sql`int`,
    form: INTEGER,
  },
  updated: { key: sql`-r.updated_at`, type: sql`bigint`, form: INTEGER },
};

/**
 * A page of the node runs of a task that match every filter. All rows of the task are looked through, and of no other one.
 * @throws ServiceError `not_found`; `invalid` for a cursor of another list, or a step that the task does not have.
 */
export async function readRuns(db: Kysely<Tables>, request: Request): Promise<RpcResponse<typeof findRuns>> {
  const task = await db
    .selectFrom('tasks')
    .select(['id', 'options'])
    .where('id', '=', request.id)
    .executeTakeFirst();
  if (!task) throw noSuch('task', request.id, `there is no task ${request.id}`);
  const { sort, limit, cursor } = request;
  const { key, type, form } = ORDERS[sort];
  const conditions = conditionsOf(request, task);
  if (cursor !== undefined) {
    const [value, index] = placeIn(sort, cursor, [form, INTEGER]);
    conditions.push(sql`(${key}, r.index) > (${value}::text::${type}, ${Number(index)}::int)`);
  }
  const { rows } = await sql<Row>`
    SELECT r.id, r.index, r.node_id, r.ip, r.vm_id, r.batch, r.state, r.step, r.updated_at,
      jsonb_array_length(r.steps) AS reached, coalesce((${sql.raw(CURRENT_STEP)}->>'attempts')::int, 0) AS attempts,
      ${messageOf()} AS message, (${key})::text AS key
    FROM runs r WHERE ${sql.join(conditions, sql` AND `)}
    ORDER BY ${key}, r.index LIMIT ${limit + 1}`.execute(db);
  const page = pageOfRows(rows, limit, (last) => cursorAfter(sort, [last.key, last.index]));
  return { rows: page.rows.map((row) => toLine(row, task)), next: page.next };
}

/** What the step says at which a run stands, or its last one. */
function messageOf(): RawBuilder<unknown> {
  return sql.raw(
    `concat_ws('; ', nullif(${CURRENT_STEP}->>'message', ''), nullif(${CURRENT_STEP}->>'note', ''))`,
  );
}

function conditionsOf(request: Request, task: Pick<TaskTable, 'id' | 'options'>): RawBuilder<unknown>[] {
  const { state, batch, step, reason, q, run_id } = request;
  const conditions: RawBuilder<unknown>[] = [sql`r.task_id = ${task.id}`];
  if (state) conditions.push(sql`r.state = ANY (${state}::smallint[])`);
  if (batch !== undefined) conditions.push(sql`r.batch = ${batch - 1}`);
  if (step) {
    const indexes = step.map((name) => indexOfStep(task, name));
    // One that has all steps behind it stands at its last one.
    conditions.push(
      sql`least(r.step, ${task.options.length - 1}) = ANY (${indexes}::int[]) AND r.steps <> '[]'`,
    );
  }
  if (reason !== undefined && reason !== '') conditions.push(sql`${messageOf()} LIKE ${likeReason(reason)}`);
  if (q !== undefined && q.trim() !== '') conditions.push(sql`strpos(r.ip, ${q.trim()}) > 0`);
  if (run_id !== undefined) conditions.push(sql`r.id = ${run_id}`);
  return conditions;
}

function indexOfStep({ id, options }: Pick<TaskTable, 'id' | 'options'>, name: string): number {
  const index = options.findIndex((option) => option.name === name);
  if (index >= 0) return index;
  throw new ServiceError(
    'not_a_choice',
    `step ${name} is none of task ${id}, which has ${options.map((option) => option.name).join(', ')}`,
    'step',
    { value: name, data: { choices: options.map((option) => option.name).join(', ') } },
  );
}

function toLine(row: Row, { options }: Pick<TaskTable, 'options'>): RunLine {
  const step = row.reached === 0 ? -1 : Math.min(row.step, row.reached - 1, options.length - 1);
  return {
    id: row.id,
    index: row.index,
    node_id: row.node_id,
    ip: row.ip,
    vm_id: row.vm_id,
    batch_id: row.batch + 1,
    state: row.state,
    step: options[step]?.name ?? '',
    step_num: step + 1,
    attempts: row.attempts,
    message: row.message,
    updated: row.updated_at,
  };
}
