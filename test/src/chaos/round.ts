import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { differences } from '@rigel/scheduler/testing';
import { waitFor } from '@rigel/testing';
import type { TaskInfo } from '../support/api.js';
import { eachAtOnce } from '../support/each-at-once.js';
import { uniqueName } from '../support/fleet.js';
import type { Random } from '../support/random.js';
import type { ChaosRig } from './chaos-rig.js';
import { checkRun } from './check-task.js';
import { Editor } from './editor.js';
import { type Fault, Faults } from './faults.js';
import { aliveOf, parseAttempt, ranOn } from './nodes.js';

/** The faults go on until the task has ended, at least so long and at most so long. */
const LEAST_FAULTS_MS = 20_000;
const MOST_FAULTS_MS = 240_000;
/** From the last fault to the end of all tasks. */
const SETTLE_MS = 300_000;
/**
 * The faults go on for so long after the answer to a stop, and so long after the last of them nothing of the task may be
 * alive. While they go on there is no limit: they may leave nobody who could end anything.
 */
const FAULTS_AFTER_STOP_MS = 10_000;
const STOP_LIMIT_MS = 30_000;
/** Whatever is still alive then is watched this much longer, to tell when it ended. */
const STOP_WATCH_MS = 90_000;
/**
 * Nodes of a round with a stop at most, when nodes cannot have processes of their own: ending a command looks through all
 * processes of its node, which then are those of all nodes.
 */
const STOP_NODES_SHARED = 60;
const HALF_STARTED_MS = 90_000;
const AT_ONCE = 8;

/** What a round came to. */
export interface RoundResult {
  faults: Fault[];
  problems: string[];
  taskId: number | undefined;
  seconds: number;
  /** Of these, how long the faults lasted. */
  faultSeconds: number;
  attempts: number;
  unreached: number;
  edits: { answered: number; refused: number; tasks: number; refusals: ReadonlyMap<string, number> };
  /** For a round with a stop: from its answer to the end of the last process. */
  stopSeconds: number | undefined;
}

export interface RoundOptions {
  system: ChaosRig;
  random: Random;
  /** Stop the task in the middle. */
  stop: boolean;
  /** Delete NATS's store. */
  forget: boolean;
  /** How long the faults go on at most. Default: 4 minutes. */
  mostFaultsMs?: number;
}

/** Runs one task over all nodes while the system is being hurt, and then looks whether everything is right. */
export async function playRound(options: RoundOptions): Promise<RoundResult> {
  const { random, stop, forget, mostFaultsMs = MOST_FAULTS_MS } = options;
  const all = options.system;
  const few = stop && !all.isolated;
  const system = few ? { ...all, nodes: all.nodes.slice(0, STOP_NODES_SHARED) } : all;
  const { rig, nodes, patience } = system;
  const begun = Date.now();
  const result: RoundResult = {
    faults: [],
    problems: [],
    taskId: undefined,
    seconds: 0,
    faultSeconds: 0,
    attempts: 0,
    unreached: 0,
    edits: { answered: 0, refused: 0, tasks: 0, refusals: new Map() },
    stopSeconds: undefined,
  };
  const faults = new Faults({
    stack: rig.stack,
    proxy: system.proxy,
    hosts: nodes.map(hostOf),
    random,
    forget: forget ? join(rig.dataDir, 'nats') : undefined,
  });
  result.faults = faults.log;
  const editor = new Editor({
    api: system.hasty,
    patience,
    ground: system.ground,
    random,
    nodes: system.smallNodes.slice(),
    addresses: system.addresses,
  });
  try {
    const id = await patience.createTask({
      template_id: stop ? system.templates.endless : system.templates.work,
      task_name: uniqueName('chaos'),
      opr_user: 'tester',
      nodes: nodes.map((ip) => ({ ip })),
      params: {},
      max_num: random.pick([0, 0, Math.ceil(nodes.length / 2)]),
    });
    result.taskId = id;
    if (stop) await stopInTheMiddle(system, id, faults, result);
    else await endsOrTimeIsUp(system, id, begun + mostFaultsMs);
    await sleep(Math.max(0, begun + LEAST_FAULTS_MS - Date.now()));
    await faults.stop();
    await editor.stop();
    result.faultSeconds = (Date.now() - begun) / 1000;
    const task = await ended(system, id);
    const problems = await editor.check();
    const small = editor.tasks.flatMap(({ ids }) => ids);
    problems.push(
      ...(stop ? await checkStopped(system, task, result) : await checkWork(system, task, result)),
    );
    problems.push(...(await checkSmall(system, small)));
    problems.push(...(await differences(rig.stack)));
    result.problems.push(...problems);
  } catch (error) {
    const { message, cause } = error as Error;
    result.problems.push(cause instanceof Error ? `${message} (${cause.message})` : message);
  } finally {
    await faults.stop();
    await editor.stop();
  }
  const { answered, refusals, tasks } = editor;
  const refused = [...refusals.values()].reduce((sum, times) => sum + times, 0);
  result.edits = { answered, refused, tasks: tasks.length, refusals };
  result.seconds = (Date.now() - begun) / 1000;
  return result;
}

