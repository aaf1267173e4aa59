import { type Static, Type } from 'typebox';
import { RetryOption } from './catalog.js';
import { Done, Id, pageFields, pageOf } from './paging.js';
import { defineRpc } from './rpc.js';
import { stepLimits } from './step-limits.js';

/*
 * Operations on tasks, answered by the scheduler. Times are milliseconds since 1970 (UTC); the gateway prints them.
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

/** How a task ended; empty while it has not. `stopped` and `timeout` tell the two ways of being ended from outside. */
export const EndReason = Type.Union([
  Type.Literal(''),
  Type.Literal('completed'),
  Type.Literal('partial'),
  Type.Literal('failed'),
  Type.Literal('stopped'),
  Type.Literal('timeout'),
]);
export type EndReason = Static<typeof EndReason>;

/** A step as the task runs it: name and merged options, without the command templates. */
export const TaskStepOption = Type.Object({
  name: Type.String(),
  param_values: Type.Record(Type.String(), Type.Unknown()),
  retry: RetryOption,
  ...stepLimits,
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
  /** Of the runs that passed, those of which a step failed and was ignored. Older schedulers do not tell. */
  ignored: Type.Optional(Type.Integer({ minimum: 0 })),
  created: Type.Integer(),
  updated: Type.Integer(),
});
export type Task = Static<typeof Task>;

/** What became of one step on one node; `message` says why it failed. */
export const StepProgress = Type.Object({
  name: Type.String(),
  state: RunState,
  /** Attempts begun so far. */
  attempts: Type.Integer({ minimum: 0 }),
  message: Type.String(),
});
export type StepProgress = Static<typeof StepProgress>;

/** The task that holds a node: no other one gets it. */
export const HeldBy = Type.Object({
  task_id: Id,
  name: Type.String(),
  opr_user: Type.String(),
  /** When the task was made, in milliseconds since 1970. */
  since: Type.Integer(),
  /** The task has ended, and a command of it is still being ended on the node, or could not be. */
  ending: Type.Boolean(),
});
export type HeldBy = Static<typeof HeldBy>;

