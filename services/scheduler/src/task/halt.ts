import type { TaskEvent } from './events.js';
import type { Run, TaskState } from './state.js';

/*
 * Runs of which no further step begins: after a pause, when the failure budget is exceeded, or because an operator left them out.
 * Pure.
 */

/** Whether the run is open and nothing of it is under way on its node, so that it need not be left to finish. */
export function isIdle({ phase }: Run): boolean {
  return phase === 'ready' || phase === 'gated';
}

/** No further step of these runs begins. */
export function halted(runs: readonly Run[]): TaskEvent[] {
  if (runs.length === 0) return [];
  return [
    {
      type: 'RunsHalted',
      data: { runs: runs.map(({ index }) => index), nodes: runs.map(({ node }) => node) },
    },
  ];
}

/** A budget was exceeded: the runs that are not at work on a node are halted now, the others after their running step. */
export function haltForBudget(task: TaskState, failed: number, budget: number): TaskEvent[] {
  return [
    { type: 'FailureBudgetExceeded', data: { failed, budget } },
    ...halted(task.runs.filter((run) => isIdle(run) || run.phase === 'pending')),
  ];
}
