import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readLocalConfig } from '../config.js';
import { startStack } from '../stack.js';
import { Api, type RunView } from './api.js';
import { enterCatalog, enterInventory } from './catalog.js';
import { followTask } from './progress.js';
import { type DemoNode, type DemoNodes, startDemoNodes } from './ssh-nodes.js';

const NODES = 12;
const BATCH = 4;
const TASK_TIMEOUT_MS = 180_000;
/** The service of this node fails to start once in each deploy. */
const UNLUCKY = 6;

export interface DemoOptions {
  env: NodeJS.ProcessEnv;
  out: NodeJS.WriteStream;
  /** Aborted to end the demo. */
  signal: AbortSignal;
  /** End as soon as everything was shown. */
  exit: boolean;
}

/**
 * Starts the whole system with throwaway nodes, deploys two versions one after the other, and says what was seen.
 * @returns whether every node serves the second version.
 */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'rigel-demo-'));
  let nodes: DemoNodes | undefined;
  try {
    nodes = await startDemoNodes(NODES, join(folder, 'nodes'));
    return await withNodes(nodes, folder, options);
  } finally {
    await nodes?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function withNodes(demo: DemoNodes, folder: string, options: DemoOptions): Promise<boolean> {
  const { out, signal } = options;
  const print = (line = ''): void => void out.write(`${line}\n`);
  const keyFile = join(folder, 'id_ed25519');
  await writeFile(keyFile, demo.privateKey, { mode: 0o600 });
  const config = readLocalConfig({
    // A free port, so that the demo runs beside a system that is started for real use.
    RIGEL_HTTP_PORT: '0',
    RIGEL_RETRY_DELAY: '1',
    ...options.env,
    RIGEL_DATA_DIR: options.env.RIGEL_DATA_DIR || join(folder, 'data'),
    RIGEL_SSH_USER: demo.user,
    RIGEL_SSH_KEY_FILE: keyFile,
  });
  print(
    `Rigel is starting: database, NATS, gateway, inventory, catalog, scheduler and ${config.executors} executors …`,
  );
  const stack = await startStack(config, { signal, onNotice: (line) => print(`  ${line}`) });
  try {
    print(
      `It runs at ${stack.httpUrl}. ${NODES} throwaway SSH nodes are ready, in ${join(folder, 'nodes')}.`,
    );
    const api = new Api(stack.httpUrl);
    const poolId = await enterInventory(
      api,
      demo.nodes.map(({ address }) => address),
    );
    const templateId = await enterCatalog(api);
    let last = { taskId: 0, runs: [] as RunView[] };
    for (const version of ['v1', 'v2']) {
      print(`\nRolling deploy of ${version}: ${NODES} nodes in batches of ${BATCH}`);
      await makeUnlucky(demo.nodes[UNLUCKY]);
      last = await deploy(api, templateId, version, demo.nodes, options);
    }
    const healthy = await summary(api, demo.nodes, last.runs, 'v2', print);
    goOn(stack.httpUrl, { taskId: last.taskId, poolId, templateId, node: demo.nodes[0] }, print);
    if (!options.exit) {
      print('\nIt stays up until Ctrl-C.');
      await aborted(signal);
    }
    return healthy;
  } finally {
    await stack.stop();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function makeUnlucky(node: DemoNode | undefined): Promise<void> {
  if (node) await writeFile(join(node.folder, 'unlucky'), '');
}

async function deploy(
  api: Api,
  templateId: number,
  version: string,
  nodes: DemoNode[],
  options: DemoOptions,
): Promise<{ taskId: number; runs: RunView[] }> {
  const { taskId } = await api.call('/task/create', {
    template_id: templateId,
    task_name: `deploy ${version}`,
    opr_user: 'demo',
    max_num: BATCH,
    nodes: nodes.map(({ address }) => ({ ip: address })),
    params: { tag: version },
  });
  const names = new Map(nodes.map(({ address, name }) => [address, name]));
  const task = await followTask(api, taskId, {
    names,
    out: options.out,
    signal: options.signal,
    timeoutMs: TASK_TIMEOUT_MS,
  });
  if (task.state !== 2) throw new Error(`the deploy of ${version} ended as ${task.end_reason}`);
  return { taskId, runs: await api.data<RunView[]>(`/task/${taskId}/detail`) };
}

async function summary(
  api: Api,
  nodes: DemoNode[],
  runs: RunView[],
  version: string,
  print: (line?: string) => void,
): Promise<boolean> {
  const answers = await Promise.all(nodes.map(askService));
  const serving = answers.filter((answer) => answer.startsWith(`${version} `)).length;
  print(`\nAsked over HTTP: ${serving} of ${nodes.length} nodes serve ${version}.`);
  answers.forEach((answer, index) => {
    if (!answer.startsWith(`${version} `)) print(`  ${nodes[index]?.name}: ${answer || 'no answer'}`);
  });
  const unlucky = runs.find(({ ip }) => ip === nodes[UNLUCKY]?.address);
  if (unlucky) {
    print(`\nThe log of ${nodes[UNLUCKY]?.name}, whose start failed once and was tried again:`);
    for (const step of await api.data<Record<string, string>[]>(`/task/node/${unlucky.id}/log`)) {
      for (const [name, text] of Object.entries(step)) {
        print(`  ${name}`);
        for (const line of text.trimEnd().split('\n')) print(`    ${line}`);
      }
    }
  }
  return serving === nodes.length;
}

async function askService(node: DemoNode): Promise<string> {
  try {
    const response = await fetch(`http://127.0.0.1:${node.servicePort}/`, {
      signal: AbortSignal.timeout(5_000),
    });
    return await response.text();
  } catch {
    return '';
  }
}

function goOn(
  url: string,
  ids: { taskId: number; poolId: number; templateId: number; node: DemoNode | undefined },
  print: (line?: string) => void,
): void {
  const body = JSON.stringify({
    template_id: ids.templateId,
    task_name: 'by hand',
    opr_user: 'me',
    nodes: [{ ip: ids.node?.address }],
    params: { tag: 'v3' },
  });
  print('\nGo on with:');
  print(`  curl -X POST ${url}/task/${ids.taskId}                  # the last task`);
  print(`  curl -X POST ${url}/task/${ids.taskId}/log              # its log`);
  print(`  curl -X POST ${url}/pool/${ids.poolId}/list_nodes       # the nodes`);
  print(`  curl -X POST ${url}/task/create -d '${body}'`);
  print(`  curl http://127.0.0.1:${ids.node?.servicePort}/         # the service on ${ids.node?.name}`);
  print(`  open ${url}/docs                                        # the API`);
}