/** One node inside one task. */
export const NodeRun = Type.Object({
  id: Id,
  node_id: Id,
  ip: Type.String(),
  vm_id: Type.String(),
  pool_name: Type.String(),
  /** Batch of the task, counted from 1. */
  batch_id: Type.Integer({ minimum: 1 }),
  state: RunState,
  /** Index of the current step (the last one, once all are done); -1 before the first begins. */
  step_index: Type.Integer({ minimum: -1 }),
  /** Steps reached, in order. */
  steps: Type.Array(StepProgress),
  created: Type.Integer(),
  updated: Type.Integer(),
  /** Who holds the node now, this task or another one; absent: nobody. */
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

/** Whether values that nothing uses are refused, or kept and told of. */
export const UnusedParams = Type.Union([Type.Literal('refuse'), Type.Literal('warn')]);
export type UnusedParams = Static<typeof UnusedParams>;

const control = {
  request: Type.Object({ id: Id, opr_user: Type.String() }),
  response: Done,
};

export const tasks = {
  /**
   * Creates one task for each pool that the addresses lie in. Everything is checked before anything is recorded;
   * `invalid` names the field, `not_found` the template or the addresses, `in_use` the nodes that an unfinished task holds.
   */
  create: defineRpc('scheduler.task.create', {
    request: Type.Object({
      template_id: Id,
      task_name: Type.String(),
      /** Minutes for the whole run, 0 = no limit. */
      timeout: Type.Integer({ minimum: 0, maximum: 525_600 }),
      /** Start at once. */
      auto: Type.Boolean(),
      /** Percent of the nodes in a batch, 1 to 100. */
      max_ratio: Type.Integer({ minimum: 1, maximum: 100 }),
      /** Most nodes in a batch, 0 = no limit. */
      max_num: Type.Integer({ minimum: 0 }),
      /** Failed nodes that the run tolerates before it halts; absent = no budget. */
      max_fail_num: Type.Optional(Type.Integer({ minimum: 0 })),
      /** The same in percent of the task's nodes. */
      max_fail_ratio: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
      opr_user: Type.String(),
      /** Addresses; repeated ones count once. */
      nodes: Type.Array(Type.String()),
      /** `{step: {param: value}}` for one step, `{param: value}` for every step that has the parameter. */
      params: Type.Record(Type.String(), Type.Unknown()),
      /** What becomes of params that no step uses: `invalid` (also when absent), or a line of the task's log. */
      unused_params: Type.Optional(UnusedParams),
      /**
       * Whether params may name any secret: whoever asks could change the template, being an admin, or access being off. Absent
       * or false: only those that the template allows. Only the gateway may ask for this operation, and it knows who asks.
       */
      any_secret: Type.Optional(Type.Boolean()),
    }),
    response: Type.Object({ ids: Type.Array(Id) }),
    timeoutMs: 30_000,
    keyed: true,
  }),
  /**
   * Adds machines to a pool: as many nodes, and a task of the pool's expand template over them. `not_found`: the pool or its
   * template; `wrong_state`: the pool has no such template; `invalid`: the template cannot be used.
   */
  expand: defineRpc('scheduler.pool.expand', {
    request: Type.Object({
      pool_id: Id,
      num: Type.Integer({ minimum: 1, maximum: 200 }),
      opr_user: Type.String(),
    }),
    response: Type.Object({ id: Id }),
    timeoutMs: 30_000,
    keyed: true,
  }),
  /** Gives machines back: a task of the pool's shrink template. `not_found`: an address is no node of this pool. */
  shrink: defineRpc('scheduler.pool.shrink', {
    request: Type.Object({ pool_id: Id, nodes: Type.Array(Type.String()), opr_user: Type.String() }),
    response: Type.Object({ id: Id }),
    timeoutMs: 30_000,
    keyed: true,
  }),
  /** Puts an image online: a task of the pool's deploy template over all its nodes that have an address. */
  deploy: defineRpc('scheduler.pool.deploy', {
    request: Type.Object({
      pool_id: Id,
      tag: Type.String(),
      max_num: Type.Integer({ minimum: 1 }),
      max_ratio: Type.Integer({ minimum: 1, maximum: 100 }),
      max_fail_num: Type.Optional(Type.Integer({ minimum: 0 })),
      max_fail_ratio: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
      opr_user: Type.String(),
    }),
    response: Type.Object({ id: Id }),
    timeoutMs: 30_000,
    keyed: true,
  }),
  /** `wrong_state` with the reason; the same for pause and stop. */
  start: defineRpc('scheduler.task.start', control),
  pause: defineRpc('scheduler.task.pause', control),
  stop: defineRpc('scheduler.task.stop', control),
  /**
   * A person's word that nothing runs any more on the node of a node run that has ended, where its command could not be ended:
   * the node is free. `wrong_state`: no command of it is being ended; `invalid`: no reason, or a long one.
   */
  releaseNode: defineRpc('scheduler.task.release_node', {
    request: Type.Object({ id: Id, reason: Type.String(), opr_user: Type.String() }),
    response: Done,
    timeoutMs: 8_000,
  }),
  /** Newest first. */
  list: defineRpc('scheduler.task.list', {
    request: Type.Object({ ...pageFields, name: Type.Optional(Type.String()) }),
    response: pageOf(Task),
  }),
  /**
   * The task as soon as its run is over, or as it is after `wait_ms`, or earlier where this replica no longer runs it: the caller
   * asks again as long as `over` is false. Only the owner of the task's partition answers. While a stopped task still has
   * commands to end on nodes, it is not over.
   */
  awaitEnd: defineRpc('scheduler.{partition}.await_end', {
    request: Type.Object({ id: Id, wait_ms: Type.Integer({ minimum: 0, maximum: 10_000 }) }),
    response: Type.Object({ task: Task, over: Type.Boolean() }),
  }),
  get: defineRpc('scheduler.task.get', { request: Type.Object({ id: Id }), response: Task }),
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
  /** What each step reached printed on the node, all attempts. `id` is a node run's. */
  nodeLog: defineRpc('scheduler.task.node_log', {
    request: Type.Object({ id: Id }),
    response: Type.Object({ steps: Type.Array(Type.Object({ name: Type.String(), text: Type.String() })) }),
    timeoutMs: 15_000,
  }),
  /** The tasks that hold nodes; those that no task holds are in none of the lists. */
  holders: defineRpc('scheduler.node.holders', {
    request: Type.Object({ node_ids: Type.Array(Id) }),
    response: Type.Object({
      holders: Type.Array(Type.Object({ node_ids: Type.Array(Id), held_by: HeldBy })),
    }),
    // It is said beside what else is known of the nodes, and that does not wait for long.
    timeoutMs: 1_000,
  }),
  /**
   * Holds nodes so that no task can take them while they are being removed; `in_use` names those that an unfinished task
   * holds, and which one. Ended tasks whose command may still run there let go of them. The hold ends by itself after `ttl_ms`.
   */
  reserveNodes: defineRpc('scheduler.node.reserve', {
    request: Type.Object({
      node_ids: Type.Array(Id),
      ttl_ms: Type.Integer({ minimum: 1_000, maximum: 60_000 }),
    }),
    response: Done,
  }),
};
