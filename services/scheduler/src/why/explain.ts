import { NODES_EXPLAINED, type NodeReasons, type Reason, type TaskWhy } from '@rigel/contracts';
import type { TaskEvent } from '../task/events.js';
import { isOpen, NUMBER } from '../task/phase.js';
import { stateOf } from '../task/projection.js';
import { nameOf, type Run, standingOfTask, type TaskState } from '../task/state.js';
import { explainRun } from './explain-run.js';
import type { LiveFacts } from './facts.js';
import { clockTime, counted, reason } from './words.js';

/**
 * Why a task waits, has failed, or ended as it did: from the task down to the last known reason. Pure: the same state and
 * facts give the same answer.
 * @param runId explains this run alone, whatever its state is.
 */
export function explain(task: TaskState, facts: LiveFacts, runId?: number): TaskWhy {
  const about = runId === undefined ? concerned(task) : task.runs.filter(({ id }) => id === runId);
  const nodes = about.slice(0, NODES_EXPLAINED).map(
    (run): NodeReasons => ({
      run_id: run.id,
      node_id: run.node,
      ip: run.ip,
      state: stateOf(run),
      chain: explainRun(task, run, facts),
    }),
  );
  const chain = [...ofTask(task, facts), ...(nodes[0]?.chain ?? [])];
  return {
    task_id: task.id,
    state: NUMBER[standingOfTask(task)],
    text: chain.map(({ text }) => text).join(' ← '),
    chain,
    nodes,
    more_nodes: about.length - nodes.length,
  };
}

/** The runs that need an explanation, the most telling ones first. */
function concerned(task: TaskState): Run[] {
  const rank = (run: Run): number => {
    if (isOpen(run)) return run.phase === 'leased' ? 1 : 0;
    if (run.phase === 'draining') return 2;
    return run.verdict === 'failed' ? 3 : 4;
  };
  return task.runs.filter((run) => rank(run) < 4).sort((a, b) => rank(a) - rank(b) || a.index - b.index);
}

/** The reasons that lie in the task itself. */
function ofTask(task: TaskState, facts: LiveFacts): Reason[] {
  switch (task.status) {
    case 'created':
      return [
        reason(
          'not_started',
          'the task was made without being started: it waits until somebody starts it',
          task.createdAt,
        ),
      ];
    case 'paused':
      return paused(task, facts);
    case 'halting':
      return [overBudget(task, facts), ...batchOf(task, 'the steps that were running are left to finish')];
    case 'running':
      return [running(task), ...batchOf(task)];
    case 'stopped':
      return [stopped(task, facts), ...stillEnding(task)];
    case 'finished':
      return [...finished(task, facts), ...stillEnding(task)];
    default:
      return task.status satisfies never;
  }
}

type DataOf<T extends TaskEvent['type']> =
  Extract<TaskEvent, { type: T }> extends { data: infer D } ? D : never;

/** The last pause, stop or budget event, when it is of this type. */
function lastOf<T extends TaskEvent['type']>(
  { lastControl }: LiveFacts,
  type: T,
): { data: DataOf<T>; at: number } | undefined {
  if (lastControl?.event.type !== type) return undefined;
  return { data: lastControl.event.data as unknown as DataOf<T>, at: lastControl.at };
}

function paused(task: TaskState, facts: LiveFacts): Reason[] {
  const pause = lastOf(facts, 'TaskPaused');
  const by = pause?.data.operator;
  const when = pause ? ` at ${clockTime(pause.at, facts.now)}` : '';
  const why = wordsOf(pause?.data.reason);
  const text = `the task was paused${by === undefined ? '' : ` by ${by}`}${when}${why.text}; it waits until somebody starts it`;
  const first = reason('paused', text, pause?.at ?? task.updatedAt, { operator: by ?? null, ...why.data });
  if (task.open === 0) return [first];
  return [first, ...batchOf(task, 'steps that were running are left to finish')];
}

function overBudget(task: TaskState, facts: LiveFacts): Reason {
  const event = lastOf(facts, 'FailureBudgetExceeded');
  const failed = event?.data.failed ?? task.counts.failed;
  const budget = event?.data.budget ?? task.failureBudget ?? 0;
  return reason(
    'failure_budget',
    `more nodes have failed (${failed}) than the task tolerates (${budget}): the task begins nothing more`,
    event?.at ?? null,
    { failed, budget },
  );
}

