import { type Static, Type } from 'typebox';
import { RetryOption } from './catalog.js';
import { listOf, Text } from './forms.js';
import { Done, Id, pageFields, pageOf } from './paging.js';
import { defineRpc } from './rpc.js';
import { stepLimits } from './step-limits.js';
import { requests } from './task-requests.js';

/*
 * Operations on tasks; the scheduler answers them. Times are milliseconds since 1970 (UTC); the gateway formats them.
 */

/** State of a task, a batch and a node run: 0 init, 1 running, 2 success, 3 failed, 4 stopped (or paused). */
export const RunState = Type.Union([
  Type.Literal(0),
  Type.Literal(1),
  Type.Literal(2),
  Type.Literal(3),
  Type.Literal(4),
]);
export type RunState = Static<typeof RunState>;

/** How a task ended; empty while it has not. `stopped`: by an operator; `timeout`: by its time limit. */
export const EndReason = Type.Union([
  Type.Literal(''),
  Type.Literal('completed'),
  Type.Literal('partial'),
  Type.Literal('failed'),
  Type.Literal('stopped'),
  Type.Literal('timeout'),
]);
export type EndReason = Static<typeof EndReason>;

/** A step of a task: name and merged options, without the command templates. */
export const TaskStepOption = Type.Object({
  name: Type.String(),
  param_values: Type.Record(Type.String(), Type.Unknown()),
  retry: RetryOption,
  ...stepLimits,
});

/** Where the value of a parameter comes from. */
export const ValueSource = Type.Union([
  Type.Literal('template'),
  Type.Literal('pool'),
  Type.Literal('service'),
  Type.Literal('call'),
]);
export type ValueSource = Static<typeof ValueSource>;

const MaybeTime = Type.Union([Type.Integer(), Type.Null()]);

/** The occurrence of a scheduled task that made a task. */
export const TaskOccurrenceLine = Type.Object({
  schedule_id: Id,
  cause: Type.String(),
  due: Type.Integer(),
});

/** How far a task is. Times are null where they are not reached, or not known. */
export const TaskProgress = Type.Object({
  /** Of its stream of events. */
  version: Type.Integer({ minimum: 1 }),
  started: MaybeTime,
  ended: MaybeTime,
  /** When its time is up; null: it has no limit, or does not run. */
  deadline: MaybeTime,
  /** The batch that is worked on, or was last, from 1; 0 before the first. */
  batch: Type.Integer({ minimum: 0 }),
  batches: Type.Integer({ minimum: 1 }),
  nodes: Type.Integer({ minimum: 1 }),
  /** Failed nodes that it tolerates; null: it has no such limit. */
  budget: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
  occurrence: Type.Union([TaskOccurrenceLine, Type.Null()]),
});
export type TaskProgress = Static<typeof TaskProgress>;

/** What a task's runs wait for in other pools. */
export const TaskGateLine = Type.Object({
  /** Name of the step before which they wait. */
  before: Type.String(),
  /** Whether the other pools have passed. */
  open: Type.Boolean(),
  waits_for: Type.Array(
    Type.Object({ task_id: Id, pool_id: Id, pool_name: Type.String(), step: Type.String() }),
  ),
});

export const Task = Type.Object({
  id: Id,
  template_id: Id,
  template_name: Type.String(),
  task_name: Type.String(),
  pool_id: Id,
  pool_name: Type.String(),
  state: RunState,
  end_reason: EndReason,
  options: Type.Array(TaskStepOption),
  /** Nodes in a batch. */
  step_len: Type.Integer({ minimum: 1 }),
  opr_user: Type.String(),
  flow_type: Type.Union([Type.Literal('manual'), Type.Literal('crontab')]),
  /** Node runs by state: [init, running, success, failed, stopped]. */
  stat: Type.Array(Type.Integer({ minimum: 0 })),
  /** Number of succeeded runs in which a failed step was ignored. Absent: a scheduler of an earlier release answers. */
  ignored: Type.Optional(Type.Integer({ minimum: 0 })),
  created: Type.Integer(),
  updated: Type.Integer(),
  /** What schedulers of earlier releases do not tell. */
  progress: Type.Optional(TaskProgress),
});
export type Task = Static<typeof Task>;

