import { type Static, Type } from 'typebox';
import { Text, Word } from './forms.js';
import { Id } from './paging.js';
import { defineRpc } from './rpc.js';
import { EndReason, RunState, Task } from './tasks.js';

/*
 * Lists of tasks and of what is inside a task, in parts: a page goes on after a cursor, which the scheduler made and only
 * the scheduler reads. Times are milliseconds since 1970 (UTC).
 */

/** Rows of a page at most. */
export const MAX_ROWS = 1_000;

const Cursor = Type.String({ maxLength: 1_000 });
const cursorFields = {
  limit: Type.Integer({ minimum: 1, maximum: MAX_ROWS }),
  /** `next` of the page before; absent: the first page. */
  cursor: Type.Optional(Cursor),
};
/** The cursor of the next page; null: there is none. */
const Next = Type.Union([Type.String(), Type.Null()]);
const Time = Type.Integer();
const MaybeTime = Type.Union([Time, Type.Null()]);
const Ids = Type.Array(Id, { maxItems: 10_000 });
const Names = Type.Array(Word, { maxItems: 100 });
const States = Type.Array(RunState, { maxItems: 5 });

export const TASK_SORTS = ['created', 'updated', 'duration', 'failed'] as const;
export const TaskSort = Type.Enum([...TASK_SORTS]);
export const RUN_SORTS = ['batch', 'address', 'state', 'step', 'attempts', 'updated'] as const;
export const RunSort = Type.Enum([...RUN_SORTS]);

/** Orders other than by creation look at so many of the newest tasks that match. */
export const TASKS_SORTED = 10_000;

/** Tasks that match every given filter, newest first or by `sort`. */
export const findTasks = defineRpc('scheduler.task.find', {
  request: Type.Object({
    state: Type.Optional(States),
    end_reason: Type.Optional(Type.Array(EndReason, { maxItems: 6 })),
    pool_ids: Type.Optional(Ids),
    template_id: Type.Optional(Id),
    opr_user: Type.Optional(Text),
    flow_type: Type.Optional(Type.Enum(['manual', 'crontab'])),
    schedule_id: Type.Optional(Id),
    node_id: Type.Optional(Id),
    /** Made at this time or later, and before that one. */
    from: Type.Optional(Time),
    to: Type.Optional(Time),
    /** Whether something is still to be done for it. */
    active: Type.Optional(Type.Boolean()),
    /** Part of the task's name, or of the name of its pool or template; or `#` and its id. */
    q: Type.Optional(Text),
    sort: TaskSort,
    ...cursorFields,
  }),
  response: Type.Object({ rows: Type.Array(Task), next: Next }),
});

/** One node's part of a task, as a row of a table. */
export const RunLine = Type.Object({
  id: Id,
  /** Its place in the task, from 0. */
  index: Type.Integer({ minimum: 0 }),
  node_id: Id,
  ip: Type.String(),
  vm_id: Type.String(),
  /** From 1. */
  batch_id: Type.Integer({ minimum: 1 }),
  state: RunState,
  /** Name of the step that it stands at, of the last one once all are done; empty before the first. */
  step: Type.String(),
  /** Place of that step, from 1; 0 before the first. */
  step_num: Type.Integer({ minimum: 0 }),
  /** Attempts begun at that step. */
  attempts: Type.Integer({ minimum: 0 }),
  /** What the step says: why it failed, or what it waits for. */
  message: Type.String(),
  updated: Time,
});
export type RunLine = Static<typeof RunLine>;

/** Node runs of a task that match every given filter. */
export const findRuns = defineRpc('scheduler.task.runs', {
  request: Type.Object({
    id: Id,
    state: Type.Optional(States),
    batch: Type.Optional(Type.Integer({ minimum: 1, maximum: 2_147_483_647 })),
    step: Type.Optional(Names),
    /** Part of the message; each `‹…›` stands for any text, as in the reasons of `taskFailures`. */
    reason: Type.Optional(Text),
    /** Part of the address. */
    q: Type.Optional(Text),
    /** Only this node run. */
    run_id: Type.Optional(Id),
    sort: RunSort,
    ...cursorFields,
  }),
  response: Type.Object({ rows: Type.Array(RunLine), next: Next }),
  timeoutMs: 15_000,
});

/** A node by which one finds it. */
const NodeName = Type.Object({ id: Id, node_id: Id, ip: Type.String() });

export const BatchLine = Type.Object({
  /** From 1. */
  batch_id: Type.Integer({ minimum: 1 }),
  /** Node runs by state: [init, running, success, failed, stopped]. */
  stat: Type.Array(Type.Integer({ minimum: 0 })),
  /** When it began for the first time, and when it was finished last; null: not yet. */
  started: MaybeTime,
  ended: MaybeTime,
  /** The node run of it that ended last, and when. Absent: none has ended. */
  last: Type.Optional(Type.Object({ ...NodeName.properties, ended: Time })),
  /** Node runs that have not ended, up to five, those that have waited longest first. */
  open: Type.Array(NodeName),
});
export type BatchLine = Static<typeof BatchLine>;

/** The batches of a task, in order. */
export const taskBatches = defineRpc('scheduler.task.batches', {
  request: Type.Object({ id: Id, ...cursorFields }),
  response: Type.Object({ rows: Type.Array(BatchLine), next: Next }),
  timeoutMs: 15_000,
});

/** Nodes of a group of failures that are named. */
export const NODES_NAMED = 10;

export const FailureGroup = Type.Object({
  /** Name of the step; place of it, from 1. */
  step: Type.String(),
  step_num: Type.Integer({ minimum: 1 }),
  /** The reason without what differs from node to node: `‹…›` stands for it. */
  reason: Type.String(),
  /** One of the reasons as it is. */
  example: Type.String(),
  count: Type.Integer({ minimum: 1 }),
  first: Time,
  last: Time,
  nodes: Type.Array(NodeName),
});
export type FailureGroup = Static<typeof FailureGroup>;

/** The failed node runs of a task, in groups by step and reason, the largest first. */
export const taskFailures = defineRpc('scheduler.task.failures', {
  request: Type.Object({ id: Id, limit: Type.Integer({ minimum: 1, maximum: MAX_ROWS }) }),
  response: Type.Object({
    rows: Type.Array(FailureGroup),
    /** Failed runs, and groups of them that are not among `rows`. */
    failed: Type.Integer({ minimum: 0 }),
    more_groups: Type.Integer({ minimum: 0 }),
  }),
  timeoutMs: 15_000,
});

export const taskReads = { findTasks, findRuns, taskBatches, taskFailures };
