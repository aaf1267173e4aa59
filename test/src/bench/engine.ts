import { readFile } from 'node:fs/promises';
import { inboxPrefix, WORK_STREAM } from '@rigel/contracts';
import { connect, type NatsConnection } from 'nats';
import pg from 'pg';
import { measureSpeed } from './machine.js';
import { nodeCount } from './node-count.js';
import { type NoopRig, runTask, STEPS, startNoopRig } from './noop-rig.js';
import { measureDbos } from './peers/dbos.js';
import { installPeers, PeersUnavailable } from './peers/install.js';
import type { PeerResult } from './peers/measure.js';
import { CALLER, measureRestate } from './peers/restate.js';
import { usageOf } from './process-usage.js';
import { type BenchReport, type Figure, median, print } from './report.js';

const NODES = 10_000;
/**
 * Tasks before each that is measured, straight before it: V8 has compiled what is hot only then, and throws it away again when a
 * process has had nothing to do for a while, as ours while the others are measured.
 */
const WARM_UP_TASKS = 2;
/** A slow moment of the machine must not look like a slow system: the systems take turns. */
const ROUNDS = 3;
/** Runs of a compared system at most; it is its rate that is compared. */
const PEER_RUNS = 10_000;
const GOAL_STEPS_PER_SECOND = 8_000;

/**
 * Node runs × 3 steps that do nothing, every step durable before the next: what the engine itself costs. In the same run,
 * in turns with it, DBOS Transact (on the same PostgreSQL server) and Restate do the same number of runs of three steps
 * that do nothing, durable step by step too.
 */
export async function benchEngine(args: string[]): Promise<BenchReport> {
  const count = nodeCount(args, NODES);
  print(`engine: ${count} node runs x ${STEPS} steps that do nothing`);
  const skipped: string[] = [];
  const peers = await installPeers().catch((error: unknown) => {
    if (!(error instanceof PeersUnavailable)) throw error;
    skipped.push(`the comparison with others: ${error.message}`);
    return undefined;
  });
  const noop = await startNoopRig(count);
  const readings = await Readings.open(noop);
  try {
    const rounds: Round[] = [];
    const round = async (): Promise<void> => {
      for (let task = 0; task < WARM_UP_TASKS; task++) await runTask(noop, noop.nodes);
      rounds.push(await measureRound(noop, readings));
      printRound(rounds.length, rounds.at(-1) as Round);
    };
    const results: Record<string, PeerResult> = {};
    const runs = Math.min(count, PEER_RUNS);
    await round();
    if (peers) {
      const postgres = noop.rig.stack.processes.find(({ name }) => name === 'postgres');
      results['DBOS Transact'] = await measureDbos(
        peers.folder,
        { url: noop.rig.stack.databaseUrl, pid: postgres?.pid ?? 0 },
        runs,
      );
    }
    await round();
    if (peers) results.Restate = await measureRestate(peers.folder, runs);
    while (rounds.length < ROUNDS) await round();
    return { figures: [...ownFigures(rounds), ...peerFigures(rounds, results)], skipped };
  } finally {
    await readings.close();
    await noop.rig.stop();
  }
}

/** What is read before and after a round. */
interface Reading {
  cpu: Map<string, number>;
  events: number;
  eventBytes: number;
  wal: number;
  /** Messages that JetStream has taken into the work stream. */
  messages: number;
  /** Bytes that the NATS server has written to its files. */
  natsBytes: number;
}

class Readings {
  private constructor(
    private readonly noop: NoopRig,
    private readonly database: pg.Client,
    private readonly nats: NatsConnection,
  ) {}

  static async open(noop: NoopRig): Promise<Readings> {
    const { stack } = noop.rig;
    const database = new pg.Client({ connectionString: stack.databaseUrl });
    await database.connect();
    const passwordFile = stack.natsUsers?.natsPasswordFile('scheduler');
    const login = passwordFile
      ? {
          user: 'scheduler',
          pass: await readFile(passwordFile, 'utf8'),
          inboxPrefix: inboxPrefix('scheduler'),
        }
      : {};
    return new Readings(noop, database, await connect({ servers: stack.natsUrl, ...login }));
  }

  async close(): Promise<void> {
    await this.nats.close();
    await this.database.end();
  }

