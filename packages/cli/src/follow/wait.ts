import { type TaskInfo, unwrap } from '@rigel/api-client';
import { Unreachable } from '../api/client.js';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';
import { duration, readSpan } from '../output/times.js';

/** How often the state is read while somebody looks, in milliseconds. */
const LOOK_MS = 1_000;
/** The same while each look also shows what was printed since. */
const LIVE_LOOK_MS = 500;
/** How often a line says how it goes where no terminal is. */
const LINE_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 8_000;
/** An answer of a gateway that is being replaced. */
const PASSING = new Set([429, 500, 502, 503, 504]);

/** Reads again while no gateway answers. @param until when to give up, in milliseconds since 1970. */
export async function patiently<T>(
  invocation: Invocation,
  until: number,
  read: () => Promise<T>,
): Promise<T> {
  const { io, note, signal } = invocation;
  let told = false;
  for (let pause = FIRST_RETRY_MS; ; pause = Math.min(pause * 2, LONGEST_RETRY_MS)) {
    try {
      return await read();
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      const isPassing = error instanceof Unreachable || PASSING.has(code as number);
      if (!isPassing || io.now() + pause > until || signal.aborted) throw error;
      if (!told) note(`${plain((error as Error).message)}; asking again`);
      told = true;
      await io.sleep(pause, signal);
    }
  }
}

/** Names of the API's numbers for states of tasks. */
export const TASK_STATES = ['initial', 'running', 'succeeded', 'failed', 'halted'] as const;

/** Names of the API's numbers for states of nodes in a task. */
export const RUN_STATES = ['waits', 'running', 'succeeded', 'failed', 'halted'] as const;

/** `running`, `ended: partial`: how a task stands, for people. */
export function stateOf({ state, end_reason: reason }: Pick<TaskInfo, 'state' | 'end_reason'>): string {
  return reason === '' ? TASK_STATES[state] : reason;
}

/** How long a run of a task may be waited for. */
export function readTimeout(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const ms = readSpan(text);
  if (ms === undefined)
    throw new CommandError(`--timeout must be a time like 90s, 30m or 2h (got ${JSON.stringify(text)})`);
  return ms;
}

const BAR = 20;

/** `42  batch 7/20  ████░░  342 ok  50 running  0 failed  3m 12s  eta 8m`: how a task goes, in a line. */
export function progressLine(task: TaskInfo, ascii: boolean): string {
  const [, running = 0, done = 0, failed = 0] = task.stat;
  const share = task.nodes === 0 ? 0 : (failed + done) / task.nodes;
  const full = Math.round(share * BAR);
  const bar = (ascii ? '#' : '█').repeat(full) + (ascii ? '.' : '░').repeat(BAR - full);
  const took = task.duration_ms ?? 0;
  const left = share > 0.02 && share < 1 ? `  eta ${duration((took / share) * (1 - share))}` : '';
  return `${task.id}  batch ${task.batch}/${task.batches}  ${bar}  ${done} ok  ${running} running  ${failed} failed  ${duration(took)}${left}`;
}

/**
 * Waits until a task has ended, or halted with nothing at work, and shows how it goes.
 * @throws CommandError `timeout` or `interrupted`, which leave the task as it is and say how to go on.
 */
export async function waitForTask(
  invocation: Invocation,
  id: number,
  {
    timeoutMs,
    progress,
    eachLook,
  }: {
    timeoutMs: number;
    progress: boolean;
    /** Shows more of it, after each look at its state: the last one is after its end. */
    eachLook?: () => Promise<void>;
  },
): Promise<TaskInfo> {
  const { api, io, flags, note, signal } = invocation;
  const begun = io.now();
  const until = begun + timeoutMs;
  const rewrites = progress && io.errIsTerminal && !flags.quiet;
  let last = { text: '', at: Number.NEGATIVE_INFINITY };
  const goesOn = `task ${id} goes on: rigel task watch ${id} follows it, rigel task stop ${id} ends it`;
  try {
    for (;;) {
      const task = (await patiently(invocation, until, () =>
        unwrap(api().GET('/task/{id}', { params: { path: { id } } })),
      )) as TaskInfo;
      if (eachLook) await patiently(invocation, until, async () => eachLook());
      const isOver = task.end_reason !== '' && (task.commands_alive ?? 0) === 0;
      const isHalted = task.end_reason === '' && task.state === 4;
      const text = progressLine(task, flags.ascii);
      if (rewrites) io.err(`\r\x1b[K${text}`);
      else if (progress && (io.now() - last.at >= LINE_MS || isOver || isHalted) && text !== last.text) {
        note(text);
        last = { text, at: io.now() };
      }
      if (isOver || isHalted) {
        if (rewrites) io.err('\n');
        return task;
      }
      if (io.now() + LOOK_MS > until)
        throw new CommandError(`after ${duration(timeoutMs)} ${goesOn}`, EXIT.timeout);
      await io.sleep(eachLook ? LIVE_LOOK_MS : LOOK_MS, signal);
    }
  } catch (error) {
    if (rewrites) io.err('\n');
    if (signal.aborted) throw new CommandError(goesOn, EXIT.interrupted);
    throw error;
  }
}

/** What a task's end means for the exit status, with a sentence about it. */
export function judge(task: TaskInfo): { isGood: boolean; text: string } {
  const isGood = task.end_reason === 'completed';
  const [, , done = 0, failed = 0] = task.stat;
  const counts = `${done} of ${task.nodes} nodes succeeded${failed > 0 ? `, ${failed} failed` : ''}`;
  const next = isGood ? '' : `: rigel task failures ${task.id}, rigel task why ${task.id}`;
  return {
    isGood,
    text: `task ${task.id} ${stateOf(task)}, ${counts}, in ${duration(task.duration_ms)}${next}`,
  };
}
