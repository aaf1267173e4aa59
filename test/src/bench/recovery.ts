import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { PARTITIONS, partitionOf } from '@rigel/contracts';
import { waitFor } from '@rigel/testing';
import pg from 'pg';
import { nodeCount } from './node-count.js';
import { type NoopRig, startNoopRig } from './noop-rig.js';
import { type BenchReport, type Figure, median, print } from './report.js';

const NODES = 5_000;
const ROUNDS = 5;
const POLL_MS = 5;
const WAIT_MS = 60_000;
const TASK_TIMEOUT_MS = 300_000;
/** Attempts that have ended when the scheduler is killed: it is in the middle of a task and busy. */
const ENDED_BEFORE = 1_000;
const GOAL_MS = 10_000;

/**
 * From `kill -9` of the scheduler, in the middle of a busy task, to the first outcome of an attempt that is durable again:
 * with a second replica that takes over, and with none, when the supervisor starts it again.
 */
export async function benchRecovery(args: string[]): Promise<BenchReport> {
  const count = nodeCount(args, NODES);
  print(`recovery: kill -9 of the scheduler in a task over ${count} nodes, ${ROUNDS} rounds each`);
  const taken = await withReplica(count);
  const restarted: number[] = [];
  // A system of its own for each round: the supervisor waits longer each time that a process dies young.
  for (let round = 1; round <= ROUNDS; round++) {
    const noop = await startNoopRig(count);
    try {
      restarted.push(await measureKill(noop, () => 'scheduler'));
    } finally {
      await noop.rig.stop();
    }
    print(`  without a second replica, round ${round}: ${restarted.at(-1)} ms`);
  }
  return {
    figures: [...figures('second replica', taken), ...figures('restarted by the supervisor', restarted)],
    skipped: [],
  };
}

function figures(how: string, times: readonly number[]): Figure[] {
  return [
    { name: `first report after kill -9, ${how}: median`, value: median(times), unit: 'ms' },
    {
      name: `first report after kill -9, ${how}: worst`,
      value: Math.max(...times),
      unit: 'ms',
      goal: { atMost: GOAL_MS },
    },
  ];
}

async function withReplica(count: number): Promise<number[]> {
  const noop = await startNoopRig(count, { schedulers: 2 });
  const times: number[] = [];
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      const owned = await settled(noop);
      const owner = (taskId: number) =>
        [...owned.keys()].find((name) => owned.get(name)?.includes(partitionOf(taskId))) ?? '';
      times.push(await measureKill(noop, owner));
      print(`  with a second replica, round ${round}: ${times.at(-1)} ms`);
    }
  } finally {
    await noop.rig.stop();
  }
  return times;
}

/** @returns milliseconds from the kill to the first report accepted after it. */
async function measureKill(noop: NoopRig, victim: (taskId: number) => string): Promise<number> {
  const { rig, template, nodes } = noop;
  const database = new pg.Client({ connectionString: rig.stack.databaseUrl });
  await database.connect();
  try {
    const ended = async (taskId: number, after: number): Promise<number> => {
      const { rows } = await database.query(
        `SELECT count(*)::int AS ended FROM scheduler.events
         WHERE stream = $1 AND type LIKE 'Attempt%' AND recorded_at > $2`,
        [`task-${taskId}`, after],
      );
      return rows[0].ended;
    };
    const id = await rig.fleet.startTask(template, nodes);
    await waitFor(async () => (await ended(id, 0)) >= ENDED_BEFORE, {
      what: `task ${id} is under way`,
      timeoutMs: WAIT_MS,
      intervalMs: 10,
    });
    const killedAt = Date.now();
    const start = performance.now();
    rig.stack.kill(victim(id), 'SIGKILL');
    // Whatever was decided before the kill may still be committed by PostgreSQL; it carries an earlier time.
    while ((await ended(id, killedAt)) === 0) {
      if (performance.now() - start > WAIT_MS) throw new Error(`nothing was reported in ${WAIT_MS / 1000} s`);
      await sleep(POLL_MS);
    }
    const recovered = Math.round(performance.now() - start);
    const task = await rig.fleet.ended(id, TASK_TIMEOUT_MS);
    if (task.state !== 2) throw new Error(`task ${id} ended ${task.end_reason}`);
    return recovered;
  } finally {
    await database.end();
  }
}

/** Waits until all replicas run again and have shared the partitions. */
async function settled(noop: NoopRig): Promise<Map<string, number[]>> {
  const look = async (): Promise<Map<string, number[]> | undefined> => {
    const owned = await ownedPartitions(noop);
    const shares = [...owned.values()];
    return shares.every(({ length }) => length > 0) && shares.flat().length === PARTITIONS
      ? owned
      : undefined;
  };
  return waitFor(look, { what: 'all schedulers own partitions', timeoutMs: WAIT_MS, intervalMs: 100 });
}

/** The partitions of each scheduler that runs, as the logs tell. */
async function ownedPartitions({ rig }: NoopRig): Promise<Map<string, number[]>> {
  const owned = new Map<string, number[]>();
  for (const { name, pid, logFile } of rig.stack.processes) {
    if (!name.startsWith('scheduler')) continue;
    const lines = (await readFile(logFile, 'utf8')).split('\n').filter(Boolean);
    const entries = lines.map((line) => JSON.parse(line)).filter((entry) => entry.pid === pid);
    owned.set(
      name,
      entries.filter(({ msg }) => msg === 'the scheduler owns these partitions now').at(-1)?.partitions ?? [],
    );
  }
  return owned;
}
