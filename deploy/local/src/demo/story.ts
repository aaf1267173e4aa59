import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalMachines } from '@rigel/providers/local-machines';
import type { Api, NodeView, RunView } from './api.js';
import { type FollowOptions, followTask } from './progress.js';
import { PORT_FILE, UNLUCKY_FILE } from './service-scripts.js';
import { ask, describeVisits, Visitor } from './visitor.js';

/** The version that machines begin with. The deploy brings them to the second one. */
export const FIRST = 'hello:1';
const SECOND = 'hello:2';
/** Machines of the pool. */
export const GROWN = 8;
const LEFT = 4;
/** Nodes that are deployed at once. */
const BATCH = 2;
const TASK_TIMEOUT_MS = 180_000;
const SETTLE_TIMEOUT_MS = 30_000;
/** Round robin reaches all of them well before. */
const ASKED_THROUGH_BALANCER = 20 * GROWN;

export interface StoryContext {
  api: Api;
  pool: number;
  machines: LocalMachines;
  /** Where the load balancer listens, if there is one. */
  balancerUrl: string | undefined;
  out: NodeJS.WriteStream;
  signal: AbortSignal;
  print(line?: string): void;
}

/** Expand, deploy, shrink. @returns whether each was seen over HTTP as it should be */
export async function runStory(context: StoryContext): Promise<boolean> {
  const { api, balancerUrl, print } = context;
  const where = balancerUrl === undefined ? '' : `, each registered at nginx (${balancerUrl})`;
  print(`\n1. Expand: ${GROWN} machines that serve ${FIRST}${where}`);
  await operate(context, 'expand', { num: GROWN });
  const nodes = await readyNodes(context, GROWN);
  const grown = await allServe(context, GROWN, FIRST);

  const unlucky = nodes[Math.floor(GROWN / 2)];
  if (unlucky) await writeFile(join(context.machines.homeOf(unlucky.vm_id), UNLUCKY_FILE), '');
  const visitor = balancerUrl === undefined ? undefined : new Visitor(balancerUrl);
  const footer = visitor && (() => `client of nginx: ${describeVisits(visitor.visits)}`);
  try {
    print(
      `\n2. Deploy ${SECOND}, ${BATCH} machines at a time${visitor ? ', while a client keeps asking' : ''}`,
    );
    const deploy = await operate(context, 'deploy', { tag: SECOND, max_num: BATCH }, footer);
    const deployed = await allServe(context, GROWN, SECOND);
    const retried = await showUnlucky(api, deploy, unlucky, print);

    const leave = visitor ? 'leave nginx when their last request is done, and ' : '';
    print(`\n3. Shrink to ${LEFT}: machines ${leave}are returned`);
    await operate(context, 'shrink', { nodes: nodes.slice(LEFT).map(({ ip }) => ip) }, footer);
    await readyNodes(context, LEFT);
    const shrunk = await allServe(context, LEFT, SECOND);
    const served = visitor ? await report(visitor, print) : true;
    return grown && deployed && retried && shrunk && served;
  } finally {
    await visitor?.stop();
  }
}

/** Changes the pool and follows the task to its end. @returns the task's id */
async function operate(
  { api, pool, out, signal }: StoryContext,
  kind: string,
  body: object,
  footer?: FollowOptions['footer'],
): Promise<number> {
  const { taskId } = await api.call(`/pool/${kind}/${pool}`, body);
  const task = await followTask(api, taskId, { out, signal, timeoutMs: TASK_TIMEOUT_MS, footer });
  if (task.state !== 2) throw new Error(`the ${kind} (task ${taskId}) ended as ${task.end_reason}`);
  return taskId;
}

/** The pool's nodes, once it has this number and all are ready: the inventory follows tasks a moment later. */
async function readyNodes({ api, pool, signal }: StoryContext, count: number): Promise<NodeView[]> {
  const deadline = Date.now() + SETTLE_TIMEOUT_MS;
  for (;;) {
    const nodes = await api.data<NodeView[]>(`/pool/${pool}/list_nodes`, { page_size: 1000 });
    if (nodes.length === count && nodes.every(({ status }) => status === 1)) return nodes;
    if (Date.now() > deadline) throw new Error(`the pool has ${nodes.length} nodes instead of ${count}`);
    await sleep(100, undefined, { signal });
  }
}

/** Asks over HTTP, through the load balancer if there is one: exactly this number of machines must answer, all with the version. */
async function allServe(
  { machines, balancerUrl, print }: StoryContext,
  count: number,
  version: string,
): Promise<boolean> {
  const made = await machines.list();
  const urls =
    balancerUrl === undefined
      ? await Promise.all(made.map(({ vmId, address }) => serviceUrl(machines.homeOf(vmId), address)))
      : new Array<string>(ASKED_THROUGH_BALANCER).fill(balancerUrl);
  const answered = new Set<string>();
  const wrong = new Set<string>();
  for (const url of urls) {
    const answer = await ask(url).catch((error: Error) => error);
    if (!(answer instanceof Error)) answered.add(answer.machine);
    if (answer instanceof Error) wrong.add(`${url}: ${answer.message}`);
    else if (answer.version !== version) wrong.add(`${answer.machine} serves ${answer.version}`);
  }
  const good = answered.size === count && made.length === count && wrong.size === 0;
  const asked = balancerUrl === undefined ? 'over HTTP' : 'through nginx';
  print(
    `${good ? '✔' : '✘'} Asked ${asked}: ${answered.size} of ${made.length} machines answer with ${version}.`,
  );
  for (const line of wrong) print(`    ${line}`);
  return good;
}

async function serviceUrl(home: string, address: string): Promise<string> {
  const host = address.slice(0, address.lastIndexOf(':'));
  return `http://${host}:${await readFile(join(home, PORT_FILE), 'utf8')}`;
}

/** Shows the log of the node whose start failed once. */
async function showUnlucky(
  api: Api,
  task: number,
  node: NodeView | undefined,
  print: (line: string) => void,
): Promise<boolean> {
  const runs = await api.data<RunView[]>(`/task/${task}/detail`);
  const run = runs.find(({ ip }) => ip === node?.ip);
  const step = run?.steps.list?.find(({ name }) => name === 'start_service');
  if (!run || step?.attempts !== 2) return false;
  print(`  One start failed and Rigel tried again; the log of ${run.ip}:`);
  for (const texts of await api.data<Record<string, string>[]>(`/task/node/${run.id}/log`)) {
    for (const line of (texts.start_service ?? '').trimEnd().split('\n')) if (line) print(`    ${line}`);
  }
  return true;
}

async function report(visitor: Visitor, print: (line: string) => void): Promise<boolean> {
  const visits = await visitor.stop();
  const good = visits.failures.length === 0 && [FIRST, SECOND].every((tag) => visits.versions.has(tag));
  print(`${good ? '✔' : '✘'} The client during deploy and shrink: ${describeVisits(visits)}.`);
  for (const failure of new Set(visits.failures)) print(`    ${failure}`);
  return good;
}
