import type { TaskState } from '../task/state.js';
import type { Offers } from './offers.js';

/** A task in memory, with what its execution needs beside its state. */
export interface LoadedTask {
  state: TaskState;
  /** Pinned host keys, by the id of the node. */
  hostKeys: Map<number, string>;
  offers: Offers;
  /** Draining runs, as committed. */
  draining: Set<number>;
  /** Draining runs that no executor has, and when an executor looks at their node again. */
  looks: Map<number, number>;
}
