import { type Attention, MAX_ATTENTION, type Reason, type TaskWhy } from '@rigel/contracts';
import type { SkippedLine } from './schedule-counts.js';
import type { TaskLine } from './task-counts.js';

/** A task that has begun to end the commands on its nodes needs nobody for so long. */
const ENDING_MS = 30_000;
/** Characters of a cause. */
const MAX_CAUSE = 300;

/** Reasons of a task at work for which a person may have to do something. */
const WAITING: readonly string[] = [
  'other_pools',
  'no_executor',
  'no_scheduler',
  'not_claimed',
  'node_held_back',
  'node_full',
];
/** What the API's texts say of these two; no code tells them from other failures. */
const HOST_KEY = /host key of .* changed/;
const UNKNOWN_MACHINE = /unknown whether|not known whether|may have made a machine/;

/** An executor that was not heard of while it had work. */
export interface LostExecutor {
  name: string;
  heard: number;
  taken: number;
}

/** Whether a task may need somebody, so that its explanation is worth reading. */
export function mayNeedSomebody({ state, end_reason, stat, updated_at }: TaskLine, now: number): boolean {
  if (end_reason === '') return state !== 1 || (stat[3] ?? 0) > 0 || now - updated_at > ENDING_MS;
  return true;
}

/** How many nodes of a task are concerned: those that failed, or those that have not come to an end. */
export function nodesConcerned({ state, end_reason, stat }: TaskLine): number {
  const [waiting = 0, running = 0, , failed = 0, stopped = 0] = stat;
  if (end_reason !== '') return failed > 0 ? failed : running;
  if (state === 1) return failed > 0 ? failed : waiting + running;
  return waiting + running + stopped;
}

/**
 * What needs a person, most nodes first, then what has waited longest. Pure.
 * @param whys explanations of tasks by their id, as far as they are known.
 */
export function attentionOf(
  {
    tasks,
    whys,
    skipped,
    lost,
  }: {
    tasks: readonly TaskLine[];
    whys: ReadonlyMap<number, TaskWhy>;
    skipped: readonly SkippedLine[];
    lost: readonly LostExecutor[];
  },
  now: number,
): Attention[] {
  const all = [
    ...tasks.flatMap((task) => ofTask(task, whys.get(task.id), now)),
    ...skipped.map(ofSchedule),
    ...lost.map(ofExecutor),
    ...byMessage([...whys.values()]),
  ];
  return all.sort((a, b) => b.nodes - a.nodes || (a.since ?? now) - (b.since ?? now)).slice(0, MAX_ATTENTION);
}

function ofTask(task: TaskLine, why: TaskWhy | undefined, now: number): Attention[] {
  const chain = why?.chain ?? [];
  const needed = firstReason(task, chain, now);
  if (!needed) return [];
  const last = chain.at(-1);
  const canStart = task.end_reason !== '' || task.state === 0 || task.state === 4;
  const ending = needed.code === 'commands_being_ended';
  const cause = last && last !== needed ? causeOf(chain, needed) : undefined;
  return [
    {
      kind: 'task',
      id: task.id,
      name: task.name,
      code: needed.code,
      text: needed.text,
      cause: cause === undefined ? '' : toldCause(cause),
      ...(cause ? { cause_reason: cause } : {}),
      since: needed.since ?? task.updated_at,
      nodes: nodesConcerned(task),
      action: canStart && !ending ? 'start' : null,
      data: { ...needed.data, pool_id: task.pool_id, pool_name: task.pool_name, all_nodes: sum(task.stat) },
    },
  ];
}

/** The reason that tells a person why they are needed; undefined = they are not. */
function firstReason(task: TaskLine, chain: readonly Reason[], now: number): Reason | undefined {
  const failed = task.stat[3] ?? 0;
  const all = sum(task.stat);
  if (task.end_reason !== '') {
    const ending = chain.find(({ code }) => code === 'commands_being_ended');
    if (ending) return now - task.updated_at > ENDING_MS ? ending : undefined;
    return chain[0] ?? plain('some_failed', `${failed} of ${all} nodes failed`, task);
  }
  if (task.state === 0)
    return chain[0] ?? plain('not_started', 'the task waits until somebody starts it', task);
  if (task.state !== 1) return chain[0] ?? plain('paused', 'the task was paused', task);
  if (failed > 0) {
    const first = chain.find(({ code }) => code === 'failure_budget');
    return first ?? plain('some_failed', `${failed} of ${all} nodes failed`, task);
  }
  return chain.find(({ code }) => WAITING.includes(code));
}

function plain(code: string, text: string, { updated_at, stat }: TaskLine): Reason {
  return { code, text, since: updated_at, data: { failed: stat[3] ?? 0, nodes: sum(stat) } };
}

/** What stands behind a reason: the reason for it, or else what the first node that failed says. */
function causeOf(chain: readonly Reason[], of: Reason): Attention['cause_reason'] {
  const failure = chain.find(({ code }) => code === 'step_failed');
  const next = failure ?? chain[chain.indexOf(of) + 1] ?? chain.at(-1);
  if (!next || next === of) return undefined;
  const output = failure && chain.find(({ code }) => code === 'last_output')?.data.output;
  const { code, text, data } = next;
  return {
    code,
    text: text.slice(0, MAX_CAUSE),
    data,
    printed: lastLine(String(output ?? '')).slice(0, MAX_CAUSE),
  };
}

function toldCause({ text, printed }: NonNullable<Attention['cause_reason']>): string {
  return `${text}${printed === '' ? '' : `: ${printed}`}`.slice(0, MAX_CAUSE);
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';

function ofSchedule({ id, pool_id, type, due, reason }: SkippedLine): Attention {
  return {
    kind: 'schedule',
    id,
    name: '',
    code: 'skipped',
    text: reason,
    cause: '',
    since: due,
    nodes: 0,
    action: null,
    data: { pool_id, type, due },
  };
}

function ofExecutor({ name, heard, taken }: LostExecutor): Attention {
  return {
    kind: 'executor',
    id: null,
    name,
    code: 'executor_silent',
    text: `executor ${name} is not heard of; it had ${taken} node runs, which other executors take over`,
    cause: '',
    since: heard,
    nodes: taken,
    action: null,
    data: { taken },
  };
}

/** Failures that say more than that a task failed: a changed host key, a machine that may have been made. */
function byMessage(whys: readonly TaskWhy[]): Attention[] {
  const failures = whys.flatMap(({ task_id, nodes }) =>
    nodes.flatMap(({ ip, chain }) => {
      const failed = chain.find(({ code }) => code === 'step_failed' || code === 'last_attempt_failed');
      return failed ? [{ task_id, ip, text: failed.text, since: failed.since }] : [];
    }),
  );
  const found = [
    { kind: 'host_key', code: 'host_key_changed', form: HOST_KEY },
    { kind: 'machines', code: 'unknown_machine', form: UNKNOWN_MACHINE },
  ] as const;
  return found.flatMap(({ kind, code, form }) => {
    const alike = failures.filter(({ text }) => form.test(text));
    const [first] = alike;
    if (!first) return [];
    const since = alike.map((one) => one.since).filter((one) => one !== null);
    return [
      {
        kind,
        id: first.task_id,
        name: [...new Set(alike.map(({ ip }) => ip))].slice(0, 3).join(', '),
        code,
        text: first.text.slice(0, MAX_CAUSE),
        cause: '',
        since: since.length > 0 ? Math.min(...since) : null,
        nodes: new Set(alike.map(({ ip }) => ip)).size,
        action: null,
        data: { task_id: first.task_id },
      },
    ];
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
