import { GRID_DIGITS, type GridColumns, type GridMarks } from '@rigel/contracts';
import { NUMBER, standingOf } from '../../task/phase.js';
import { hasEnded, type Run, type TaskState } from '../../task/state.js';

/** The runs of a folded task as columns: the same as the grid that is read from the tables, for any moment. */
export function gridOf(task: TaskState): { grid: GridColumns; marks: GridMarks } {
  const { runs, created, createdAt } = task;
  const nodes: GridColumns['node_ids'] = [];
  const batches: GridColumns['batch'] = [];
  for (const { node, batch } of runs) {
    const last = nodes.at(-1);
    if (last && last[0] + last[1] === node) last[1]++;
    else nodes.push([node, 1]);
    const part = batches.at(-1);
    if (part && part[0] === batch + 1) part[1]++;
    else batches.push([batch + 1, 1]);
  }
  const digit = (number: number): string => GRID_DIGITS[Math.min(number, GRID_DIGITS.length - 1)] as string;
  return {
    grid: {
      first_nsid: created.firstRunId,
      ips: runs.map(({ ip }) => ip),
      node_ids: nodes,
      state: runs.map((run) => NUMBER[standingOf(run)]).join(''),
      step: runs.map(({ step }) => digit(step)).join(''),
      attempts: runs.map((run) => digit(currentOf(run)?.attempts ?? 0)).join(''),
      batch: batches,
      changed: runs.map(({ updatedAt }) => Math.max(0, Math.floor((updatedAt - createdAt) / 1_000))),
    },
    marks: marksOf(task),
  };
}

/** The record of the step that a run stands at, or of its last one. */
const currentOf = ({ steps, step }: Run): Run['steps'][number] | undefined =>
  steps[Math.min(step, steps.length - 1)];

function marksOf(task: TaskState): GridMarks {
  const where = (holds: (run: Run) => boolean): number[] => task.runs.filter(holds).map(({ index }) => index);
  return {
    gate: where(({ phase }) => phase === 'gated'),
    retrying: where((run) => {
      const record = run.steps[run.step];
      if (standingOf(run) !== 'running' || !record) return false;
      return record.standing === 'failed' || record.attempts > 1;
    }),
    draining: hasEnded(task) ? where(({ held }) => held) : [],
  };
}
