import type { Holder } from '../task/holders.js';

/** What plans and previews need of the store, beside what recording needs. */
export interface PlanReads {
  /** What has these nodes; free nodes are left out. */
  holders(nodes: readonly number[], now: number): Promise<Holder[]>;
  /** The last tasks of a template that completed, newest first: how long they took, and in how many batches. */
  durations(templateId: number): Promise<EarlierTask[]>;
}

export interface EarlierTask {
  id: number;
  ms: number;
  batches: number;
}
