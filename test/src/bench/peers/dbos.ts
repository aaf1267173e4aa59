import pg from 'pg';
import { keep } from '../cleanup.js';
import { fastest, measure, type PeerResult, printResult, type Setting } from './measure.js';
import { PeerWorker } from './worker.js';

const DATABASE = 'dbos_bench';
const WARM_UP = 100;
const TRIAL = 500;
const RUN_TIMEOUT_MS = 600_000;

const SETTINGS: (Setting & { processes: number; connections: number })[] = [
  { name: '1 process, 20 connections, 50 at once', processes: 1, connections: 20, atOnce: 50 },
  { name: '1 process, 50 connections, 200 at once', processes: 1, connections: 50, atOnce: 200 },
  { name: '2 processes, 20 connections each, 100 at once', processes: 2, connections: 20, atOnce: 100 },
];

/**
 * DBOS Transact on the given PostgreSQL server, in a database of its own. Workflows are called directly, not through a
 * queue, which would cost it more; the setting that does best in a trial is then measured.
 */
export async function measureDbos(
  folder: string,
  server: { url: string; pid: number },
  runs: number,
): Promise<PeerResult> {
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  try {
    await admin.query(`CREATE DATABASE ${DATABASE}`);
    const url = new URL(server.url);
    url.pathname = `/${DATABASE}`;
    const once = (setting: (typeof SETTINGS)[number], count: number) =>
      withWorkers(folder, url.href, setting, async (workers) => {
        const share = async (total: number, atOnce: number): Promise<void> => {
          const each = (n: number) => Math.ceil(n / workers.length);
          await Promise.all(workers.map((worker) => worker.run(each(total), each(atOnce), RUN_TIMEOUT_MS)));
        };
        await share(WARM_UP, setting.atOnce);
        const pids = Object.fromEntries(workers.map(({ pid }, n) => [`process ${n + 1}`, pid]));
        const result = await measure(setting, count, { ...pids, PostgreSQL: server.pid }, share);
        printResult(count === runs ? 'DBOS Transact' : 'trial of DBOS Transact', result);
        return { setting, result };
      });
    const trials = [];
    // Twice in turns: a slow moment of the machine must not decide.
    for (const setting of [...SETTINGS, ...SETTINGS]) trials.push(await once(setting, TRIAL));
    const best = fastest(trials.map(({ result }) => result));
    const { setting } = trials.find(({ result }) => result === best) ?? { setting: SETTINGS[0] };
    return (await once(setting as (typeof SETTINGS)[number], runs)).result;
  } finally {
    await admin.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`).catch(() => undefined);
    await admin.end();
  }
}

async function withWorkers<T>(
  folder: string,
  databaseUrl: string,
  { processes, connections }: { processes: number; connections: number },
  use: (workers: PeerWorker[]) => Promise<T>,
): Promise<T> {
  const workers: PeerWorker[] = [];
  try {
    // One after the other: the first makes the tables.
    for (let n = 1; n <= processes; n++) {
      workers.push(
        await keep(
          PeerWorker.start(folder, 'dbos.mjs', {
            DATABASE_URL: databaseUrl,
            POOL_SIZE: String(connections),
            DBOS__VMID: `bench-${n}`,
          }),
        ),
      );
    }
    return await use(workers);
  } finally {
    for (const worker of workers) await worker.stop();
  }
}
