import { type Static, Type } from 'typebox';
import { Id } from './paging.js';
import { defineRpc } from './rpc.js';

/*
 * The node runs of a task as columns: ten thousand of them are a few strings. Runs are named by their index in the task,
 * from 0; the id of a node run is `first_nsid` plus its index.
 */

/** Indexes of runs with something that their state does not tell. */
export const GridMarks = Type.Object({
  /** They wait for nodes of other pools before the step that they stand at. */
  gate: Type.Array(Type.Integer({ minimum: 0 })),
  /** They are at work on a step after an attempt at it has failed. */
  retrying: Type.Array(Type.Integer({ minimum: 0 })),
  /** The task has ended, and a command of theirs may still run on the node. */
  draining: Type.Array(Type.Integer({ minimum: 0 })),
});
export type GridMarks = Static<typeof GridMarks>;

/** All runs of a task, in the order of their indexes. */
export const GridColumns = Type.Object({
  first_nsid: Id,
  ips: Type.Array(Type.String()),
  /** Ids of the nodes as ranges `[first, count]`. */
  node_ids: Type.Array(Type.Tuple([Id, Type.Integer({ minimum: 1 })])),
  /** A digit for each run: 0 waiting, 1 running, 2 succeeded, 3 failed, 4 stopped. */
  state: Type.String(),
  /** A character for each run, see `GRID_DIGITS`: the step that it stands at, from 0; the number of steps once all are done. */
  step: Type.String(),
  /** The same for the attempts begun at that step, or at the last one once all are done. */
  attempts: Type.String(),
  /** The batches as ranges `[batch, count]`: so many runs, one after the other, belong to the batch. Counted from 1. */
  batch: Type.Array(Type.Tuple([Type.Integer({ minimum: 1 }), Type.Integer({ minimum: 1 })])),
  /** Seconds from the creation of the task to the last change of each run. */
  changed: Type.Array(Type.Integer({ minimum: 0 })),
});
export type GridColumns = Static<typeof GridColumns>;

/** What changed in a run: `[index, state, step, attempts]`, the last two as in `GridColumns`, but as numbers. */
export const GridChange = Type.Tuple([
  Type.Integer({ minimum: 0 }),
  Type.Integer({ minimum: 0, maximum: 4 }),
  Type.Integer({ minimum: 0 }),
  Type.Integer({ minimum: 0 }),
]);
export type GridChange = Static<typeof GridChange>;

/** The characters of columns, by the number that they stand for; the last one also stands for every greater number. */
export const GRID_DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz';

/** More events than this since the cursor: the answer has the whole grid, which is shorter then. */
export const GRID_EVENTS = 20_000;

/**
 * The grid of a task. Without `after` the whole; with the `cursor` of an earlier answer only the runs that events changed
 * since, or the whole if they are too many. Nothing is missed: a cursor is a version of the task's stream, and an event
 * is only committed after the ones before it. A change may come twice. Any replica answers.
 */
export const taskGrid = defineRpc('scheduler.task.grid', {
  request: Type.Object({ id: Id, after: Type.Optional(Type.String({ maxLength: 40 })) }),
  response: Type.Object({
    /** Of the task's stream. */
    version: Type.Integer({ minimum: 1 }),
    cursor: Type.String(),
    whole: Type.Optional(GridColumns),
    changes: Type.Optional(Type.Array(GridChange)),
    /** With `whole` all marks of the task; with `changes` those of the changed runs, which have no others. */
    marks: GridMarks,
  }),
  timeoutMs: 15_000,
});
