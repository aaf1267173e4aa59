import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from '@rigel/local-servers';
import { waitFor } from '@rigel/testing';
import { keep } from '../cleanup.js';
import { fastest, measure, type PeerResult, printResult, type Setting } from './measure.js';
import { PeerWorker } from './worker.js';

const WARM_UP = 500;
const TRIAL = 1_500;
const START_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 10_000;
const RUN_TIMEOUT_MS = 600_000;

const SETTINGS: (Setting & { partitions: number })[] = [
  { name: '24 partitions (its default), 200 at once', partitions: 24, atOnce: 200 },
  { name: '4 partitions, 200 at once', partitions: 4, atOnce: 200 },
  { name: '4 partitions, 800 at once', partitions: 4, atOnce: 800 },
  { name: '1 partition, 400 at once', partitions: 1, atOnce: 400 },
  { name: '1 partition, 800 at once', partitions: 1, atOnce: 800 },
];

/**
 * Restate: its server, which keeps its own log on disk, a service process with the handler, and a process that calls it
 * through the ingress (whose CPU time is shown and not counted as Restate's). The setting that does best in a trial is
 * then measured.
 */
export async function measureRestate(folder: string, runs: number): Promise<PeerResult> {
  const trials = [];
  // Twice in turns: a slow moment of the machine must not decide.
  for (const setting of [...SETTINGS, ...SETTINGS])
    trials.push({ setting, result: await measureOnce(folder, setting, TRIAL, 'trial of Restate') });
  const best = fastest(trials.map(({ result }) => result));
  const { setting } = trials.find(({ result }) => result === best) ?? { setting: SETTINGS[0] };
  return measureOnce(folder, setting as (typeof SETTINGS)[number], runs, 'Restate');
}

async function measureOnce(
  folder: string,
  setting: (typeof SETTINGS)[number],
  runs: number,
  title: string,
): Promise<PeerResult> {
  const server = await keep(startServer(folder, setting.partitions));
  const workers: PeerWorker[] = [];
  try {
    const port = await findFreePort();
    const service = await keep(
      PeerWorker.start(folder, 'restate-service.mjs', { PORT: String(port), RESTATE_LOGGING: 'ERROR' }),
    );
    workers.push(service);
    await register(server, port);
    const load = await keep(PeerWorker.start(folder, 'restate-load.mjs', { INGRESS_URL: server.ingressUrl }));
    workers.push(load);
    const run = (count: number, atOnce: number) => load.run(count, atOnce, RUN_TIMEOUT_MS);
    await run(WARM_UP, setting.atOnce);
    const pids = { server: server.pid, service: service.pid, [CALLER]: load.pid };
    const result = await measure(setting, runs, pids, run);
    printResult(title, result);
    return result;
  } finally {
    for (const worker of workers) await worker.stop();
    await server.stop();
  }
}

/** The process that makes the calls: no part of Restate. */
export const CALLER = 'caller (not counted)';

interface RestateServer {
  pid: number;
  ingressUrl: string;
  adminUrl: string;
  stop(): Promise<void>;
}

async function startServer(folder: string, partitions: number): Promise<RestateServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'rigel-bench-restate-'));
  const logFile = join(dataDir, 'server.log');
  const address = async () => `127.0.0.1:${await findFreePort()}`;
  const [ingress, admin, fabric] = [await address(), await address(), await address()];
  const binary = join(
    folder,
    'node_modules',
    '@restatedev',
    `restate-server-${process.platform}-${process.arch}`,
    'bin',
    'restate-server',
  );
  const log = await open(logFile, 'a');
  const child = spawn(binary, ['--no-logo'], {
    cwd: dataDir,
    env: {
      PATH: process.env.PATH,
      HOME: dataDir,
      RESTATE_BASE_DIR: join(dataDir, 'data'),
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_BIND_ADDRESS: fabric,
      RESTATE_INGRESS__BIND_ADDRESS: ingress,
      RESTATE_ADMIN__BIND_ADDRESS: admin,
      RESTATE_DEFAULT_NUM_PARTITIONS: String(partitions),
      RESTATE_DISABLE_TELEMETRY: 'true',
      // Writing logs costs it time.
      RESTATE_LOG_FILTER: 'error',
    },
    stdio: ['ignore', log.fd, log.fd],
  });
  await log.close();
  const ended = once(child, 'exit').catch((error: unknown) => error);
  const stop = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await Promise.race([ended, sleep(END_TIMEOUT_MS, undefined, { ref: false })]);
      child.kill('SIGKILL');
      await ended;
    }
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await waitFor(
      async () => {
        if (child.pid === undefined || child.exitCode !== null) {
          throw new Error(`restate-server does not run: ${(await readFile(logFile, 'utf8')).slice(-1_000)}`);
        }
        const health = await fetch(`http://${ingress}/restate/health`).catch(() => undefined);
        return health?.ok ? true : undefined;
      },
      { what: 'restate-server is ready', timeoutMs: START_TIMEOUT_MS, intervalMs: 200 },
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid as number, ingressUrl: `http://${ingress}`, adminUrl: `http://${admin}`, stop };
}

async function register(server: RestateServer, port: number): Promise<void> {
  const response = await fetch(`${server.adminUrl}/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uri: `http://127.0.0.1:${port}` }),
  });
  if (!response.ok) throw new Error(`restate-server refuses the service: ${await response.text()}`);
}
