import { type Static, type TObject, Type } from 'typebox';
import { Id } from './paging.js';
import { defineRpc } from './rpc.js';
import { EndReason, RunState } from './tasks.js';

/*
 * Live views of tasks: their events in a public form, and the output of commands. A reader reads both from a cursor on.
 * After the last one it waits for a hint that there may be more. No promise rests on the hints.
 */

/** A node run, as `task.detail` names it. */
const node = {
  nsid: Type.Integer({ description: 'Id of the node run.' }),
  node_id: Type.Integer(),
  ip: Type.String({ description: 'Its address now; empty while it has no machine.' }),
};

const step = {
  step: Type.String({ description: 'Name of the step.' }),
  step_num: Type.Integer({ description: 'Its place among the steps, from 1.' }),
};

const attempt = {
  ...node,
  ...step,
  attempt: Type.Integer({ description: 'Number of the attempt at the step, from 1.' }),
  started: Type.Integer(),
  finished: Type.Integer(),
  exit_code: Type.Optional(Type.Integer()),
};

const operator = { opr_user: Type.String() };
const executor = { executor: Type.String({ description: 'Name of the executor process.' }) };
const batch = { batch_id: Type.Integer({ description: 'Batch of the task, from 1.' }) };
const reason = { reason: Type.String() };
const nsids = { nsids: Type.Array(Type.Integer(), { description: 'Ids of the node runs.' }) };
const nodeIds = {
  node_ids: Type.Array(Type.Integer(), { description: 'Nodes on which it was not finished.' }),
};

/**
 * Data of each public event of a task, by its name. Names and fields never change; more may be added. Times are
 * milliseconds since 1970.
 */
/** Why an operator did something, in their words; absent: they gave no reason. */
const why = { reason: Type.Optional(Type.String()) };

export const taskEventData = {
  task_created: Type.Object({
    task_name: Type.String(),
    template_id: Id,
    template_name: Type.String(),
    pool_id: Id,
    pool_name: Type.String(),
    steps: Type.Array(Type.String(), { description: 'Names of the steps, in order.' }),
    node_count: Type.Integer(),
    step_len: Type.Integer({ description: 'Nodes in a batch.' }),
    timeout: Type.Number({ description: 'Limit of the whole run in minutes, 0 = none.' }),
    flow_type: Type.Union([Type.Literal('manual'), Type.Literal('crontab')]),
    ...operator,
  }),
  /** The task begins or resumes. */
  task_started: Type.Object({
    ...operator,
    nsids: Type.Union([Type.Array(Type.Integer()), Type.Null()], {
      description: 'Node runs that are open again after a halt; null = the task begins with all of them.',
    }),
    max_fail_num: Type.Optional(
      Type.Integer({ description: 'Failed nodes that the task tolerates from now on; absent: as before.' }),
    ),
  }),
  batch_started: Type.Object({ ...batch, ...nsids }),
  batch_finished: Type.Object({ ...batch, succeeded: Type.Integer(), failed: Type.Integer() }),
  /** An executor works on the node from now on. */
  node_taken: Type.Object({ ...node, ...executor }),
  /** The executor's heartbeats have stopped: another executor takes over. */
  node_lost: Type.Object({ ...node, ...executor }),
  /** An executor that shuts down has given the node back: another executor takes over. */
  node_handed_back: Type.Object(node),
  /** The home folder of the node is full: the attempt runs from another folder, or from memory. */
  step_placed: Type.Object({
    ...node,
    ...step,
    attempt: Type.Integer({ description: 'Number of the attempt at the step, from 1.' }),
    folder: Type.String({ description: 'Folder on the node.' }),
    memory: Type.Boolean({ description: "Whether the folder is in the node's memory." }),
    ...reason,
  }),
  /**
   * The command on the node could not be ended. The task still holds the node, and an executor tries again at
   * `next_look`.
   */
  node_still_held: Type.Object({ ...node, ...reason, next_look: Type.Integer() }),
  /** Rigel recorded the SSH host key of a node at first sight. */
  host_key_learned: Type.Object({ node_id: Type.Integer() }),
  step_succeeded: Type.Object(attempt),
  step_failed: Type.Object({
    ...attempt,
    ...reason,
    next: Type.Union([Type.Literal('retry'), Type.Literal('ignore'), Type.Literal('fail')], {
      description: 'Another attempt follows, the next step all the same, or the node has failed.',
    }),
  }),
  /** The command was ended on the node because the task was stopped. */
  step_stopped: Type.Object({ ...attempt, ...reason }),
  node_succeeded: Type.Object(node),
  node_failed: Type.Object({ ...node, ...step, ...reason }),
  /** A pause, or too many failures, left these runs unfinished. */
  nodes_halted: Type.Object(nsids),
  /** After a resume an earlier batch goes first. */
  node_deferred: Type.Object(node),
  /** The node waits before this step for nodes of other pools. */
  node_waits: Type.Object({ ...node, ...step }),
  /** The pools that this task depends on have reached the required step: the nodes that waited go on. */
  wait_over: Type.Object(nsids),
  /**
   * The ended task no longer holds the node: its command has been ended there; or an operator released the node, with a
   * `reason`; or an earlier release gave up reaching it (`given_up`).
   */
  node_released: Type.Object({
    ...node,
    given_up: Type.Boolean(),
    reason: Type.Optional(Type.String()),
    opr_user: Type.Optional(Type.String()),
  }),
  /** The VM provider has made the node's machine, and it has an address. */
  machine_assigned: Type.Object({ ...node, vm_id: Type.String() }),
  /** The node's machine was returned, and the node no longer exists. */
  machine_returned: Type.Object({ ...node, vm_id: Type.String() }),
  task_paused: Type.Object({ ...operator, ...why }),
  task_stopped: Type.Object({ ...operator, ...nodeIds, ...why }),
  task_timed_out: Type.Object(nodeIds),
  failure_budget_exceeded: Type.Object({ failed: Type.Integer(), max_fail_num: Type.Integer() }),
  task_finished: Type.Object({ state: RunState, end_reason: EndReason }),
} satisfies Record<string, TObject>;

