import { CompiledQuery, type Transaction } from 'kysely';
import { taskRow } from './task/projection.js';
import type { TaskState } from './task/state.js';

const INSERT_TASKS = `
  INSERT INTO tasks (id, name, template_id, template_name, pool_id, pool_name, options, batch_size, operator,
    flow_type, state, end_reason, stat, active, version, created_at, updated_at)
  SELECT r.* FROM json_to_recordset($1::json) AS r(id bigint, name text, template_id bigint, template_name text,
    pool_id bigint, pool_name text, options jsonb, batch_size int, operator text, flow_type text, state smallint,
    end_reason text, stat int[], active boolean, version int, created_at bigint, updated_at bigint)`;

const INSERT_RUNS = `
  INSERT INTO runs (id, task_id, index, batch, node_id, ip, vm_id, state, step, steps, created_at, updated_at)
  SELECT r.* FROM json_to_recordset($1::json) AS r(id bigint, task_id bigint, index int, batch int, node_id bigint,
    ip text, vm_id text, state smallint, step int, steps jsonb, created_at bigint, updated_at bigint)`;

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

function wholeRunRows(task: TaskState): object[] {
  return task.runs.map(({ id, index, batch, node, ip, vm, state, step, steps, updatedAt }) => ({
    id,
    task_id: task.id,
    index,
    batch,
    node_id: node,
    ip,
    vm_id: vm,
    state,
    step,
    steps,
    created_at: task.createdAt,
    updated_at: updatedAt,
  }));
}

/** Writes the rows of tasks that have none, with those of their runs, and which moment of a schedule led to them. */
export async function insertTasks(trx: Transaction<unknown>, tasks: readonly TaskState[]): Promise<void> {
  const insert = (text: string, rows: object[]) =>
    trx.executeQuery(CompiledQuery.raw(text, [JSON.stringify(rows)]));
  await insert(INSERT_TASKS, tasks.map(wholeTaskRow));
  await insert(INSERT_RUNS, tasks.flatMap(wholeRunRows));
  const occurrences = tasks.flatMap(occurrenceRows);
  if (occurrences.length > 0) await insert(INSERT_OCCURRENCES, occurrences);
}