const hostOf = (address: string): string => address.split(':')[0] ?? '';
const isOver = (task: TaskInfo): boolean => task.state > 1 && task.end_reason !== '';

async function endsOrTimeIsUp({ patience }: ChaosRig, id: number, deadline: number): Promise<void> {
  while (Date.now() < deadline && !isOver(await patience.task(id))) await sleep(500);
}

async function ended({ patience }: ChaosRig, id: number): Promise<TaskInfo> {
  return waitFor(
    async () => {
      const task = await patience.task(id);
      return isOver(task) && task;
    },
    { what: `task ${id} ends`, timeoutMs: SETTLE_MS, intervalMs: 500 },
  );
}

/** Stops the task when half of its commands run, and watches what is left of it on the nodes. */
async function stopInTheMiddle(
  system: ChaosRig,
  id: number,
  faults: Faults,
  result: RoundResult,
): Promise<void> {
  const { patience } = system;
  const uuid = await halfStarted(system, id);
  await patience.stopTask(id);
  const stopped = Date.now();
  const quiet = sleep(FAULTS_AFTER_STOP_MS).then(() => faults.stop());
  let limit = Number.POSITIVE_INFINITY;
  void quiet.then(() => {
    limit = Date.now() + STOP_LIMIT_MS;
  });
  let last = stopped;
  let alive: string[] = [];
  // Gone once is not enough: nothing may be started later.
  while (Date.now() < limit || (alive.length > 0 && Date.now() < limit + STOP_WATCH_MS)) {
    alive = await aliveOf(uuid);
    if (alive.length > 0) last = Date.now();
    await sleep(500);
  }
  result.stopSeconds = (last - stopped) / 1000;
  if (last > limit) {
    const left = alive.length > 0 ? `still there: ${alive.slice(0, 5).join('; ')}` : 'gone by now';
    result.problems.push(`task ${id} was alive ${result.stopSeconds} s after its stop, ${left}`);
  }
}

/**
 * Waits until the command runs on half of the nodes, or on some when that takes too long.
 * @returns the identity that the task's attempts have on the nodes.
 */
async function halfStarted(system: ChaosRig, id: number): Promise<string> {
  const runs = new Set((await system.patience.detail(id)).map((run) => run.id));
  const begun = Date.now();
  return waitFor(
    async () => {
      let uuid: string | undefined;
      let nodes = 0;
      for (const node of system.nodes) {
        for (const key of (await ranOn(system.rig.sshd.home, hostOf(node))).keys()) {
          const { task, run } = parseAttempt(key);
          if (!runs.has(run)) continue;
          uuid = task;
          nodes++;
        }
      }
      return nodes >= system.nodes.length / 2 || Date.now() > begun + HALF_STARTED_MS ? uuid : undefined;
    },
    { what: `commands of task ${id} run`, timeoutMs: SETTLE_MS, intervalMs: 500 },
  );
}

