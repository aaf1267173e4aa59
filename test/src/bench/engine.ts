import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import pg from 'pg';
import { type Rig, startRig } from '../support/rig.js';

const STEPS = 3;
const TICKS_PER_SECOND = 100;

/**
 * Node runs × 3 steps that do nothing, every step durable before the next: what the engine itself costs. Prints
 * node-steps/s, CPU time by process, events and bytes for each node-step.
 */
export async function benchEngine(args: string[]): Promise<void> {
  const count = Number(args[0] ?? 2_000);
  const rig = await startRig({
    fastDatabase: false,
    profileDir: process.env.RIGEL_BENCH_PROFILE_DIR,
    env: { executor: { RIGEL_EXECUTOR_CAPABILITIES: 'noop', RIGEL_EXECUTOR_SLOTS: '500' } },
  });
  try {
    print(`engine: ${count} node runs x ${STEPS} steps that do nothing`);
    const nodes = Array.from({ length: count }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
    await rig.fleet.pool(nodes);
    const noop = { command: '', type: 'noop' };
    const template = await rig.fleet.template({ a: noop, b: noop, c: noop });
    await run(rig, template, nodes.slice(0, 200));
    const database = new pg.Client({ connectionString: rig.stack.databaseUrl });
    await database.connect();
    const before = await reading(rig, database);
    const seconds = await run(rig, template, nodes);
    const after = await reading(rig, database);
    await database.end();
    report(count * STEPS, seconds, before, after);
  } finally {
    await rig.stop();
  }
}

async function run(rig: Rig, template: number, nodes: string[]): Promise<number> {
  const start = performance.now();
  const id = await rig.fleet.startTask(template, nodes);
  const task = await rig.fleet.ended(id, 300_000);
  if (task.state !== 2) throw new Error(`task ${id} ended ${task.end_reason}`);
  return (performance.now() - start) / 1000;
}

interface Reading {
  cpu: Map<string, number>;
  events: number;
  eventBytes: number;
  wal: number;
}

async function reading(rig: Rig, database: pg.Client): Promise<Reading> {
  const cpu = new Map<string, number>();
  for (const { name, pid } of rig.stack.processes) {
    if (pid === undefined) continue;
    cpu.set(name, await cpuSeconds(pid, name === 'postgres'));
  }
  const { rows } = await database.query(
    `SELECT count(*)::int AS events, coalesce(sum(pg_column_size(e.*)), 0)::bigint AS bytes,
       pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS wal FROM scheduler.events e`,
  );
  return { cpu, events: rows[0].events, eventBytes: Number(rows[0].bytes), wal: Number(rows[0].wal) };
}

/** User and system time of a process; for PostgreSQL with its children, which do the work. */
async function cpuSeconds(pid: number, withChildren: boolean): Promise<number> {
  let seconds = ownSeconds(await readFile(`/proc/${pid}/stat`, 'utf8'));
  if (!withChildren) return seconds;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  for (const child of children.split(' ').filter(Boolean)) {
    seconds += ownSeconds(await readFile(`/proc/${child}/stat`, 'utf8').catch(() => ''));
  }
  return seconds;
}

function ownSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND;
}

function report(nodeSteps: number, seconds: number, before: Reading, after: Reading): void {
  print(`  ${seconds.toFixed(2)} s, ${Math.round(nodeSteps / seconds)} node-steps/s`);
  let total = 0;
  for (const [name, used] of after.cpu) {
    const spent = used - (before.cpu.get(name) ?? 0);
    total += spent;
    print(`  CPU ${name.padEnd(12)} ${Math.round((spent / nodeSteps) * 1e6)} µs per node-step`);
  }
  print(`  CPU ${'all'.padEnd(12)} ${Math.round((total / nodeSteps) * 1e6)} µs per node-step`);
  print(`  events ${((after.events - before.events) / nodeSteps).toFixed(2)} per node-step`);
  print(`  event bytes ${Math.round((after.eventBytes - before.eventBytes) / nodeSteps)} per node-step`);
  print(`  WAL bytes ${Math.round((after.wal - before.wal) / nodeSteps)} per node-step\n`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
