import { stepLimitsOf } from '@rigel/contracts';
import { lines, numbers } from '@rigel/event-store';
import { CompiledQuery, type Transaction } from 'kysely';
import { stateOf, stepRow, taskRow } from '../../task/projection.js';
import type { TaskState } from '../../task/state.js';

/** How many parameters `insertCtes` has, and which of them are the tasks and the nodes of the runs. */
export const INSERT_PARAMETERS = 14;
export const RUN_TASKS = 2;
export const RUN_NODES = 6;

/**
 * Common table expressions that write the rows of tasks that have none, with those of their runs, and which occurrence of a
 * schedule led to them. The parameters are those of `insertParameters`, after the first `before` ones of the statement.
 * @param from what the rows are to wait for: a relation with one row and a comma, or nothing.
 */
export function insertCtes(from: string, before = 0): string {
  const parameter = (n: number): string => `$${before + n}`;
  return `
  inserted_tasks AS (
    INSERT INTO tasks (id, name, template_id, template_name, pool_id, pool_name, options, batch_size, operator,
      flow_type, state, end_reason, stat, ignored, active, version, created_at, updated_at,
      started_at, ended_at, deadline, batch, budget)
    SELECT r.* FROM ${from} json_to_recordset(${parameter(1)}::json) AS r(id bigint, name text, template_id bigint,
      template_name text, pool_id bigint, pool_name text, options jsonb, batch_size int, operator text, flow_type text,
      state smallint, end_reason text, stat int[], ignored int, active boolean, version int, created_at bigint,
      updated_at bigint, started_at bigint, ended_at bigint, deadline bigint, batch int, budget int)
  ),
  inserted_runs AS (
    INSERT INTO runs (id, task_id, index, batch, node_id, ip, vm_id, state, step, steps, created_at, updated_at)
    SELECT r.id, r.task, r.index, r.batch, r.node, r.ip, r.vm, r.state, r.step, r.steps::jsonb, r.created, r.updated
    FROM ${from} unnest(${parameter(RUN_TASKS)}::bigint[], ${parameter(3)}::bigint[], ${parameter(4)}::int[],
      ${parameter(5)}::int[], ${parameter(RUN_NODES)}::bigint[], ${parameter(7)}::text[], ${parameter(8)}::text[],
      ${parameter(9)}::smallint[], ${parameter(10)}::int[], string_to_array(${parameter(11)}, E'\\n'),
      ${parameter(12)}::bigint[], ${parameter(13)}::bigint[])
      AS r(task, id, index, batch, node, ip, vm, state, step, steps, created, updated)
  ),
  inserted_occurrences AS (
    INSERT INTO occurrence_tasks (schedule_id, cause, due, pool_id, task_id)
    SELECT r.* FROM ${from} json_to_recordset(${parameter(14)}::json) AS r(schedule_id bigint, cause text, due bigint,
      pool_id bigint, task_id bigint)
  )`;
}

const INSERT = `WITH ${insertCtes('')} SELECT`;

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
    options: created.steps.map((step, index) => ({
      name: step.name,
      param_values: step.param_values,
      retry: step.retry,
      ...stepLimitsOf(step),
      ...(created.sources ? { sources: created.sources[index] ?? {} } : {}),
      ...(index === 0 && created.againOf !== undefined ? { again_of: created.againOf } : {}),
    })),
    batch_size: created.batchSize,
    operator: created.operator,
    flow_type: created.flowType,
    created_at: task.createdAt,
  };
}

/** The parameters of `insertCtes`. */
export function insertParameters(tasks: readonly TaskState[]): unknown[] {
  const runs = tasks.flatMap((task) => task.runs.map((run) => ({ task, run })));
  return [
    JSON.stringify(tasks.map(wholeTaskRow)),
    numbers(runs.map(({ task }) => task.id)),
    numbers(runs.map(({ run }) => run.id)),
    numbers(runs.map(({ run }) => run.index)),
    numbers(runs.map(({ run }) => run.batch)),
    numbers(runs.map(({ run }) => run.node)),
    runs.map(({ run }) => run.ip),
    runs.map(({ run }) => run.vm),
    numbers(runs.map(({ run }) => stateOf(run))),
    numbers(runs.map(({ run }) => run.step)),
    lines(runs.map(({ run }) => JSON.stringify(run.steps.map(stepRow)))),
    numbers(runs.map(({ task }) => task.createdAt)),
    numbers(runs.map(({ run }) => run.updatedAt)),
    JSON.stringify(tasks.flatMap(occurrenceRows)),
  ];
}

/** Writes the rows of tasks that have none. */
export async function insertTasks(trx: Transaction<unknown>, tasks: readonly TaskState[]): Promise<void> {
  await trx.executeQuery(CompiledQuery.raw(INSERT, insertParameters(tasks)));
}
