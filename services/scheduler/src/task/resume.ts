import { ServiceError } from '@rigel/contracts';
import type { Choice, Preparation } from './commands.js';
import type { TaskEvent } from './events.js';
import { halted } from './halt.js';
import { isOpen } from './phase.js';
import { nameOf, type Run, type TaskState } from './state.js';

/*
 * The start of a task, and its start after a pause or a failure: which runs go on, and which stay as they are. Pure.
 */

/** Runs named in a refusal at most. */
const NAMED = 5;

/** Runs that a start could open again: those that have not begun, failed or were halted. */
function closedRuns(task: TaskState): Run[] {
  return task.runs.filter((run) => !isOpen(run) && run.verdict !== 'succeeded');
}

/**
 * Runs that a start opens again.
 * @throws ServiceError `wrong_state` where the choice cannot be kept, naming the runs.
 */
export function runsToResume(task: TaskState, only: Choice['only'] = undefined): Run[] {
  const closed = closedRuns(task);
  if (only === undefined) return closed;
  if (only === 'halted') return closed.filter(({ verdict }) => verdict !== 'failed');
  const chosen = new Set(only);
  const done = task.runs.filter(({ index, verdict }) => chosen.has(index) && verdict === 'succeeded');
  if (done.length > 0)
    throw new ServiceError('nodes_succeeded', `runs: ${named(done)} succeeded already`, undefined, {
      data: { nodes: named(done), count: done.length },
    });
  const atWork = task.runs.filter((run) => isOpen(run) && !chosen.has(run.index));
  if (atWork.length > 0) {
    throw new ServiceError(
      'nodes_at_work',
      `runs: ${named(atWork)} is still at work and would go on too: wait until its step has ended, or name it`,
      undefined,
      { data: { nodes: named(atWork), count: atWork.length } },
    );
  }
  return closed.filter(({ index }) => chosen.has(index));
}

function named(runs: readonly Run[]): string {
  const names = runs.slice(0, NAMED).map((run) => `${nameOf(run)} (run ${run.id})`);
  return names.join(', ') + (runs.length > NAMED ? ` and ${runs.length - NAMED} more` : '');
}

/** Failed runs that stay failed when these runs are opened. */
export function staysFailed(task: TaskState, opened: readonly Run[]): Run[] {
  const open = new Set(opened);
  return task.runs.filter((run) => run.verdict === 'failed' && !open.has(run));
}

/** The failed nodes that the task tolerates after a start, those that stay failed included; null: no budget. */
export function budgetAfter(
  task: TaskState,
  opened: readonly Run[],
  budget: number | undefined,
): number | null {
  return budget === undefined ? task.failureBudget : staysFailed(task, opened).length + budget;
}

/** @throws ServiceError `wrong_state` with the reason why the task cannot be started like this. */
export function assertStartable(task: TaskState, choice: Choice): Run[] {
  if (task.status === 'stopped')
    throw new ServiceError('task_stopped', 'the task was terminated and cannot be resumed');
  if (task.status === 'running' || task.status === 'halting')
    throw new ServiceError('task_running', 'the task is running already');
  const runs = runsToResume(task, choice.only);
  if (runs.length === 0 && task.open === 0)
    throw new ServiceError('nothing_to_run', 'the task has nothing left to run');
  const budget = budgetAfter(task, runs, choice.budget);
  const failed = staysFailed(task, runs).length;
  if (budget !== null && failed > budget) {
    throw new ServiceError(
      'budget_used',
      `${failed} failed nodes stay as they are, and the task tolerates ${budget}: it would halt at once; give max_fail_num, which ` +
        'counts from here',
      undefined,
      { data: { failed, budget } },
    );
  }
  return runs;
}

/**
 * @param now milliseconds since 1970.
 * @throws ServiceError `wrong_state`
 */
export function start(
  task: TaskState,
  command: { operator: string } & Choice & Preparation,
  now: number,
): TaskEvent[] {
  const { operator, budget, only, shown } = command;
  const runs = assertStartable(task, command);
  const reasons = new Map(command.unavailable.map(({ node, reason }) => [node, reason]));
  if (shown) assertAsShown(runs, reasons, shown);
  const reserved = new Set(now <= command.reservedUntil ? command.reserved : []);
  // The task ended, and released its nodes, after the preparation: another task may have them by now.
  if (runs.some(({ node, held }) => !held && !reasons.has(node) && !reserved.has(node))) {
    throw new ServiceError('task_ended', 'the task ended while it was being started: start it once more');
  }
  const lacking = runs.filter(({ node }) => reasons.has(node));
  const opened = new Set(runs);
  // A list says which runs go on, alone: those whose batch has not begun would follow by themselves.
  const others =
    only === undefined || only === 'halted'
      ? []
      : task.runs.filter((run) => run.phase === 'pending' && !opened.has(run));
  const all = task.status === 'created' && only === undefined;
  return [
    {
      type: 'TaskStarted',
      data: {
        operator,
        deadline: task.created.timeoutMs > 0 ? now + task.created.timeoutMs : null,
        runs: all ? null : runs.map(({ index }) => index),
        ...(only === undefined ? {} : { chosen: true as const }),
        ...(budget === undefined ? {} : { failureBudget: staysFailed(task, runs).length + budget }),
      },
    },
    ...halted(others),
    ...lacking.map(
      ({ index, node, step }): TaskEvent => ({
        type: 'RunFailed',
        data: { run: index, node, step, reason: reasons.get(node) ?? '' },
      }),
    ),
    ...joinRunningBatch(
      task,
      runs.filter(({ node }) => !reasons.has(node)),
    ),
  ];
}

/** @throws ServiceError `wrong_state` when not exactly what the operator was shown would happen. */
function assertAsShown(
  runs: readonly Run[],
  unavailable: ReadonlyMap<number, string>,
  shown: NonNullable<Choice['shown']>,
): void {
  const same = (one: readonly number[], other: readonly number[]): boolean => {
    const known = new Set(other);
    return one.length === other.length && one.every((value) => known.has(value));
  };
  const lacking = runs.filter(({ node }) => unavailable.has(node)).map(({ node }) => node);
  const going = runs.map(({ index }) => index);
  if (same(going, shown.runs) && same(lacking, shown.unavailable)) return;
  throw new ServiceError(
    'plan_changed',
    'the task changed while it was being started, and nothing was done: look at its plan again',
  );
}

/**
 * A start may find steps of the paused task that are still being finished. Reopened runs of their batch go on beside
 * them. Where an earlier batch is to be done first, all wait: nodes of two batches are never worked on at once.
 */
function joinRunningBatch(task: TaskState, reopened: readonly Run[]): TaskEvent[] {
  const first = reopened[0];
  if (task.open === 0 || first?.batch !== task.batch) return [];
  const runs = reopened.filter(({ batch }) => batch === first.batch);
  return [
    {
      type: 'BatchStarted',
      data: { batch: first.batch, runs: runs.map(({ index }) => index), nodes: runs.map(({ node }) => node) },
    },
  ];
}
