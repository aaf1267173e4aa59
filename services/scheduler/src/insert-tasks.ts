import { lines, numbers } from '@rigel/event-store';
import { CompiledQuery, type Transaction } from 'kysely';
import { taskRow } from './task/projection.js';
import type { TaskState } from './task/state.js';

const INSERT_TASKS = `
  INSERT INTO tasks (id, name, template_id, template_name, pool_id, pool_name, options, batch_size, operator,
    flow_type, state, end_reason, stat, active, version, created_at, updated_at)
  SELECT r.* FROM json_to_recordset($1::json) AS r(id bigint, name text, template_id bigint, template_name text,
    pool_id bigint, pool_name text, options jsonb, batch_size int, operator text, flow_type text, state smallint,
    end_reason text, stat int[], active boolean, version int, created_at bigint, updated_at bigint)`;

/** The runs of one task, as columns: $1 the task, $2 when it was made. */
const INSERT_RUNS = `
  INSERT INTO runs (id, task_id, index, batch, node_id, ip, vm_id, state, step, steps, created_at, updated_at)
  SELECT r.id, $1, r.index, r.batch, r.node, r.ip, r.vm, r.state, r.step, r.steps::jsonb, $2, r.updated
  FROM unnest($3::bigint[], $4::int[], $5::int[], $6::bigint[], $7::text[], $8::text[], $9::smallint[], $10::int[],
    string_to_array($11, E'\\n'), $12::bigint[]) AS r(id, index, batch, node, ip, vm, state, step, steps, updated)`;

const INSERT_OCCURRENCES = `
  INSERT INTO occurrence_tasks (schedule_id, cause, due, pool_id, task_id)
  SELECT r.* FROM json_to_recordset($1::json) AS r(schedule_id bigint, cause text, due bigint, pool_id bigint,
    task_id bigint)`;

function occurrenceRows({ id, created: { occurrence, pool } }: TaskState): object[] {
  if (!occurrence) return [];
  const { schedule, cause, due } = occurrence;
  return [{ schedule_id: schedule, cause, due, pool_id: pool.id, task_id: id }];
}

function wholeTaskRow(task: TaskState): object {
  const { created } = task;
  return {
    ...taskRow(task),
    name: created.name,
    template_id: created.template.id,
    template_name: created.template.name,
    pool_id: created.pool.id,
    pool_name: created.pool.name,
    options: created.steps.map(({ name, param_values, retry }) => ({ name, param_values, retry })),
    batch_size: created.batchSize,
    operator: created.operator,
    flow_type: created.flowType,
    created_at: task.createdAt,
  };
}

function wholeRunColumns({ id, createdAt, runs }: TaskState): unknown[] {
  return [
    id,
    createdAt,
    numbers(runs.map((run) => run.id)),
    numbers(runs.map(({ index }) => index)),
    numbers(runs.map(({ batch }) => batch)),
    numbers(runs.map(({ node }) => node)),
    runs.map(({ ip }) => ip),
    runs.map(({ vm }) => vm),
    numbers(runs.map(({ state }) => state)),
    numbers(runs.map(({ step }) => step)),
    lines(runs.map(({ steps }) => JSON.stringify(steps))),
    numbers(runs.map(({ updatedAt }) => updatedAt)),
  ];
}

/** Writes the rows of tasks that have none, with those of their runs, and which moment of a schedule led to them. */
export async function insertTasks(trx: Transaction<unknown>, tasks: readonly TaskState[]): Promise<void> {
  const insert = (text: string, rows: object[]) =>
    trx.executeQuery(CompiledQuery.raw(text, [JSON.stringify(rows)]));
  await insert(INSERT_TASKS, tasks.map(wholeTaskRow));
  for (const task of tasks) await trx.executeQuery(CompiledQuery.raw(INSERT_RUNS, wholeRunColumns(task)));
  const occurrences = tasks.flatMap(occurrenceRows);
  if (occurrences.length > 0) await insert(INSERT_OCCURRENCES, occurrences);
}
