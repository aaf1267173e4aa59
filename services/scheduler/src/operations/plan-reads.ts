import { isOneOff, type RunState } from '@rigel/contracts';
import type { TaskCreated } from '../task/events.js';
import type { Holder } from '../task/holders.js';

/** What plans and previews need of the store, beside what recording needs. */
export interface PlanReads {
  /** What has these nodes; free nodes are left out. */
  holders(nodes: readonly number[], now: number): Promise<Holder[]>;
  /** The last tasks of a template that completed, newest first: how long they took, and in how many batches. */
  durations(templateId: number): Promise<EarlierTask[]>;
  /** A task as it was recorded, and how far it came. @throws ServiceError `not_found` */
  earlier(id: number): Promise<EarlierTaskPlan>;
}

/** A node's run in a task. */
export interface EarlierRun {
  node_id: number;
  ip: string;
  state: RunState;
}

export interface EarlierTaskPlan {
  created: Omit<TaskCreated, 'nodes'>;
  ended: boolean;
  /** In the order of its batches. */
  runs: readonly EarlierRun[];
}

export interface EarlierTask {
  id: number;
  ms: number;
  batches: number;
}

/** The tasks that an estimate is made from. One-off commands have nothing in common with each other. */
export async function earlierOf(
  template: { id: number },
  { durations }: Pick<PlanReads, 'durations'>,
): Promise<EarlierTask[]> {
  return isOneOff(template) ? [] : durations(template.id);
}
