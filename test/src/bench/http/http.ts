import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startRig } from '../../support/rig.js';
import { keep } from '../cleanup.js';
import { usageOf } from '../process-usage.js';
import { type BenchReport, type Figure, median, print } from '../report.js';
import { type Load, load, type Operation } from './load.js';

const ROWS = 1_000;
const ROUNDS = 7;
const SECONDS = 2;
const WARM_UP_SECONDS = 3;
const GOAL_RATE = 0.5;
const GOAL_P99 = 2;

/** A server, and the processes that work for it. */
interface Contender {
  url: string;
  pids: number[];
}

interface Turn extends Load {
  /** Processor time for each request, in µs. */
  cpu: number;
}

let names = 0;
const operations: Operation[] = [
  { name: 'list', method: 'GET', path: '/cluster/list?page=1&page_size=10' },
  { name: 'info', method: 'GET', path: `/cluster/${ROWS / 2}` },
  {
    name: 'create',
    method: 'POST',
    path: '/cluster/create',
    body: () => ({ name: `bench ${++names}`, desc: 'of the benchmark', biz: '1' }),
  },
];

/**
 * List, info and create of clusters through gateway, NATS, service and PostgreSQL, against a bare Fastify and pg handler that
 * runs the same statements on the same PostgreSQL. The two take turns; the figures are ratios of medians.
 * @param args how many seconds each turn lasts; 2 when absent.
 */
export async function benchHttp(args: string[]): Promise<BenchReport> {
  const seconds = Number(args[0] ?? SECONDS);
  if (!Number.isInteger(seconds) || seconds < 1 || args.length > 1) {
    throw new Error(`http: ${args.join(' ')} is no whole number of seconds`);
  }
  const rig = await keep(
    startRig({
      apart: true,
      executors: 1,
      fastDatabase: false,
      profileDir: process.env.RIGEL_BENCH_PROFILE_DIR,
    }),
  );
  let bare: ChildProcess | undefined;
  try {
    await fill(rig.stack.databaseUrl);
    bare = fork(fileURLToPath(new URL('bare-server.js', import.meta.url)), {
      env: { ...process.env, DATABASE_URL: rig.stack.databaseUrl },
    });
    const [bareUrl] = (await once(bare, 'message')) as [string];
    print(`http: ${ROUNDS} rounds of ${seconds} s for each`);
    const pids = (names: (name: string) => boolean): number[] =>
      rig.stack.processes.flatMap(({ name, pid }) => (names(name) && pid !== undefined ? [pid] : []));
    const contenders = {
      rigel: { url: rig.stack.httpUrl, pids: pids(() => true) },
      bare: { url: bareUrl, pids: [bare.pid as number, ...pids((name) => name === 'postgres')] },
    };
    const figures: Figure[] = [];
    for (const operation of operations) figures.push(...(await compare(operation, contenders, seconds)));
    return { figures, skipped: [] };
  } finally {
    bare?.kill();
    await rig.stop();
  }
}

/** Enters clusters without their events: what is measured only reads them. */
async function fill(databaseUrl: string): Promise<void> {
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  await database.query(`
    INSERT INTO inventory.clusters SELECT n, 'cluster ' || n, 'number ' || n, '1' FROM generate_series(1, ${ROWS}) n;
    SELECT setval('inventory.cluster_ids', ${ROWS})`);
  await database.query('VACUUM ANALYZE inventory.clusters');
  await database.end();
}

async function compare(
  operation: Operation,
  contenders: { rigel: Contender; bare: Contender },
  seconds: number,
): Promise<Figure[]> {
  const { name } = operation;
  await load(contenders.rigel.url, operation, WARM_UP_SECONDS);
  await load(contenders.bare.url, operation, WARM_UP_SECONDS);
  const rigel: Turn[] = [];
  const bare: Turn[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rigel.push(await measure(contenders.rigel, operation, seconds));
    bare.push(await measure(contenders.bare, operation, seconds));
    print(`  ${name}, round ${round + 1}: Rigel ${shown(rigel.at(-1))}, bare ${shown(bare.at(-1))}`);
  }
  const rate = (turns: Turn[]) => median(turns.map(({ requestsPerSecond }) => requestsPerSecond));
  const p99 = (turns: Turn[]) => median(turns.map((turn) => turn.p99));
  const cpu = (turns: Turn[]) => median(turns.map((turn) => turn.cpu));
  return [
    { name: `${name}: Rigel`, value: rate(rigel), unit: 'requests/s' },
    { name: `${name}: bare`, value: rate(bare), unit: 'requests/s' },
    {
      name: `${name}: Rigel's requests/s to the bare one's`,
      value: rate(rigel) / rate(bare),
      unit: 'times',
      goal: { atLeast: GOAL_RATE },
    },
    { name: `${name}: Rigel, p99`, value: p99(rigel), unit: 'ms' },
    { name: `${name}: bare, p99`, value: p99(bare), unit: 'ms' },
    {
      name: `${name}: Rigel's p99 to the bare one's`,
      value: p99(rigel) / p99(bare),
      unit: 'times',
      goal: { atMost: GOAL_P99 },
    },
    { name: `${name}: Rigel, CPU of all processes`, value: cpu(rigel), unit: 'µs per request' },
    { name: `${name}: bare, CPU with PostgreSQL`, value: cpu(bare), unit: 'µs per request' },
    { name: `${name}: Rigel's CPU to the bare one's`, value: cpu(rigel) / cpu(bare), unit: 'times' },
  ];
}

async function measure({ url, pids }: Contender, operation: Operation, seconds: number): Promise<Turn> {
  const used = async (): Promise<number> => {
    let cpu = 0;
    for (const pid of pids) cpu += (await usageOf(pid)).cpu;
    return cpu;
  };
  const before = await used();
  const result = await load(url, operation, seconds);
  return { ...result, cpu: (((await used()) - before) / result.requests) * 1e6 };
}

function shown(turn: Turn | undefined): string {
  if (!turn) return '';
  const { requestsPerSecond, p99, cpu } = turn;
  return `${Math.round(requestsPerSecond)}/s, p99 ${p99.toFixed(1)} ms, CPU ${Math.round(cpu)} µs`;
}