export type TaskEventName = keyof typeof taskEventData;

/** The names of the public events of tasks. */
export const TaskEventNames = Type.Enum(Object.keys(taskEventData) as TaskEventName[]);

/** A public event: its name and its data. */
export type NamedTaskEvent = {
  [Name in TaskEventName]: { event: Name; data: Static<(typeof taskEventData)[Name]> };
}[TaskEventName];

/** Cursor in the output of a run: step from 0, attempt from 1, and the number of bytes read of that attempt. */
export const OutputPlace = Type.Object({
  step: Type.Integer({ minimum: 0, maximum: 2_147_483_647 }),
  attempt: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
  byte: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
});
export type OutputPlace = Static<typeof OutputPlace>;

export const live = {
  /**
   * The events of a task after a version of its stream, oldest first. `version` is the last one of the stream. `over`
   * says how the task ended; null: it is not over. Any replica answers.
   */
  taskEvents: defineRpc('scheduler.task.events', {
    request: Type.Object({
      id: Id,
      after: Type.Integer({ minimum: 0 }),
      limit: Type.Integer({ minimum: 1, maximum: 1_000 }),
      /** Only events before this version, the newest of them first. */
      before: Type.Optional(Type.Integer({ minimum: 1, maximum: 2_147_483_647 })),
      /** Only events of these names. */
      names: Type.Optional(Type.Array(TaskEventNames, { minItems: 1, maxItems: 40 })),
      /** Only events that concern this node run. */
      run_id: Type.Optional(Id),
    }),
    response: Type.Object({
      events: Type.Array(
        Type.Object({
          version: Type.Integer({ minimum: 1 }),
          time: Type.Integer(),
          event: Type.String(),
          data: Type.Record(Type.String(), Type.Unknown()),
        }),
      ),
      version: Type.Integer({ minimum: 1 }),
      over: Type.Union([
        Type.Object({
          state: RunState,
          end_reason: EndReason,
          stat: Type.Array(Type.Integer()),
          /** As in `Task`. Absent from schedulers of earlier releases. */
          ignored: Type.Optional(Type.Integer()),
        }),
        Type.Null(),
      ]),
      /** The version to go on from; null: there is no more. Absent from schedulers of earlier releases. */
      next: Type.Optional(Type.Union([Type.Integer({ minimum: 1 }), Type.Null()])),
    }),
  }),
  /**
   * The output of a node run after a cursor, in order, and a line for each attempt that did not succeed: together the
   * text of its log. Parts end between characters. `place` is the next cursor, perhaps beyond the last part. `over` is
   * not null when the run has ended and all of the output has been read. Any replica answers.
   */
  runOutput: defineRpc('scheduler.run.output', {
    request: Type.Object({ id: Id, after: OutputPlace }),
    response: Type.Object({
      parts: Type.Array(
        Type.Object({
          name: Type.String(),
          step: Type.Integer({ minimum: 0 }),
          text: Type.String(),
          attempt: Type.Integer({ minimum: 1 }),
          /** The cursor after this part. */
          place: OutputPlace,
        }),
      ),
      place: OutputPlace,
      over: Type.Union([Type.Object({ state: RunState }), Type.Null()]),
    }),
  }),
};

/** A hint that more output of a node run may be stored. The message is empty. */
export const outputStoredSubject = (runId: number): string => `rigel.scheduler.output.${runId}`;
export const OutputStored = Type.Object({});
