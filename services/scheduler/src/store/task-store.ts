import { ServiceError, show } from '@rigel/contracts';
import {
  asVersionConflict,
  chunksOfStream,
  keepAnswer,
  lockHistory,
  type MetaAppend,
  type RecordedEvent,
  recordedAs,
} from '@rigel/event-store';
import { isDataRefused } from '@rigel/runtime';
import type { Kysely, Transaction } from 'kysely';
import {
  type Commit,
  type EngineStore,
  type OutputPiece,
  type TaskAppend,
  Unstorable,
} from '../engine/ports.js';
import type { FirstIds, HeldRun, NewAppends, TaskRecorder, WantedNode } from '../operations/task-recorder.js';
import {
  type GateDependency,
  streamOf,
  type TaskCreated,
  type TaskEvent,
  taskEventTypes,
} from '../task/events.js';
import type { GateProgress } from '../task/gate.js';
import { describeHolders, type Holder, heldFacts } from '../task/holders.js';
import { changesOf, heldNodes } from '../task/projection.js';
import { nameOf, type TaskState } from '../task/state.js';
import { foldTask } from './fold-task.js';
import { readHolders } from './holders.js';
import { longestPieces } from './output-pieces.js';
import { COMMIT } from './sql/commit.js';
import { CREATE } from './sql/create.js';
import { HELD_RUNS, HOLD } from './sql/holds.js';
import { OCCURRENCE_WITHOUT_TASK, UNFINISHED_OF_SCHEDULES } from './sql/occurrences.js';
import { DROP_OUTPUT, OUTPUT_SIZE } from './sql/output.js';
import { PROGRESS } from './sql/progress.js';
import { run } from './sql/statement.js';
import { ACTIVE_TASKS, EXISTING_TASKS, HOST_KEYS, NEXT_IDS, TASK_OF_RUN } from './sql/tasks.js';
import type { Tables } from './tables.js';

/** The scheduler's PostgreSQL schema, as the engine and the operations need it. */
export class TaskStore implements EngineStore, TaskRecorder {
  private readonly raw: Kysely<unknown>;

  constructor(
    readonly db: Kysely<Tables>,
    /** For commits and new tasks, see `openCommits`. */
    private readonly commits: Kysely<unknown>,
    /** Called after each commit, with the events where they are known; else the relay has to read them. */
    private readonly onRecorded: (events?: readonly RecordedEvent[]) => void,
  ) {
    this.raw = db as unknown as Kysely<unknown>;
  }

  /** Folds a task's stream; undefined when there is none. */
  async load(taskId: number): Promise<TaskState | undefined> {
    return foldTask(this.raw, taskId);
  }

  /** The recorded events of a task. */
  async events(taskId: number): Promise<RecordedEvent<TaskEvent>[]> {
    const events: RecordedEvent<TaskEvent>[] = [];
    for await (const chunk of chunksOfStream(this.raw, taskEventTypes, streamOf(taskId))) {
      for (const event of chunk) events.push(event);
    }
    return events;
  }

  async hostKeys(task: TaskState): Promise<Map<number, string>> {
    const rows = await run(this.raw, HOST_KEYS, { nodes: task.runs.map(({ node }) => node) });
    return new Map(rows.map((row) => [row.node_id, row.host_key]));
  }

  async activeTasks(partitions: readonly number[]): Promise<Map<number, number>> {
    const rows = await run(this.raw, ACTIVE_TASKS, { partitions });
    return new Map(rows.map(({ id, version }) => [id, version]));
  }

  async existing(ids: readonly number[]): Promise<Set<number>> {
    const rows = await run(this.raw, EXISTING_TASKS, { ids });
    return new Set(rows.map(({ id }) => id));
  }

  /** Up to which byte an attempt's output is stored. Pieces are sent one after the other; a gap is what was left out. */
  async outputSize(runId: number, step: number, attempt: number): Promise<number> {
    const [row] = await run(this.raw, OUTPUT_SIZE, { runId, step, attempt });
    return row?.end ?? 0;
  }

  /** Removes what is stored of an attempt's output between its beginning and its end, as whole pieces. */
  async dropOutput(
    { runId, step, attempt }: Pick<OutputPiece, 'runId' | 'step' | 'attempt'>,
    [from, to]: readonly [from: number, to: number],
  ): Promise<void> {
    await run(this.raw, DROP_OUTPUT, { runId, step, attempt, from, to });
  }

