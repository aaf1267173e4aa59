import { type Static, Type } from 'typebox';
import { Id } from './paging.js';
import { defineRpc } from './rpc.js';
import { GridColumns, GridMarks } from './task-grid.js';
import { EndReason, RunState } from './tasks.js';

/*
 * A task as it was: folded from its events up to a moment. Times are milliseconds since 1970 (UTC).
 */

const Version = Type.Integer({ minimum: 1, maximum: 2_147_483_647 });

/** How a task stood after an event. */
export const PastTask = Type.Object({
  version: Version,
  at: Type.Integer(),
  state: RunState,
  end_reason: EndReason,
  /** Node runs by state: [init, running, success, failed, stopped]. */
  stat: Type.Array(Type.Integer({ minimum: 0 })),
  ignored: Type.Integer({ minimum: 0 }),
  /** Batch being worked on, from 1; 0 before the first. */
  batch: Type.Integer({ minimum: 0 }),
  batches: Type.Integer({ minimum: 0 }),
});
export type PastTask = Static<typeof PastTask>;

/** Most frames and most cells (frames times nodes) in one answer. */
export const MAX_FRAMES = 240;
export const MAX_FRAME_CELLS = 1_000_000;
export const MAX_BUCKETS = 2_000;

/** Something on the track of a task's life that is worth a mark. */
export const TimelineMark = Type.Object({
  version: Version,
  at: Type.Integer(),
  /** `operator`: somebody did something; `lost`: executors were not heard of; `failures`: many nodes failed at once; `task`: the task itself. */
  kind: Type.Union([
    Type.Literal('operator'),
    Type.Literal('lost'),
    Type.Literal('failures'),
    Type.Literal('task'),
  ]),
  /** Name of the public event. */
  event: Type.String(),
  /** Who did it, or which executor; empty: nobody is named. */
  by: Type.String(),
  /** Events that the mark stands for. */
  count: Type.Integer({ minimum: 1 }),
});
export type TimelineMark = Static<typeof TimelineMark>;

export const TaskTimeline = Type.Object({
  version: Version,
  from: Type.Integer(),
  to: Type.Integer(),
  /** For each part of the time: events, attempts that succeeded and failed, and the last version up to its end. */
  events: Type.Array(Type.Integer({ minimum: 0 })),
  succeeded: Type.Array(Type.Integer({ minimum: 0 })),
  failed: Type.Array(Type.Integer({ minimum: 0 })),
  versions: Type.Array(Type.Integer({ minimum: 0 })),
  marks: Type.Array(TimelineMark),
});
export type TaskTimeline = Static<typeof TaskTimeline>;

/** Folding a long history takes seconds where the database is slow. */
const FOLDS_MS = 15_000;

export const taskPast = {
  /**
   * The task and its grid after a version of its stream, or at a time; neither: now. `wrong_state`: the task has no such
   * moment (yet); `unavailable`: too many are being folded.
   */
  at: defineRpc('scheduler.task.at', {
    request: Type.Object({
      id: Id,
      version: Type.Optional(Version),
      time: Type.Optional(Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 })),
    }),
    response: Type.Object({ ...PastTask.properties, grid: GridColumns, marks: GridMarks }),
    timeoutMs: FOLDS_MS,
  }),
  /**
   * Key frames: the states of all node runs, in the order of the task's nodes, after events that lie evenly between the
   * first and the last. `states` has one character a node, 0 to 4. `unavailable`: too many are being folded.
   */
  frames: defineRpc('scheduler.task.frames', {
    request: Type.Object({ id: Id, count: Type.Integer({ minimum: 1, maximum: MAX_FRAMES }) }),
    response: Type.Object({
      version: Version,
      frames: Type.Array(Type.Object({ ...PastTask.properties, states: Type.String() })),
    }),
    timeoutMs: FOLDS_MS,
  }),
  /** The course of the task in equal parts of its time, and marks for what stands out. */
  timeline: defineRpc('scheduler.task.timeline', {
    request: Type.Object({ id: Id, buckets: Type.Integer({ minimum: 1, maximum: MAX_BUCKETS }) }),
    response: TaskTimeline,
    timeoutMs: FOLDS_MS,
  }),
};
