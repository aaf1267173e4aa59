import type { TaskEvent } from './events.js';
import { haltForBudget } from './halt.js';
import { NUMBER, type RunVerdict } from './phase.js';
import type { Run, TaskState } from './state.js';

/**
 * What follows from the task's state alone: the end of a batch, the next batch, the end of the task. `handle` calls it after each
 * command until it returns nothing more. Pure.
 */
export function advance(task: TaskState): TaskEvent[] {
  if (task.status !== 'running' && task.status !== 'halting' && task.status !== 'paused') return [];
  const { failed } = task.counts;
  const budget = task.failureBudget;
  if (task.status === 'running' && budget !== null && failed > budget)
    return haltForBudget(task, failed, budget);
  if (task.open > 0) return [];
  if (task.status === 'halting')
    return [{ type: 'TaskFinished', data: { state: NUMBER.failed, reason: 'failed' } }];
  if (task.status === 'paused') return whilePaused(task);
  return nextBatch(task);
}

/** A pause begins nothing; but a batch, or the task, may end by the steps that were left to finish. */
function whilePaused(task: TaskState): TaskEvent[] {
  const ended = task.counts.succeeded + task.counts.failed === task.runs.length;
  if (ended) return [...finishBatch(task), finish(task)];
  const batchEnded =
    task.batchActive &&
    runsOfBatch(task, task.batch).every(({ verdict }) => verdict === 'succeeded' || verdict === 'failed');
  return batchEnded ? finishBatch(task) : [];
}

function runsOfBatch(task: TaskState, batch: number): Run[] {
  const size = task.created.batchSize;
  return task.runs.slice(batch * size, (batch + 1) * size);
}

const count = (runs: readonly Run[], verdict: RunVerdict): number =>
  runs.filter((run) => run.verdict === verdict).length;

function finishBatch(task: TaskState): TaskEvent[] {
  if (!task.batchActive) return [];
  const runs = runsOfBatch(task, task.batch);
  return [
    {
      type: 'BatchFinished',
      data: { batch: task.batch, succeeded: count(runs, 'succeeded'), failed: count(runs, 'failed') },
    },
  ];
}

function nextBatch(task: TaskState): TaskEvent[] {
  const events = finishBatch(task);
  // A batch in which no node succeeded halts the task: the next one would most likely fail the same way. A budget decides
  // alone: it says how many nodes may fail before the task spares the others.
  if (
    task.failureBudget === null &&
    task.batchActive &&
    count(runsOfBatch(task, task.batch), 'succeeded') === 0
  ) {
    return [...events, { type: 'TaskFinished', data: { state: NUMBER.failed, reason: 'failed' } }];
  }
  const next = task.runs.find(({ phase }) => phase === 'pending');
  if (!next) return [...events, finish(task)];
  const runs = runsOfBatch(task, next.batch).filter(({ phase }) => phase === 'pending');
  return [
    ...events,
    {
      type: 'BatchStarted',
      data: { batch: next.batch, runs: runs.map(({ index }) => index), nodes: runs.map(({ node }) => node) },
    },
  ];
}

function finish(task: TaskState): TaskEvent {
  // Stopped ones were left out by the operator who chose which runs go on.
  const { succeeded, failed, stopped } = task.counts;
  if (failed === 0 && stopped === 0)
    return { type: 'TaskFinished', data: { state: NUMBER.succeeded, reason: 'completed' } };
  return {
    type: 'TaskFinished',
    data: { state: NUMBER.failed, reason: succeeded > 0 ? 'partial' : 'failed' },
  };
}
