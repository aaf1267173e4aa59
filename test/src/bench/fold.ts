import { performance } from 'node:perf_hooks';
import { append, historyOf } from '@rigel/event-store';
import { verifyHistory } from '@rigel/event-store/maintenance';
import { openDatabase } from '@rigel/runtime/database';
import { schedulerHistory, taskAt } from '@rigel/scheduler/maintenance';
import { silentLogger, startTestServers } from '@rigel/testing';
import { type Kysely, sql } from 'kysely';
import { type BenchReport, type Figure, print } from './report.js';

const WRITTEN = 5_000;
const NODES = 10_000;
const SMALL_NODES = 10;
const meta = { correlationId: 'bench', actor: 'bench' };

interface Fact {
  type: string;
  data: object;
}

/** The events of a task over so many nodes, each doing so many steps. */
function* eventsOf(nodes: number, steps: number, firstRunId: number): Generator<Fact> {
  const step = (_: unknown, index: number) => ({
    name: `step-${index}`,
    kind: 'remote',
    param_values: {},
    retry: { retry_times: 0, ignore_error: false },
    actions: [],
    capability: 'ssh',
    timeout_ms: 600_000,
  });
  const indexes = Array.from({ length: nodes }, (_, index) => index);
  const created = {
    uuid: '00000000-0000-4000-8000-000000000001',
    correlationId: 'bench',
    name: 'bench',
    template: { id: 1, name: 'bench' },
    pool: { id: 1, name: 'bench' },
    steps: Array.from({ length: steps }, step),
    nodes: indexes.map((index) => ({ node: firstRunId + index, ip: `10.0.0.${index}`, vm: '' })),
    firstRunId,
    batchSize: nodes,
    timeoutMs: 0,
    failureBudget: null,
    retryDelayMs: 0,
    operator: 'bench',
    flowType: 'manual',
    unusedParams: [],
  };
  yield { type: 'TaskCreated', data: created };
  yield { type: 'TaskStarted', data: { operator: 'bench', deadline: null, runs: null } };
  yield {
    type: 'BatchStarted',
    data: { batch: 0, runs: indexes, nodes: created.nodes.map(({ node }) => node) },
  };
  for (const run of indexes) yield { type: 'RunClaimed', data: { run, executor: 'executor-1', lease: 1 } };
  for (let done = 0; done < steps; done++) {
    for (const run of indexes) {
      const data = { run, step: done, attempt: 1, exitCode: 0, startedAt: 1, finishedAt: 2 };
      yield { type: 'AttemptSucceeded', data };
    }
  }
  for (const run of indexes) yield { type: 'RunSucceeded', data: { run, node: firstRunId + run } };
  yield { type: 'BatchFinished', data: { batch: 0, succeeded: nodes, failed: 0 } };
  yield { type: 'TaskFinished', data: { state: 2, reason: 'completed' } };
}

/** Appends a task's events. @returns how many. */
async function write(db: Kysely<unknown>, id: number, facts: Iterable<Fact>): Promise<number> {
  let version = 0;
  let chunk: Fact[] = [];
  const flush = async (): Promise<void> => {
    const stream = { stream: `task-${id}`, expectedVersion: version, events: chunk, meta };
    await db.transaction().execute((trx) => append(trx, schedulerHistory.types, [stream], Date.now()));
    version += chunk.length;
    chunk = [];
  };
  for (const fact of facts) {
    chunk.push(fact);
    if (chunk.length === WRITTEN) await flush();
  }
  if (chunk.length > 0) await flush();
  return version;
}

/**
 * How long it takes to fold a history through the real store, as one stream and as many: whether the start of a replica,
 * or a look into the past, needs snapshots.
 * @param args the number of events, 1,000,000 when absent.
 */
export async function foldBenchmark(args: string[]): Promise<BenchReport> {
  const wanted = Number(args[0] ?? 1_000_000);
  if (!Number.isSafeInteger(wanted) || wanted < 1)
    throw new Error(`fold: '${args[0]}' is not a number of events`);
  const figures: Figure[] = [];
  const record = async (...what: Parameters<typeof timed>): Promise<void> => {
    figures.push(await timed(...what));
  };
  const servers = await startTestServers();
  const db = await openDatabase<unknown>({
    url: servers.databaseUrl,
    schema: 'scheduler',
    migrations: schedulerHistory.migrations,
    log: silentLogger,
    signal: new AbortController().signal,
  });
  try {
    print(`fold: ${wanted} events`);
    const steps = Math.max(1, Math.round(wanted / NODES) - 2);
    const large = await write(db, 1, eventsOf(NODES, steps, 1));
    const peak = process.memoryUsage().rss;
    await record(`one task over ${NODES} nodes`, large, () => taskAt(db, 1, 'now', 0));
    print(`  memory ${Math.round((process.memoryUsage().rss - peak) / 1e6)} MB more than before`);
    await record('the same history by position, not folded', large, async () => {
      const history = historyOf(db, schedulerHistory.types);
      for (let position = 0; position < large; position += WRITTEN) await history.after(position, WRITTEN);
    });
    await record('verify', large, () =>
      verifyHistory(db, schedulerHistory, { headOf: async () => large, onDifference: () => undefined }),
    );
    await sql`TRUNCATE events`.execute(db);
    await sql`UPDATE event_head SET position = 0`.execute(db);

    let small = 0;
    let id = 0;
    for (; small < wanted / 10; id++) {
      small += await write(db, id + 1, eventsOf(SMALL_NODES, 3, id * SMALL_NODES + 1));
    }
    await record(`${id} tasks over ${SMALL_NODES} nodes, one after the other`, small, async () => {
      for (let task = 1; task <= id; task++) await taskAt(db, task, 'now', 0);
    });
    return { figures, skipped: [] };
  } finally {
    await db.destroy();
    await servers.stop();
  }
}

async function timed(what: string, events: number, work: () => Promise<unknown>): Promise<Figure> {
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  print(`  ${what}: ${events} events in ${seconds.toFixed(2)} s, ${Math.round(events / seconds)} events/s`);
  return { name: what, value: events / seconds, unit: 'events/s' };
}
