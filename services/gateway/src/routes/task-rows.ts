import type { RpcResponse } from '@rigel/contracts';
import { type HeldBy, type NodeRun, Task, type TaskLogLine, type tasks } from '@rigel/contracts';
import { Type } from 'typebox';
import type { TimeFormat } from '../answer/time-format.js';

/*
 * Tasks, node runs and log lines in the form of the API. Some values come twice under different names, because existing
 * clients use either name.
 */

const LocalTime = Type.String({ description: 'YYYY-MM-DD HH:mm:ss in the zone of the deployment.' });

export const TaskRow = Type.Object({
  ...Task.properties,
  Status: Task.properties.state,
  Stat: Task.properties.stat,
  ignored: Type.Integer({
    description: 'Of the nodes that succeeded, those on which a step failed and was ignored.',
  }),
  created: LocalTime,
  updated: LocalTime,
});

export function toTaskRow(task: Task, times: TimeFormat) {
  return {
    ...task,
    Status: task.state,
    Stat: task.stat,
    ignored: task.ignored ?? 0,
    created: times.local(task.created),
    updated: times.local(task.updated),
  };
}

export const exampleTask = {
  id: 1,
  template_id: 2,
  template_name: 'rollout',
  task_name: 'version 2',
  pool_id: 1,
  pool_name: 'shop-a',
  state: 2,
  end_reason: 'completed',
  options: [
    {
      name: 'start_service',
      param_values: { tag: 'shop:2.0' },
      retry: { retry_times: 2, ignore_error: false },
    },
  ],
  step_len: 4,
  opr_user: 'root',
  flow_type: 'manual',
  stat: [0, 0, 12, 0, 0],
  ignored: 0,
  created: '2026-01-05 08:00:00',
  updated: '2026-01-05 08:00:42',
  Status: 2,
  Stat: [0, 0, 12, 0, 0],
};

/** The task that holds a node. */
export const HeldByRow = Type.Union(
  [
    Type.Object({
      task_id: Type.Integer(),
      name: Type.String(),
      opr_user: Type.String(),
      since: Type.String({ description: 'When the task was made, RFC 3339, in UTC.' }),
      ending: Type.Boolean({
        description:
          'The task has ended, and a command of it is still being ended on the node, or could not be.',
      }),
    }),
    Type.Null(),
  ],
  { description: 'The task that holds the node now: no other one gets it. null: none.' },
);

export function toHeldByRow(held: HeldBy, times: TimeFormat) {
  return { ...held, since: times.rfc3339(held.since) };
}
/** The value that clients read as "not over yet" when they compute how long a node takes. */
const NOT_OVER = '0000-00-00 00:00:00';
const RUNNING = 1;
const FAILED = 3;
/** Clients paste this text into an attribute of a page unchanged. */
const UNSAFE_IN_PAGES = /["\\<>&]/g;

const runFields = {
  id: Type.Integer({ description: 'Id of the node run.' }),
  ip: Type.String(),
  state: Type.Integer({ description: '0 init, 1 running, 2 success, 3 failed, 4 stopped.' }),
  pool_name: Type.String(),
  vm_id: Type.String(),
  created: LocalTime,
  updated: LocalTime,
  step: Type.String({ description: 'Name of the current step.' }),
  node_id: Type.Integer(),
  batch_id: Type.Integer(),
  Created: Type.String({ description: 'RFC 3339, in UTC.' }),
  Updated: Type.String({ description: 'RFC 3339, in UTC.' }),
  held_by: HeldByRow,
};

/** A row of the flat list; `steps` is empty until the first step begins. */
export const RunRow = Type.Object({
  ...runFields,
  steps: Type.Union([
    Type.Object({
      name: Type.String({ description: 'The current step.' }),
      num: Type.Integer({ description: 'Its place among the steps, from 1.' }),
      list: Type.Array(
        Type.Object({
          name: Type.String(),
          state: Type.Integer(),
          attempts: Type.Integer(),
          message: Type.String(),
        }),
      ),
    }),
    Type.Object({}, { additionalProperties: false }),
  ]),
});

/** Node runs by state; states without runs are left out. */
export const RunsByState = Type.Object(
  { total: Type.Integer({ description: 'Number of node runs.' }) },
  {
    additionalProperties: Type.Array(
      Type.Object({
        ...runFields,
        Updated: Type.String({ description: `RFC 3339, in UTC; ${NOT_OVER} while the node runs.` }),
        steps: Type.String(),
        error: Type.Optional(
          Type.String({
            description: 'Why a failed node failed, without characters that a page would read.',
          }),
        ),
      }),
    ),
    description: 'Node runs by the number of their state; steps is the name of the current step.',
  },
);

function commonFields(run: NodeRun, times: TimeFormat) {
  return {
    id: run.id,
    ip: run.ip,
    state: run.state,
    pool_name: run.pool_name,
    vm_id: run.vm_id,
    created: times.local(run.created),
    updated: times.local(run.updated),
    step: currentStep(run),
    node_id: run.node_id,
    batch_id: run.batch_id,
    Created: times.rfc3339(run.created),
    Updated: times.rfc3339(run.updated),
    held_by: run.held_by ? toHeldByRow(run.held_by, times) : null,
  };
}

function currentStep(run: NodeRun): string {
  return run.steps[run.step_index]?.name ?? '';
}

function errorOf(run: NodeRun): string {
  const message = run.steps.findLast(({ state }) => state === FAILED)?.message ?? '';
  return message.replaceAll(UNSAFE_IN_PAGES, '');
}

export function toRunRow(run: NodeRun, times: TimeFormat) {
  const steps =
    run.step_index < 0 ? {} : { name: currentStep(run), num: run.step_index + 1, list: run.steps };
  return { ...commonFields(run, times), steps };
}

export function toRunsByState(runs: readonly NodeRun[], times: TimeFormat) {
  const byState: Record<string, unknown[]> = {};
  for (const run of runs) {
    byState[run.state] ??= [];
    byState[run.state]?.push({
      ...commonFields(run, times),
      ...(run.state === RUNNING ? { Updated: NOT_OVER } : {}),
      ...(run.state === FAILED ? { error: errorOf(run) } : {}),
      steps: currentStep(run),
    });
  }
  return { ...byState, total: runs.length };
}

export const LogRow = Type.Object({
  id: Type.Integer(),
  fid: Type.Integer({ description: 'The task.' }),
  batch_id: Type.Integer({ description: '0 for lines of the task as a whole.' }),
  correlation_id: Type.String({ description: 'Task and batch.' }),
  message: Type.String(),
  ctime: Type.Integer({ description: 'Seconds since 1970.' }),
});

export function toLogRow(taskId: number, line: TaskLogLine, times: TimeFormat) {
  return {
    id: line.id,
    fid: taskId,
    batch_id: line.batch_id,
    correlation_id: `${taskId}-${line.batch_id}`,
    message: line.message,
    ctime: times.unixSeconds(line.time),
  };
}

/** One object for each step reached, in order. */
export const NodeLog = Type.Array(
  Type.Record(Type.String(), Type.String(), {
    description: 'Name of a step, and what it printed on the node.',
  }),
);

export function toNodeLog({ steps }: RpcResponse<typeof tasks.nodeLog>): Record<string, string>[] {
  // A step may have any name; fromEntries makes a plain field even of __proto__.
  return steps.map(({ name, text }) => Object.fromEntries([[name, text]]));
}
