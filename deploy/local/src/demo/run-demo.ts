import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureInstalledProgram, findInstalledProgram } from '@rigel/local-servers';
import { generateSshKey } from '@rigel/providers/local-machines';
import { readLocalConfig } from '../config.js';
import { machinesOf } from '../local-providers.js';
import { startStack } from '../stack.js';
import { Api } from './api.js';
import { enterPool } from './setup.js';
import { FIRST, GROWN, runStory } from './story.js';

const RETURN_TIMEOUT_MS = 60_000;

export interface DemoOptions {
  env: NodeJS.ProcessEnv;
  out: NodeJS.WriteStream;
  /** Aborted to end the demo. */
  signal: AbortSignal;
  /** End after the last step. */
  exit: boolean;
}

/**
 * Starts the whole system, lets a pool of throwaway machines grow, move to another version and shrink, and prints what it saw.
 * Everything is in a folder of its own, which is removed at the end.
 * @returns whether it saw every result over HTTP
 */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const parent = resolve(options.env.RIGEL_DATA_DIR || tmpdir());
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'rigel-demo-'));
  try {
    return await inFolder(folder, options);
  } finally {
    await machinesOf(folder).destroy(AbortSignal.timeout(RETURN_TIMEOUT_MS));
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function inFolder(folder: string, { env, out, signal, exit }: DemoOptions): Promise<boolean> {
  const print = (line = ''): void => void out.write(`${line}\n`);
  const balanced = await findNginx(print, signal);
  const keyFile = join(folder, 'id_ed25519');
  await writeFile(keyFile, generateSshKey().private, { mode: 0o600 });
  const config = readLocalConfig({
    // A free port, so that the demo runs beside a system that is started for real use.
    RIGEL_HTTP_PORT: '0',
    RIGEL_RETRY_DELAY: '1',
    ...env,
    // The demo is for this terminal alone, and its client has no token.
    RIGEL_ACCESS: 'off',
    RIGEL_HTTP_HOST: '127.0.0.1',
    RIGEL_DATA_DIR: folder,
    RIGEL_SSH_KEY_FILE: keyFile,
    // A demo uses only the providers of this computer.
    RIGEL_PROVIDERS_FILE: '',
  });
  print(
    `Rigel is starting: database, NATS, gateway, access, inventory, catalog, scheduler and ${config.executors} executors …`,
  );
  const stack = await startStack(config, { signal, onNotice: (line) => print(`  ${line}`) });
  try {
    print(`Rigel runs at ${stack.httpUrl}. Watch it in a browser: ${stack.httpUrl}/console/`);
    const balancerUrl = balanced ? stack.balancerUrl : undefined;
    const api = new Api(stack.httpUrl);
    const pool = await enterPool(api, { image: FIRST, balanced: balancerUrl !== undefined });
    const machines = machinesOf(folder);
    const seen = await runStory({ api, pool, machines, balancerUrl, out, signal, print });
    if (!exit) {
      goOn(stack.httpUrl, balancerUrl, pool, print);
      await aborted(signal);
    }
    return seen;
  } finally {
    await stack.stop();
  }
}

/** Whether an nginx is installed, at which machines can be registered; it is installed if that is possible. */
async function findNginx(print: (line: string) => void, signal: AbortSignal): Promise<boolean> {
  const without = (why: string): false => {
    print(`There will be no load balancer: ${why}. The demo goes on without one.`);
    return false;
  };
  if (process.platform !== 'linux') return without('machines of this computer share one address');
  if ((await findInstalledProgram('nginx')) !== undefined) return true;
  print('nginx is not installed; trying to install it …');
  try {
    if ((await ensureInstalledProgram('nginx', 'nginx-light', signal)) !== undefined) return true;
    return without('nginx is not installed, and only root on Debian or Ubuntu can install it here');
  } catch (error) {
    signal.throwIfAborted();
    return without(`nginx cannot be installed (${(error as Error).message.trim().split('\n').at(-1)})`);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function goOn(url: string, balancerUrl: string | undefined, pool: number, print: (line?: string) => void) {
  const post = (path: string, body: object) => print(`  curl ${url}${path} -d '${JSON.stringify(body)}'`);
  print('\nRigel stays up until Ctrl-C. Go on in a browser, or in another terminal:');
  print(`  open ${url}/console/                 # tasks, pools and nodes, live`);
  if (balancerUrl !== undefined) print(`  curl ${balancerUrl}`);
  post(`/pool/expand/${pool}`, { num: GROWN });
  post(`/pool/deploy/${pool}`, { tag: 'hello:3', max_num: 2 });
  print(`  curl ${url}/task/list                # tasks, newest first`);
  print(`  curl ${url}/pool/${pool}/list_nodes        # nodes of the pool`);
  print(`  open ${url}/docs                     # the API`);
}