  async take(): Promise<Reading> {
    const { rows } = await this.database.query(
      `SELECT count(*)::int AS events, coalesce(sum(pg_column_size(e.*)), 0)::bigint AS bytes,
         pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS wal FROM scheduler.events e`,
    );
    const manager = await this.nats.jetstreamManager({ checkAPI: false });
    const { state } = await manager.streams.info(WORK_STREAM);
    const cpu = new Map<string, number>();
    let natsBytes = 0;
    for (const { name, pid } of this.noop.rig.stack.processes) {
      if (pid === undefined) throw new Error(`${name} does not run`);
      const usage = await usageOf(pid);
      cpu.set(name, usage.cpu);
      if (name === 'nats') natsBytes = usage.written;
    }
    return {
      cpu,
      events: rows[0].events,
      eventBytes: Number(rows[0].bytes),
      wal: Number(rows[0].wal),
      messages: state.last_seq,
      natsBytes,
    };
  }
}

/** One round, for each node-step. */
interface Round {
  stepsPerSecond: number;
  /** CPU µs by process. */
  cpu: Map<string, number>;
  events: number;
  eventBytes: number;
  walBytes: number;
  messages: number;
  jetStreamBytes: number;
  /** How fast the machine was just before. */
  speed: number;
}

async function measureRound(noop: NoopRig, readings: Readings): Promise<Round> {
  const speed = measureSpeed();
  const before = await readings.take();
  const seconds = await runTask(noop, noop.nodes);
  const after = await readings.take();
  const steps = noop.nodes.length * STEPS;
  const cpu = new Map<string, number>();
  for (const [name, used] of after.cpu) cpu.set(name, ((used - (before.cpu.get(name) ?? 0)) / steps) * 1e6);
  return {
    stepsPerSecond: steps / seconds,
    cpu,
    events: (after.events - before.events) / steps,
    eventBytes: (after.eventBytes - before.eventBytes) / steps,
    walBytes: (after.wal - before.wal) / steps,
    messages: (after.messages - before.messages) / steps,
    jetStreamBytes: (after.natsBytes - before.natsBytes) / steps,
    speed,
  };
}

const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);

function printRound(number: number, { stepsPerSecond, cpu, speed }: Round): void {
  const parts = [...cpu].map(([name, micros]) => `${name} ${Math.round(micros)}`).join(', ');
  print(
    `  Rigel, round ${number}: ${Math.round(stepsPerSecond)} node-steps/s (the machine: ${speed} SHA-256/ms); ` +
      `CPU µs per node-step: ${Math.round(sum(cpu.values()))} (${parts})`,
  );
}

function ownFigures(rounds: readonly Round[]): Figure[] {
  const middle = (pick: (round: Round) => number) => median(rounds.map(pick));
  const names = [...(rounds[0]?.cpu.keys() ?? [])];
  const each = 'per node-step';
  return [
    {
      name: 'node-steps',
      value: middle(({ stepsPerSecond }) => stepsPerSecond),
      unit: 'per second',
      goal: { atLeast: GOAL_STEPS_PER_SECOND },
    },
    ...names.map((name) => ({
      name: `CPU ${name}`,
      value: middle(({ cpu }) => cpu.get(name) ?? 0),
      unit: `µs ${each}`,
    })),
    { name: 'CPU all', value: middle(({ cpu }) => sum(cpu.values())), unit: `µs ${each}` },
    { name: 'events', value: middle(({ events }) => events), unit: each },
    { name: 'event bytes', value: middle(({ eventBytes }) => eventBytes), unit: each },
    { name: 'WAL bytes', value: middle(({ walBytes }) => walBytes), unit: each },
    { name: 'JetStream messages', value: middle(({ messages }) => messages), unit: each },
    { name: 'JetStream bytes on disk', value: middle(({ jetStreamBytes }) => jetStreamBytes), unit: each },
  ];
}

function peerFigures(rounds: readonly Round[], results: Record<string, PeerResult>): Figure[] {
  const ownRate = median(rounds.map(({ stepsPerSecond }) => stepsPerSecond));
  const ownCpu = median(rounds.map(({ cpu }) => sum(cpu.values())));
  return Object.entries(results).flatMap(([name, { setting, runs, stepsPerSecond, cpu }]) => {
    const counted = sum([...cpu].filter(([process]) => process !== CALLER).map(([, micros]) => micros));
    return [
      { name: `${name}: steps (${runs} runs; ${setting.name})`, value: stepsPerSecond, unit: 'per second' },
      { name: `${name}: CPU`, value: counted, unit: 'µs per step' },
      {
        name: `Rigel's steps/s to ${name}'s`,
        value: ownRate / stepsPerSecond,
        unit: 'times',
        goal: { atLeast: 1 },
      },
      { name: `${name}'s CPU to Rigel's`, value: counted / ownCpu, unit: 'times', goal: { atLeast: 1 } },
    ];
  });
}