/** One task, with what its row alone does not tell. */
export const TaskDetail = Type.Object({
  ...Task.properties,
  details: Type.Optional(
    Type.Object({
      /** Node runs whose command may be alive on the node: those at work, and those that are being ended. */
      commands_alive: Type.Integer({ minimum: 0 }),
      /** The ended task that it runs again; absent: none. */
      again_of: Type.Optional(Id),
      /** What its runs wait for in other pools; null: nothing. */
      gate: Type.Union([TaskGateLine, Type.Null()]),
      /**
       * Where the values of each step come from, by parameter; one that is not there has the template's value. Absent: not known, a
       * task or a scheduler of an earlier release.
       */
      sources: Type.Optional(Type.Array(Type.Record(Type.String(), ValueSource))),
    }),
  ),
});
export type TaskDetail = Static<typeof TaskDetail>;

/** Progress of one step on one node; `message` says why it failed. */
export const StepProgress = Type.Object({
  name: Type.String(),
  state: RunState,
  /** Attempts begun so far. */
  attempts: Type.Integer({ minimum: 0 }),
  message: Type.String(),
});
export type StepProgress = Static<typeof StepProgress>;

/** The task that holds a node. No other task gets the node. */
export const HeldBy = Type.Object({
  task_id: Id,
  name: Type.String(),
  opr_user: Type.String(),
  /** When the task was created, in milliseconds since 1970. */
  since: Type.Integer(),
  /** The task has ended, but a command of this task on the node has not been ended yet, or cannot be. */
  ending: Type.Boolean(),
});
export type HeldBy = Static<typeof HeldBy>;

/** One node's part of a task. */
export const NodeRun = Type.Object({
  id: Id,
  node_id: Id,
  ip: Type.String(),
  vm_id: Type.String(),
  pool_name: Type.String(),
  /** Batch of the task, counted from 1. */
  batch_id: Type.Integer({ minimum: 1 }),
  state: RunState,
  /** Index of the current step (of the last one after all are done); -1 before the first begins. */
  step_index: Type.Integer({ minimum: -1 }),
  /** The steps that were reached, in order. */
  steps: Type.Array(StepProgress),
  created: Type.Integer(),
  updated: Type.Integer(),
  /** The task that holds the node now, this one or another; absent: none. */
  held_by: Type.Optional(HeldBy),
});
export type NodeRun = Static<typeof NodeRun>;

export const TaskLogLine = Type.Object({
  id: Type.Integer({ minimum: 1 }),
  /** 0 for lines of the task as a whole. */
  batch_id: Type.Integer({ minimum: 0 }),
  message: Type.String(),
  time: Type.Integer(),
});
export type TaskLogLine = Static<typeof TaskLogLine>;

/** One run of a node, with the task that it was part of. */
export const RunOfNode = Type.Object({
  /** Id of the node run. */
  id: Id,
  task_id: Id,
  task_name: Type.String(),
  template_name: Type.String(),
  opr_user: Type.String(),
  /** Batch of the task, counted from 1. */
  batch_id: Type.Integer({ minimum: 1 }),
  state: RunState,
  /** The step that it reached last; empty: none. */
  step: Type.String(),
  /** Attempts begun at that step. */
  attempts: Type.Integer({ minimum: 0 }),
  /** Why that step failed; empty: it did not. */
  reason: Type.String(),
  created: Type.Integer(),
  updated: Type.Integer(),
});
export type RunOfNode = Static<typeof RunOfNode>;