/** How often each attempt of a run ran, by `step/attempt`. */
async function ranOf(system: ChaosRig, ip: string, runId: number): Promise<Map<string, number>> {
  const ran = new Map<string, number>();
  for (const [key, times] of await ranOn(system.rig.sshd.home, hostOf(ip))) {
    const { run, step, attempt } = parseAttempt(key);
    if (run === runId) ran.set(`${step}/${attempt}`, times);
  }
  return ran;
}

async function checkWork(system: ChaosRig, task: TaskInfo, result: RoundResult): Promise<string[]> {
  const { patience, nodes } = system;
  const problems: string[] = [];
  const runs = await patience.detail(task.id);
  if (runs.length !== nodes.length) problems.push(`task ${task.id} has ${runs.length} runs`);
  const counts = [0, 0, 0, 0, 0];
  await eachAtOnce(runs, AT_ONCE, async (run) => {
    const log = await patience.nodeLog(run.id);
    const check = checkRun({ run, log, ran: await ranOf(system, run.ip, run.id) });
    problems.push(...check.problems);
    result.attempts += check.attempts;
    result.unreached += check.unreached;
    counts[run.state] = (counts[run.state] ?? 0) + 1;
  });
  if (`${task.stat}` !== `${counts}`)
    problems.push(`task ${task.id} counts ${task.stat}, its runs ${counts}`);
  const [state, reason] = (counts[3] ?? 0) > 0 ? [3, 'partial'] : [2, 'completed'];
  if (task.state !== state || task.end_reason !== reason) {
    problems.push(`task ${task.id} ended ${task.state} ${task.end_reason}, not ${state} ${reason}`);
  }
  return problems;
}

async function checkStopped(system: ChaosRig, task: TaskInfo, result: RoundResult): Promise<string[]> {
  const problems: string[] = [];
  if (task.state !== 4 || task.end_reason !== 'stopped') {
    problems.push(`task ${task.id} ended ${task.state} ${task.end_reason}, not 4 stopped`);
  }
  const counts = [0, 0, 0, 0, 0];
  for (const run of await system.patience.detail(task.id)) {
    counts[run.state] = (counts[run.state] ?? 0) + 1;
    const ran = await ranOf(system, run.ip, run.id);
    result.attempts += ran.size;
    for (const [attempt, times] of ran) {
      if (times !== 1) problems.push(`run ${run.id} on ${run.ip}: attempt ${attempt} ran ${times} times`);
    }
  }
  if (`${task.stat}` !== `${counts}`)
    problems.push(`task ${task.id} counts ${task.stat}, its runs ${counts}`);
  // A node that could not be reached as often as it may be tried has failed before the stop.
  if ((counts[3] ?? 0) + (counts[4] ?? 0) !== system.nodes.length) {
    problems.push(`task ${task.id} was stopped, and its runs are ${counts}`);
  }
  return problems;
}

async function checkSmall(system: ChaosRig, ids: readonly number[]): Promise<string[]> {
  const problems: string[] = [];
  await eachAtOnce(ids, AT_ONCE, async (id) => {
    const task = await ended(system, id);
    for (const run of await system.patience.detail(id)) {
      const log = await system.patience.nodeLog(run.id);
      const ran = await ranOf(system, run.ip, run.id);
      const times = [...ran.values()];
      const text = log[0]?.[1] ?? '';
      const ends = text.split(/(?<=\n)/);
      const neverReached = ends.every((line) =>
        /^\[attempt \d+ failed: (.*)/.exec(line)?.[1]?.startsWith(`${run.ip}: `),
      );
      if (run.state === 3 && times.length === 0 && neverReached) continue;
      if (run.state === 2 && times.join() === '1' && text.endsWith('quick\n')) continue;
      problems.push(
        `small task ${id} (${task.end_reason}), run ${run.id} on ${run.ip}: state ${run.state}, ran ${times.join() || 'never'}, log ${JSON.stringify(text)}`,
      );
    }
  });
  return problems;
}
