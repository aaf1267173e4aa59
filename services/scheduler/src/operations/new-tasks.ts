import type { catalog, RpcResponse, Selection, TaskTarget, ValueSource } from '@rigel/contracts';
import type { PlannedStep, TaskCreated, TaskOccurrence } from '../task/events.js';

type ResolvedTemplate = RpcResponse<typeof catalog.resolveTemplate>;

/** What the nodes of a new task wait for: steps of tasks that are made with it, which their pools name. */
export interface NewGate {
  before: number;
  limitMs: number;
  waitsFor: { pool: number; step: number; stepName: string }[];
}

/** Tasks to be made over nodes: one for each pool that has some of them. Everything has been looked up. */
export interface NewTasks {
  name: string;
  template: ResolvedTemplate;
  /** The template's steps with all overrides, checked. */
  steps: PlannedStep[];
  unusedParams: string[];
  /** Where the values of each step come from; a parameter that is not there has the template's value. */
  sources: readonly Readonly<Record<string, ValueSource>>[];
  /** A step takes a secret because an admin asks for the task, and not because its template allows it. */
  secretsByAdmin?: boolean;
  targets: readonly TaskTarget[];
  /** What chose them; absent: they were named, or are those of the pool. */
  select?: Selection | undefined;
  /** Percent of the nodes in a batch, and most nodes in a batch (0 = no limit). */
  batch: { maxRatio: number; maxNum: number };
  budget: { maxNum?: number | undefined; maxRatio?: number | undefined };
  /** Limit of the whole run, 0 = none. */
  timeoutMs: number;
  start: boolean;
  operator: string;
  flowType: TaskCreated['flowType'];
  /** The occurrence of a scheduled task that leads to it. */
  occurrence?: TaskOccurrence | undefined;
  gate?: NewGate | undefined;
  /** The ended task that it runs again. */
  againOf?: number | undefined;
  /** When the caller began to look the nodes up, see `createTasks`. */
  now: number;
}