  /** How far the runs of these tasks are, as the tables say; a task that does not exist is absent. */
  async progressOf(dependencies: readonly GateDependency[]): Promise<GateProgress[]> {
    return run(this.raw, PROGRESS, { dependencies });
  }

  /**
   * Makes a group of decisions durable, all of it or nothing: one prepared statement, which is its own transaction.
   * @throws VersionConflict when another writer was faster; Unstorable
   */
  async commit({ appends, outputs, now }: Commit): Promise<void> {
    const streams = appends.map(streamAppend);
    const parameters = { streams, now, changes: changesOf(appends), pieces: longestPieces(outputs) };
    let base: number | undefined;
    try {
      const [row] = await run(this.commits, COMMIT, parameters);
      base = row?.base;
    } catch (error) {
      if (isDataRefused(error)) throw new Unstorable(error.message, { cause: error });
      throw asVersionConflict(error, streams);
    }
    if (appends.length > 0 && base !== undefined)
      this.onRecorded(recordedAs(taskEventTypes, streams, base, now));
  }

  /**
   * Records new tasks, each with its runs and the holds on its nodes, all or none. Their ids rise in the order of commits.
   * @throws ServiceError `in_use` naming nodes that are held; `wrong_state` when the occurrence of a schedule that leads to
   *   a task has its outcome already; KeyTaken when they were made under the same key meanwhile.
   */
  async create(wanted: NewAppends, now: number): Promise<TaskState[]> {
    const { tasks, streams, base } = await this.commits.transaction().execute(async (trx) => {
      const appends = wanted.make(await nextIds(trx, wanted));
      const tasks = appends.map(({ task }) => task);
      const streams = appends.map(streamAppend);
      const { kept } = wanted;
      // Every call that makes tasks takes ids first, so that one under the same key has come to its end by here.
      if (kept) await keepAnswer(trx, kept.once, kept.answer(tasks.map(({ id }) => id)));
      if (tasks.some(({ created }) => created.occurrence)) await lockHistory(trx);
      for (const { created } of tasks) {
        await assertFiring(trx, created);
        await assertAlone(trx, created);
      }
      const { base, taken } = await insert(trx, streams, tasks, now);
      const nodes = tasks.flatMap(heldNodes);
      if (taken < nodes.length) await refuseHeld(trx, tasks, nodes, now);
      return { tasks, streams, base };
    });
    this.onRecorded(recordedAs(taskEventTypes, streams, base, now));
    return tasks;
  }

  /** Takes nodes for a task for a while; returns those that another has, under whatever spelling, and who that is. */
  async reserve(
    wanted: readonly WantedNode[],
    taskId: number,
    ttlMs: number,
    now: number,
  ): Promise<Holder[]> {
    const nodes = [...new Set(wanted.flatMap(({ node, same }) => [node, ...same]))];
    return this.raw.transaction().execute(async (trx) => {
      await lockHistory(trx);
      const held = await hold(trx, { task: taskId, nodes, expiresAt: now + ttlMs, now });
      if (held.length === 0) return [];
      const holders = new Map((await readHolders(trx, held, now)).map((holder) => [holder.node, holder]));
      return wanted.flatMap(({ node, same }) => {
        const holder = [node, ...same].map((one) => holders.get(one)).find((one) => one !== undefined);
        return holder ? [{ ...holder, node }] : [];
      });
    });
  }

  /**
   * Takes nodes for a while because they are about to be removed, all or none: a reservation that was made for nothing could not be
   * given back, because another removal may count on it.
   * @throws ServiceError `in_use` naming nodes that tasks hold, and those.
   */
  async reserveForRemoval(nodes: number[], ttlMs: number, now: number): Promise<void> {
    await this.raw.transaction().execute(async (trx) => {
      await lockHistory(trx);
      const held = await hold(trx, { task: null, nodes, expiresAt: now + ttlMs, now });
      if (held.length === 0) return;
      const holders = await readHolders(trx, held, now);
      throw new ServiceError('nodes_held', `nodes are held: ${describeHolders(holders)}`, 'nodes', {
        data: heldFacts(holders),
      });
    });
  }