export const tasks = {
  /**
   * Creates one task for each pool of the addresses. The scheduler checks everything before it records anything.
   * `invalid` names the field, `not_found` the template or the addresses, `in_use` the nodes that an unfinished task
   * holds.
   */
  create: defineRpc('scheduler.task.create', {
    request: requests.create,
    response: Type.Object({ ids: Type.Array(Id) }),
    timeoutMs: 30_000,
    keyed: true,
  }),
  /**
   * Runs one script on nodes, without an entry of the catalog. It becomes a task like any other, whose event holds the script.
   * `invalid` (field `script`): blank or too long; `not_found`: the pool, or an address; `in_use` as `create`.
   */
  run: defineRpc('scheduler.task.run', {
    request: requests.run,
    response: Type.Object({ ids: Type.Array(Id) }),
    timeoutMs: 30_000,
    keyed: true,
  }),
  /**
   * Makes a new task of an ended one: the template as it is now with the values that its call gave, or its one-off script, over its
   * nodes. `not_found`: the task or its template; `wrong_state`: it has not ended, or no node is left; `invalid` (reason
   * `run_not_allowed`): a one-off command, and the caller may not run any.
   */
  again: defineRpc('scheduler.task.again', {
    request: requests.again,
    response: Type.Object({ ids: Type.Array(Id) }),
    timeoutMs: 30_000,
    keyed: true,
  }),
  /**
   * Adds `num` machines to a pool: new nodes, and a task of the pool's expand template over them. `not_found`: the pool
   * or its template; `wrong_state`: the pool names no such template; `invalid`: the template cannot be used.
   */
  expand: defineRpc('scheduler.pool.expand', {
    request: requests.expand,
    response: Type.Object({ id: Id }),
    timeoutMs: 30_000,
    keyed: true,
  }),
  /**
   * Returns machines: a task of the pool's shrink template. `not_found`: an address is no node of this pool; `invalid`
   * (field `confirm`): the pool is protected, and `confirm` is not its name; the same for deploy and stop.
   */
  shrink: defineRpc('scheduler.pool.shrink', {
    request: requests.shrink,
    response: Type.Object({ id: Id }),
    timeoutMs: 30_000,
    keyed: true,
  }),
  /** Deploys an image: a task of the pool's deploy template over all of its nodes that have an address. */
  deploy: defineRpc('scheduler.pool.deploy', {
    request: requests.deploy,
    response: Type.Object({ id: Id }),
    timeoutMs: 30_000,
    keyed: true,
  }),
  /**
   * `wrong_state` with the reason; the same for pause and stop. Field `if_plan`: the plan has changed, and nothing was
   * done; the same for the operations above. `invalid` (field `runs`): no node run of the task.
   */
  start: defineRpc('scheduler.task.start', { request: requests.start, response: Done }),
  pause: defineRpc('scheduler.task.pause', { request: requests.pause, response: Done }),
  stop: defineRpc('scheduler.task.stop', { request: requests.stop, response: Done }),
  /**
   * Frees the node of an ended node run whose command could not be ended: a person confirms that nothing runs there any
   * more. `wrong_state`: no command of the run is being ended; `invalid`: no reason, or one that is too long.
   */
  releaseNode: defineRpc('scheduler.task.release_node', {
    request: Type.Object({ id: Id, reason: Text, opr_user: Text }),
    response: Done,
    timeoutMs: 8_000,
  }),
  /** Newest first. */
  list: defineRpc('scheduler.task.list', {
    request: Type.Object({ ...pageFields, name: Type.Optional(Text) }),
    response: pageOf(Task),
  }),
  /**
   * Answers when the task is over, or after `wait_ms`, or earlier if this replica no longer owns the partition. The
   * caller asks again while `over` is false. Only the owner of the task's partition answers. A stopped task is not over
   * while commands of it must still be ended on nodes.
   */
  awaitEnd: defineRpc('scheduler.{partition}.await_end', {
    request: Type.Object({ id: Id, wait_ms: Type.Integer({ minimum: 0, maximum: 10_000 }) }),
    response: Type.Object({ task: Task, over: Type.Boolean() }),
  }),
  get: defineRpc('scheduler.task.get', { request: Type.Object({ id: Id }), response: TaskDetail }),
  /** All node runs of a task, in the order of the request that made it. */
  detail: defineRpc('scheduler.task.detail', {
    request: Type.Object({ id: Id }),
    response: Type.Object({ rows: Type.Array(NodeRun) }),
    timeoutMs: 15_000,
  }),
  /** Lines with an id greater than `after`, oldest first. */
  log: defineRpc('scheduler.task.log', {
    request: Type.Object({ id: Id, after: Type.Integer({ minimum: 0 }) }),
    response: Type.Object({ lines: Type.Array(TaskLogLine) }),
    timeoutMs: 15_000,
  }),
  /** Output of all attempts of each reached step on the node. `id` is the id of a node run. */
  nodeLog: defineRpc('scheduler.task.node_log', {
    request: Type.Object({ id: Id }),
    response: Type.Object({ steps: Type.Array(Type.Object({ name: Type.String(), text: Type.String() })) }),
    timeoutMs: 15_000,
  }),
  /**
   * The tasks that hold nodes. A node that no task holds is in none of the lists. `host_keys`: the answer has the pinned
   * SSH host keys of the nodes too, as far as there are any.
   */
  holders: defineRpc('scheduler.node.holders', {
    request: Type.Object({ node_ids: listOf(Id), host_keys: Type.Optional(Type.Boolean()) }),
    response: Type.Object({
      holders: Type.Array(Type.Object({ node_ids: Type.Array(Id), held_by: HeldBy })),
      /** Absent: not asked for, or a scheduler of an earlier release answers. */
      host_keys: Type.Optional(Type.Array(Type.Object({ node_id: Id, host_key: Type.String() }))),
    }),
    // The gateway adds the answer to other facts about the nodes, and those must not wait long.
    timeoutMs: 1_000,
  }),
  /** The nodes that a task holds, in the order of their ids; none if there is no such task. */
  heldNodes: defineRpc('scheduler.node.held', {
    request: Type.Object({ task_id: Id }),
    response: Type.Object({ node_ids: Type.Array(Id) }),
  }),
  /** The newest tasks of a pool, newest first, and the tasks that hold nodes of the pool, with the number of these nodes. */
  ofPool: defineRpc('scheduler.task.of_pool', {
    request: Type.Object({ pool_id: Id, limit: Type.Integer({ minimum: 1, maximum: 100 }) }),
    response: Type.Object({
      tasks: Type.Array(Task),
      holding: Type.Array(Type.Object({ held_by: HeldBy, nodes: Type.Integer({ minimum: 1 }) })),
    }),
  }),
  /**
   * Runs of a node, newest first, in tasks before one. Runs have no index by node, so the scheduler looks through the
   * tasks of the node's pool, a limited number of runs in each call. `before`: where to go on; null: there are no more.
   */
  runsOfNode: defineRpc('scheduler.node.runs', {
    request: Type.Object({
      node_id: Id,
      pool_id: Id,
      before: Type.Optional(Id),
      limit: Type.Integer({ minimum: 1, maximum: 100 }),
    }),
    response: Type.Object({ runs: Type.Array(RunOfNode), before: Type.Union([Id, Type.Null()]) }),
  }),
  /**
   * Holds nodes so that no task can take them while the inventory removes them. `in_use` names the nodes that an
   * unfinished task holds, and the task. Ended tasks whose command may still run there release their nodes. The hold
   * ends after `ttl_ms` at the latest.
   */
  reserveNodes: defineRpc('scheduler.node.reserve', {
    request: Type.Object({
      node_ids: listOf(Id),
      ttl_ms: Type.Integer({ minimum: 1_000, maximum: 60_000 }),
    }),
    response: Done,
  }),
};
