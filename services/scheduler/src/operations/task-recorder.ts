import type { AskedOnce } from '@rigel/messaging';
import type { TaskAppend } from '../engine/ports.js';
import type { Holder } from '../task/holders.js';
import type { TaskState } from '../task/state.js';

/*
 * What the operations need of the store. The simulation puts its own in its place.
 */

/** The first of the ids for new tasks and for their runs; the others follow it. */
export interface FirstIds {
  task: number;
  run: number;
}

/** New tasks before they have their ids. */
export interface NewAppends {
  tasks: number;
  runs: number;
  /** What is to be recorded, as many tasks and runs as announced. */
  make: (first: FirstIds) => TaskAppend[];
  /** Where they were asked for under a key: it, and what is answered when the tasks have these ids. */
  kept?: { once: AskedOnce; answer: (ids: readonly number[]) => unknown } | undefined;
}

/** A node that a task is to have again. */
export interface WantedNode {
  node: number;
  /** The other nodes that are the same machine. */
  same: readonly number[];
}

/** What making and resuming tasks needs of the store. */
export interface TaskRecorder {
  /** Records new tasks, all or none; see `TaskStore`. */
  create(wanted: NewAppends, now: number): Promise<TaskState[]>;
  reserve(wanted: readonly WantedNode[], taskId: number, ttlMs: number, now: number): Promise<Holder[]>;
  reserveForRemoval(nodes: number[], ttlMs: number, now: number): Promise<void>;
  /** The task of a node run, by the run's id. */
  taskOfRun(runId: number): Promise<number | undefined>;
  /** Those of these nodes that tasks hold, with the runs that do; `ended`: the task has, but for what is being ended there. */
  heldRuns(nodes: number[]): Promise<HeldRun[]>;
}

/** A node that a task holds. */
export interface HeldRun {
  node: number;
  task: number;
  /** Id of the node run. */
  run: number;
  ended: boolean;
}
