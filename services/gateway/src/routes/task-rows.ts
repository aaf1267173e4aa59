import type { RpcResponse } from '@rigel/contracts';
import {
  type HeldBy,
  isOneOff,
  isSecretParameter,
  type NodeRun,
  Task,
  type TaskDetail,
  type TaskLogLine,
  type tasks,
  ValueSource,
} from '@rigel/contracts';
import { Type } from 'typebox';
import type { TimeFormat } from '../answer/time-format.js';

/*
 * Tasks, node runs and log lines in the form of the API. Some values come twice under different names, because existing
 * clients use either name.
 */

const LocalTime = Type.String({ description: 'YYYY-MM-DD HH:mm:ss in the zone of the deployment.' });

const Utc = Type.String({ description: 'RFC 3339, in UTC.' });
const MaybeUtc = Type.Union([Utc, Type.Null()]);
const { progress: _, ...taskFields } = Task.properties;

export const TaskRow = Type.Object({
  ...taskFields,
  one_off: Type.Boolean({ description: 'It runs a one-off command: no template has its template_id.' }),
  Status: Task.properties.state,
  Stat: Task.properties.stat,
  ignored: Type.Integer({
    description: 'Of the nodes that succeeded, those on which a step failed and was ignored.',
  }),
  created: LocalTime,
  updated: LocalTime,
  version: Type.Integer({ description: 'Number of its events: it rises with each change.' }),
  created_at: Utc,
  updated_at: Utc,
  started_at: Type.Union([Utc, Type.Null()], { description: 'When it began for the first time.' }),
  ended_at: MaybeUtc,
  deadline_at: Type.Union([Utc, Type.Null()], {
    description: 'When its time is up; null: it has no limit, or does not run.',
  }),
  duration_ms: Type.Union([Type.Integer(), Type.Null()], {
    description: 'From its beginning to its end, or to now; null: it has not begun.',
  }),
  nodes: Type.Integer(),
  failed: Type.Integer({ description: 'Nodes that failed.' }),
  budget: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Failed nodes that it tolerates; null: it has no such limit.',
  }),
  batch: Type.Integer({
    description: 'The batch that it works on, or worked on last, from 1; 0 before the first.',
  }),
  batches: Type.Integer(),
  occurrence: Type.Union(
    [
      Type.Object({
        schedule_id: Type.Integer(),
        cause: Type.String({ description: 'Why the schedule acted: due, or saved.' }),
        due_at: Utc,
      }),
      Type.Null(),
    ],
    { description: 'The moment of a schedule that made it; null: an operator did.' },
  ),
});

/** A task with what lists do not tell. */
export const TaskInfoRow = Type.Object({
  ...TaskRow.properties,
  commands_alive: Type.Optional(
    Type.Integer({
      description:
        'Nodes on which a command of it may be alive: those at work, after the end those where it is being ended. Absent in an ' +
        'answer that waited for the end.',
    }),
  ),
  again_of: Type.Optional(Type.Integer({ description: 'The ended task that it runs again.' })),
  gate: Type.Optional(
    Type.Union(
      [
        Type.Object({
          before: Type.String({ description: 'The step before which its nodes wait.' }),
          open: Type.Boolean({ description: 'The other pools have passed.' }),
          waits_for: Type.Array(
            Type.Object({
              task_id: Type.Integer(),
              pool_id: Type.Integer(),
              pool_name: Type.String(),
              step: Type.String({ description: 'The step that they must have passed.' }),
            }),
          ),
        }),
        Type.Null(),
      ],
      { description: 'What its nodes wait for in other pools; null: nothing. Absent as commands_alive.' },
    ),
  ),
  params: Type.Optional(
    Type.Array(
      Type.Object({
        step: Type.String(),
        step_num: Type.Integer({ description: 'Place of the step, from 1.' }),
        name: Type.String(),
        secret: Type.Boolean({ description: 'The value is a secret, of which only the name is known.' }),
        source: ValueSource,
      }),
      {
        description:
          'Where the value of each parameter comes from; the values are in options. Absent for tasks of earlier releases, and as ' +
          'commands_alive.',
      },
    ),
  ),
});

/** @param now milliseconds since 1970, for the duration of a task that goes on. */
export function toTaskRow({ progress, ...task }: Task, times: TimeFormat, now = Date.now()) {
  const maybe = (time: number | null | undefined) => (time == null ? null : times.rfc3339(time));
  const { started = null, ended = null, occurrence = null } = progress ?? {};
  const nodes = task.stat.reduce((sum, count) => sum + count, 0);
  return {
    ...task,
    one_off: isOneOff({ id: task.template_id }),
    Status: task.state,
    Stat: task.stat,
    ignored: task.ignored ?? 0,
    created: times.local(task.created),
    updated: times.local(task.updated),
    version: progress?.version ?? 0,
    created_at: times.rfc3339(task.created),
    updated_at: times.rfc3339(task.updated),
    started_at: maybe(started),
    ended_at: maybe(ended),
    deadline_at: maybe(progress?.deadline),
    duration_ms: started === null ? null : Math.max(0, (ended ?? now) - started),
    nodes,
    failed: task.stat[3] ?? 0,
    budget: progress?.budget ?? null,
    batch: progress?.batch ?? 0,
    batches: Math.ceil(nodes / task.step_len),
    occurrence: occurrence && {
      schedule_id: occurrence.schedule_id,
      cause: occurrence.cause,
      due_at: times.rfc3339(occurrence.due),
    },
  };
}

export function toTaskInfoRow({ details, ...task }: TaskDetail, times: TimeFormat) {
  const { sources, ...rest } = details ?? {};
  const params =
    sources &&
    task.options.flatMap(({ name: step, param_values }, index) =>
      Object.entries(param_values).map(([name, value]) => ({
        step,
        step_num: index + 1,
        name,
        secret: isSecretParameter(value),
        source: sources[index]?.[name] ?? 'template',
      })),
    );
  return { ...toTaskRow(task, times), ...rest, ...(params ? { params } : {}) };
}

export const exampleTask = {
  id: 1,
  template_id: 2,
  one_off: false,
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
  version: 88,
  created_at: '2026-01-05T08:00:00.000Z',
  updated_at: '2026-01-05T08:00:42.000Z',
  started_at: '2026-01-05T08:00:00.000Z',
  ended_at: '2026-01-05T08:00:42.000Z',
  deadline_at: null,
  duration_ms: 42_000,
  nodes: 12,
  failed: 0,
  budget: null,
  batch: 3,
  batches: 3,
  occurrence: null,
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