function running(task: TaskState): Reason {
  const { waiting: init, running, succeeded, failed } = task.counts;
  return reason(
    'task_runs',
    `the task is under way: of ${counted(task.runs.length, 'node')} ${succeeded} succeeded, ${failed} failed, ${running} are worked on, ${init} wait`,
    null,
    { nodes: task.runs.length, waiting: init, running, succeeded, failed },
  );
}

function batchOf(task: TaskState, why = ''): Reason[] {
  const open = task.runs.filter(isOpen);
  const [first] = open;
  if (!first) return [];
  const others = open.length > 1 ? ` and ${open.length - 1} more` : '';
  return [
    reason(
      'batch_waits',
      `batch ${first.batch + 1} of ${task.batches} waits for ${nameOf(first)}${others}${why === '' ? '' : ` (${why})`}`,
      null,
      {
        batch: first.batch + 1,
        batches: task.batches,
        nodes: open.length,
        node_id: first.node,
        ip: nameOf(first),
      },
    ),
  ];
}

function stopped(task: TaskState, facts: LiveFacts): Reason {
  const stop = lastOf(facts, 'TaskStopped');
  const by = stop?.data.operator;
  const why = wordsOf(stop?.data.reason);
  return reason(
    'stopped',
    `the task was stopped${by === undefined ? '' : ` by ${by}`}${stop ? ` at ${clockTime(stop.at, facts.now)}` : ''}${why.text}`,
    stop?.at ?? task.updatedAt,
    { operator: by ?? null, ...why.data },
  );
}

/** What an operator gave as the reason, as it stands in a sentence and as data. */
function wordsOf(given: string | undefined): { text: string; data: { reason?: string } } {
  return given === undefined ? { text: '', data: {} } : { text: ` (${given})`, data: { reason: given } };
}

function finished(task: TaskState, facts: LiveFacts): Reason[] {
  const { succeeded, failed } = task.counts;
  const counts = { nodes: task.runs.length, succeeded, failed };
  switch (task.endReason) {
    case 'completed':
      return [
        reason(
          'completed',
          `all ${counted(task.runs.length, 'node')} succeeded${task.ignored > 0 ? `, ${task.ignored} of them with an ignored error` : ''}`,
          task.updatedAt,
          { ...counts, ignored: task.ignored },
        ),
      ];
    case 'partial':
      return [
        reason(
          'some_failed',
          `${failed} of ${counted(task.runs.length, 'node')} failed${leftOut(task)}`,
          task.updatedAt,
          counts,
        ),
      ];
    case 'timeout':
      return [
        reason(
          'out_of_time',
          `the task reached its time limit (${Math.round(task.created.timeoutMs / 60_000)} min)`,
          task.updatedAt,
          { ...counts, timeout_ms: task.created.timeoutMs },
        ),
      ];
    default:
      return [
        reason(
          'failed',
          `the task failed: ${failed} of ${counted(task.runs.length, 'node')} failed${leftOut(task)}`,
          task.updatedAt,
          counts,
        ),
        whyHalted(task, facts),
      ].filter((one) => one !== undefined);
  }
}

/** Nodes that no failure kept from being done: an operator left them out, or the budget halted them. */
function leftOut({ counts: { stopped } }: TaskState): string {
  return stopped === 0 ? '' : `, ${stopped} did not go on`;
}

/** What ended a failed task before its last batch. */
function whyHalted(task: TaskState, facts: LiveFacts): Reason | undefined {
  const { failureBudget } = task;
  if (failureBudget !== null && task.counts.failed > failureBudget) return overBudget(task, facts);
  if (failureBudget !== null) return undefined;
  const batch = task.runs.filter((run) => run.batch === task.batch);
  if (batch.length === 0 || batch.some(({ verdict }) => verdict === 'succeeded')) return undefined;
  const left = task.runs.filter(({ phase }) => phase === 'pending').length;
  const rest = left > 0 ? `; ${counted(left, 'node')} of later batches did not begin` : '';
  return reason(
    'batch_failed',
    `no node of batch ${task.batch + 1} of ${task.batches} succeeded, and the next one would most likely fail the same way${rest}; with a failure budget (max_fail_num) a task goes on as long as that allows`,
    task.updatedAt,
    { batch: task.batch + 1, batches: task.batches, not_begun: left },
  );
}

/** A task that has ended may still hold nodes. */
function stillEnding(task: TaskState): Reason[] {
  const draining = task.runs.filter(({ phase }) => phase === 'draining').length;
  if (draining === 0) return [];
  return [
    reason(
      'commands_being_ended',
      `executors are still ending commands on ${counted(draining, 'node')}`,
      null,
      {
        nodes: draining,
      },
    ),
  ];
}