  async taskOfRun(runId: number): Promise<number | undefined> {
    const [row] = await run(this.raw, TASK_OF_RUN, { run: runId });
    return row?.task_id;
  }

  heldRuns(nodes: number[]): Promise<HeldRun[]> {
    return run(this.raw, HELD_RUNS, { nodes });
  }
}

function streamAppend({ task, events, expectedVersion, meta }: TaskAppend): MetaAppend<TaskEvent> {
  return { stream: streamOf(task.id), expectedVersion, events, meta };
}

/** Takes ids. Before the lock of the history, as every transaction that takes both. */
async function nextIds(trx: Transaction<unknown>, { tasks, runs }: NewAppends): Promise<FirstIds> {
  const [first] = await run(trx, NEXT_IDS, { tasks, runs });
  if (!first) throw new Error('the counters of tasks and runs are gone');
  return first;
}

async function insert(
  trx: Transaction<unknown>,
  streams: readonly MetaAppend<TaskEvent>[],
  tasks: readonly TaskState[],
  now: number,
): Promise<{ base: number; taken: number }> {
  try {
    const [row] = await run(trx, CREATE, { streams, tasks, now });
    return row as { base: number; taken: number };
  } catch (error) {
    throw asVersionConflict(error, streams);
  }
}

/** @throws ServiceError `in_use` naming the nodes that others than these tasks hold, and who. */
async function refuseHeld(
  trx: Transaction<unknown>,
  tasks: readonly TaskState[],
  nodes: readonly number[],
  now: number,
): Promise<never> {
  const own = new Set(tasks.map(({ id }) => id));
  const others = (await readHolders(trx, nodes, now)).filter(({ task }) => !task || !own.has(task.task_id));
  // A machine that another task holds under two spellings is named once, as that task knows it.
  const known = others.filter(({ ip, task }) => ip !== undefined || !task);
  const holders = known.length > 0 ? known : others;
  const names = namesOf(tasks);
  const held = describeHolders(holders, ({ node }) => names.get(node) ?? `node ${node}`);
  throw new ServiceError('nodes_held', `nodes are held: ${held}`, 'nodes', { data: heldFacts(holders) });
}

/** What people know the nodes of tasks by, also those that are held as other spellings of a machine. */
function namesOf(tasks: readonly TaskState[]): Map<number, string> {
  const names = new Map<number, string>();
  for (const { runs, created } of tasks) {
    for (const run of runs) {
      names.set(run.node, nameOf(run));
      for (const { node, ip } of created.nodes[run.index]?.same ?? [])
        names.set(node, `${nameOf(run)} (the same machine as node ${node}, ${ip})`);
    }
  }
  return names;
}

/**
 * A task of a schedule may be made while its occurrence fires, and not once that has an outcome: a scheduler that stood still may try
 * to. Under the lock of the history, which a scheduler that records an outcome takes too.
 */
async function assertFiring(trx: Transaction<unknown>, { occurrence, pool }: TaskCreated): Promise<void> {
  if (!occurrence) return;
  const [row] = await run(trx, OCCURRENCE_WITHOUT_TASK, { ...occurrence, pool: pool.id });
  if (row?.outcome === 'firing') return;
  const due = new Date(occurrence.due).toISOString();
  throw new ServiceError(
    'wrong_state',
    `the occurrence of scheduled task ${occurrence.schedule} at ${due} has its outcome already`,
  );
}

/** Of two scheduled tasks that set the same pool at once, the second looks at the pool again when the first is done. */
async function assertAlone(trx: Transaction<unknown>, { occurrence, pool }: TaskCreated): Promise<void> {
  if (!occurrence) return;
  const { schedule } = occurrence;
  const [other] = await run(trx, UNFINISHED_OF_SCHEDULES, { pool: pool.id, schedule });
  if (other)
    throw new ServiceError('unavailable', `task ${other.id} of a schedule works on pool ${show(pool.name)}`);
}

/** Takes nodes for a while, see `HOLD`; returns those that another has. */
async function hold(
  trx: Transaction<unknown>,
  wanted: { task: number | null; nodes: number[]; expiresAt: number; now: number },
): Promise<number[]> {
  const rows = await run(trx, HOLD, wanted);
  const taken = new Set(rows.map(({ node_id }) => node_id));
  return wanted.nodes.filter((node) => !taken.has(node));
}
