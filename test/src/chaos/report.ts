import { cp, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { LogLine } from '../support/api.js';
import type { ChaosRig } from './chaos-rig.js';
import type { Fault } from './faults.js';
import type { RoundResult } from './round.js';

const SHOWN_PROBLEMS = 40;
const SHOWN_LINES = 30;
const TAIL_LINES = 8;
const SHOWN_REFUSALS = 8;

/** One line for a round. */
export function roundLine(round: number, result: RoundResult): string {
  const { edits, problems, stopSeconds } = result;
  const kinds = ['kill', 'freeze', 'cut', 'forget'] as const;
  const counts = kinds.map((kind) => `${countOf(result.faults, kind)} ${kind}`);
  return [
    `round ${round}: ${problems.length === 0 ? 'right' : `${problems.length} PROBLEMS`}`,
    counts.join(' '),
    `${result.seconds.toFixed(0)} s (${result.faultSeconds.toFixed(0)} s of faults)`,
    `${result.attempts} attempts, ${result.unreached} did not reach their node`,
    `clients: ${edits.answered} answered, ${edits.refused} not, ${edits.tasks} small tasks`,
    ...(stopSeconds === undefined ? [] : [`stopped, all gone after ${stopSeconds.toFixed(1)} s`]),
  ].join(' · ');
}

function countOf(faults: readonly Fault[], kind: Fault['kind']): number {
  return faults.filter((fault) => fault.kind === kind).length;
}

/** Everything that helps to understand what went wrong. */
export async function failureReport(
  seed: number,
  round: number,
  result: RoundResult,
  { rig }: ChaosRig,
): Promise<string> {
  const lines = [`seed ${seed}, round ${round}, task ${result.taskId ?? '(none)'}`, 'problems:'];
  lines.push(...result.problems.slice(0, SHOWN_PROBLEMS).map((problem) => `  ${problem}`));
  if (result.problems.length > SHOWN_PROBLEMS) lines.push(`  … ${result.problems.length} in all`);
  lines.push('faults:', ...result.faults.map(({ at, kind, what }) => `  ${time(at)} ${kind} ${what}`));
  if (result.taskId !== undefined) {
    const log = await rig.api.log(result.taskId).catch((): LogLine[] => []);
    lines.push(`end of the log of task ${result.taskId}:`);
    lines.push(...log.slice(-SHOWN_LINES).map(({ message }) => `  ${message}`));
    const open = (await rig.api.detail(result.taskId).catch(() => [])).filter(({ state }) => state < 2);
    lines.push(`runs that did not end: ${open.length}`);
    lines.push(...open.slice(0, SHOWN_LINES).map((run) => `  ${JSON.stringify(run)}`));
  }
  const folder = await mkdtemp(join(tmpdir(), 'rigel-chaos-logs-'));
  for (const { name, pid, logFile } of rig.stack.processes) {
    const text = await readFile(logFile, 'utf8').catch(() => '');
    await cp(logFile, join(folder, basename(logFile))).catch(() => undefined);
    lines.push(`${name} (pid ${pid ?? 'none'}):`);
    lines.push(
      ...text
        .trimEnd()
        .split('\n')
        .slice(-TAIL_LINES)
        .map((line) => `  ${line.slice(0, 300)}`),
    );
  }
  lines.push(`all logs: ${folder}`);
  return lines.join('\n');
}

function time(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}

/** The figures of all rounds. */
export function summary(results: readonly RoundResult[]): string {
  const sum = (value: (result: RoundResult) => number): number =>
    results.reduce((total, result) => total + value(result), 0);
  const faults = results.flatMap((result) => result.faults);
  const stops = results.flatMap(({ stopSeconds }) => (stopSeconds === undefined ? [] : [stopSeconds]));
  const wrong = results.filter(({ problems }) => problems.length > 0).length;
  return [
    `${results.length} rounds, ${wrong} of them wrong, ${sum(({ seconds }) => seconds).toFixed(0)} s`,
    `faults: ${(['kill', 'freeze', 'cut', 'forget'] as const).map((kind) => `${countOf(faults, kind)} ${kind}`).join(', ')}`,
    `attempts: ${sum(({ attempts }) => attempts)}, of which ${sum(({ unreached }) => unreached)} did not reach their node`,
    `clients: ${sum(({ edits }) => edits.answered)} answered with success, ${sum(({ edits }) => edits.refused)} not`,
    ...commonest(results).map(([refusal, times]) => `  ${times} times: ${refusal}`),
    ...(stops.length === 0
      ? []
      : [`stops: ${stops.length}, the last process gone after at most ${Math.max(...stops).toFixed(1)} s`]),
  ].join('\n');
}

/** What the clients were told most often when they were not told success. */
function commonest(results: readonly RoundResult[]): [string, number][] {
  const all = new Map<string, number>();
  for (const { edits } of results) {
    for (const [refusal, times] of edits.refusals) all.set(refusal, (all.get(refusal) ?? 0) + times);
  }
  return [...all].sort(([, a], [, b]) => b - a).slice(0, SHOWN_REFUSALS);
}
