import { PARTITIONS, PRIVATE_EVENTS, ServiceError } from '@rigel/contracts';
import {
  BEGINNING,
  type Checkpoint,
  type Cursor,
  type History,
  type KeptAnswer,
  type KeptAnswers,
  KeyTaken,
  type RecordedEvent,
  VersionConflict,
} from '@rigel/event-store';
import {
  type Commit,
  changesOf,
  type EngineStore,
  evolve,
  type GateDependency,
  type GateProgress,
  type Holder,
  heldNodes,
  longestPieces,
  type Run,
  runRows,
  streamOf,
  type TaskAppend,
  type TaskCreated,
  type TaskEvent,
  type TaskRecorder,
  type TaskState,
  taskRow,
  type WantedNode,
} from '@rigel/scheduler';
import type { Random } from '../support/random.js';
import type { Host } from './host.js';
import type { Timeline } from './timeline.js';

type Row = Record<string, unknown> & { id: number };

/** What the simulated database can be made to do wrong, to see whether anybody notices. */
export interface StoreDefects {
  /** Positions are taken when a transaction begins, not in the order in which transactions end. */
  earlyPositions?: boolean;
  /** Expected versions are not looked at. */
  noVersionCheck?: boolean;
  /** Answers to requests under a key are kept after the transaction of what was made, and not in it. */
  lateKeys?: boolean;
}

/** Told of each transaction at the moment when it is committed. */
export type OnCommit = (events: readonly RecordedEvent<TaskEvent>[]) => void;

const isPublished = ({ type }: { type: string }): boolean => !PRIVATE_EVENTS.scheduler.includes(type);

const copy = <T>(value: T): T => (value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T));

class ConnectionError extends Error {
  readonly code = 'ECONNREFUSED';
}

/** A transaction as it arrives: all that it says was put into words when it was sent. */
interface Transaction {
  appends: { taskId: number; events: TaskEvent[]; expectedVersion: number; meta: TaskAppend['meta'] }[];
  now: number;
  apply: () => void;
  /** The events with their places, once it is committed. */
  recorded?: RecordedEvent<TaskEvent>[];
}

/**
 * The scheduler's PostgreSQL schema as the engine sees it: transactions that happen whole or not at all, whose answers
 * may be lost, on a server that may go away. What the statements write is the real projections' own output.
 */
export class SimulatedDatabase {
  /** The server answers nobody until then. */
  downUntil = 0;
  /** Probability that the connection breaks between a commit and its answer. */
  answerLost = 0;
  /** Goes up when the server is restarted: what was under way is lost with its connection. */
  private generation = 0;
  readonly log: RecordedEvent<TaskEvent>[] = [];
  /** Positions of those that other services are told of. */
  readonly published: number[] = [];
  readonly streams = new Map<string, RecordedEvent<TaskEvent>[]>();
  readonly tasks = new Map<number, Row>();
  readonly runs = new Map<number, Row>();
  readonly holds = new Map<number, { taskId: number | null; expiresAt: number | null }>();
  /** `run/step/attempt` to the pieces of its output by their first byte. */
  readonly outputs = new Map<string, Map<number, Buffer>>();
  /** Answers to requests under a key. */
  private readonly kept = new Map<string, KeptAnswer>();
  private readonly hostKeys = new Map<number, string>();
  /** Where the consumer stands, in its own database. */
  private followed: Cursor = BEGINNING;
  private readonly counters = { task: 0, run: 0 };
  private lastPosition = 0;

  constructor(
    private readonly timeline: Timeline,
    private readonly random: Random,
    private readonly onCommit: OnCommit,
    private readonly defects: StoreDefects,
  ) {}

  get now(): number {
    return this.timeline.now;
  }

  /** The server dies and comes back. */
  restart(ms: number): void {
    this.generation++;
    this.downUntil = this.timeline.now + ms;
  }

  /** What a task's events come to. */
  fold(taskId: number): TaskState | undefined {
    let state: TaskState | undefined;
    for (const { type, data, recordedAt } of this.streams.get(streamOf(taskId)) ?? []) {
      state = evolve(state, copy({ type, data }) as TaskEvent, taskId, recordedAt);
    }
    return state;
  }

  private progressOf({ task, step, stepName }: GateDependency): GateProgress[] {
    const state = this.fold(task);
    if (!state) return [];
    const ended = state.endReason !== '';
    const failed = state.runs.filter(
      (run) => run.step <= step && (run.verdict === 'failed' || ended) && !this.passedLater(run, stepName),
    );
    const behind = ended
      ? 0
      : state.runs.filter((run) => run.step <= step && run.verdict !== 'failed').length;
    const standing = ended ? 'ended' : state.status === 'paused' ? 'paused' : 'running';
    return [{ task, behind, failed: failed.map(({ node, ip }) => ({ node, ip })), standing }];
  }

  /** Whether a later task has taken a run's node past a step of this name. */
  private passedLater({ id, node }: Run, stepName: string): boolean {
    return [...this.tasks.keys()].some((other) => {
      const task = this.fold(other);
      const passed = (run: Run): boolean =>
        task?.created.steps.slice(0, run.step).some(({ name }) => name === stepName) ?? false;
      return task?.runs.some((run) => run.node === node && run.id > id && passed(run));
    });
  }

  /** The store as one process has it. `onRecorded` is called when a commit of its own was answered, as the real one does. */
  connect(host: Host, onRecorded: (events?: readonly RecordedEvent[]) => void): EngineStore & TaskRecorder {
    const query = <T>(work: () => T): Promise<T> => this.query(host, work);
    const transact = async (transaction: Transaction): Promise<void> => {
      await this.transact(host, transaction);
      onRecorded(transaction.recorded && copy(transaction.recorded));
    };
    return {
      load: (taskId) => query(() => this.fold(taskId)),
      hostKeys: (task) =>
        query(() => {
          const known = task.runs.flatMap(({ node }): [number, string][] => {
            const key = this.hostKeys.get(node);
            return key === undefined ? [] : [[node, key]];
          });
          return new Map(known);
        }),
      activeTasks: (partitions) =>
        query(
          () =>
            new Map(
              [...this.tasks.values()]
                .filter(({ id, active }) => active === true && partitions.includes(id % PARTITIONS))
                .map(({ id, version }) => [id, Number(version)]),
            ),
        ),
      existing: (ids) => query(() => new Set(ids.filter((id) => this.tasks.has(id)))),
      outputSize: (runId, step, attempt) => query(() => this.output(runId, step, attempt).length),
      progressOf: (dependencies) => query(() => dependencies.flatMap((one) => this.progressOf(one))),
      commit: (commit) => transact(this.transactionOf(commit)),
      create: async ({ tasks, runs, make, kept }, now) => {
        const first = await query(() => {
          const { task, run } = this.counters;
          this.counters.task += tasks;
          this.counters.run += runs;
          return { task: task + 1, run: run + 1 };
        });
        const appends = make(first);
        const answer = kept && {
          key: kept.once.key,
          request: kept.once.request,
          answer: kept.answer(appends.map(({ task }) => task.id)),
        };
        const late = this.defects.lateKeys ? answer : undefined;
        await transact(this.creationOf(appends, now, late ? undefined : answer));
        if (late) await query(() => this.kept.set(late.key, late));
        return appends.map(({ task }) => task);
      },
      reserve: (wanted, taskId, ttlMs, now) => query(() => this.reserve(wanted, taskId, now + ttlMs, now)),
      reserveForRemoval: async () => {
        throw new Error('the removal of nodes is not simulated');
      },
      heldRuns: async () => {
        throw new Error('the removal of nodes is not simulated');
      },
      taskOfRun: (runId) => query(() => this.taskOfRun(runId)),
    };
  }

  /** Answers kept under keys, as a process finds them. No story is long enough for one to be forgotten. */
  answers(host: Host): KeptAnswers {
    return {
      find: (key) => this.query(host, () => copy(this.kept.get(key))),
      removeExpired: async () => 0,
    };
  }

  history(host: Host): History {
    return {
      head: () => this.query(host, () => this.lastPosition),
      after: (position, limit) =>
        this.query(host, () => {
          const events = this.log.filter((event) => event.position > position);
          return copy(events.sort((a, b) => a.position - b.position).slice(0, limit));
        }),
    };
  }

  /** A consumer's own database: what it was told, in the transaction that moves its checkpoint. */
  checkpoint(host: Host, seen: number[]): Checkpoint {
    let written = BEGINNING;
    return {
      read: async () => {
        written = await this.query(host, () => this.followed);
        return written;
      },
      advance: async (to, events) => {
        await this.query(host, () => {
          if (this.followed.event !== written.event) throw new Error('the checkpoint has moved');
          seen.push(...events.filter(isPublished).map(({ position }) => position));
          this.followed = to;
        });
        written = to;
      },
      // The simulated database is never restored.
      goBack: async (to) => {
        throw new Error(`the checkpoint went back to ${to.position}`);
      },
    };
  }

  /** Stored output of an attempt, as far as it has no gap. */
  output(runId: number, step: number, attempt: number): Buffer {
    const pieces = [...(this.outputs.get(`${runId}/${step}/${attempt}`) ?? [])].sort(([a], [b]) => a - b);
    let stored = Buffer.alloc(0);
    for (const [start, data] of pieces) {
      if (start > stored.length) break;
      if (start + data.length > stored.length) stored = Buffer.concat([stored.subarray(0, start), data]);
    }
    return stored;
  }

  private latency(): number {
    return this.answerLost > 0 && this.random.chance(0.02)
      ? this.random.integer(20, 2_000)
      : this.random.integer(0, 4);
  }

  private check(generation: number): void {
    if (generation !== this.generation || this.downUntil > this.timeline.now) {
      throw new ConnectionError('Connection terminated unexpectedly');
    }
  }

  private async query<T>(host: Host, work: () => T): Promise<T> {
    const { generation } = this;
    const result = await host.ask({ there: this.latency(), back: this.latency() }, () => {
      this.check(generation);
      return work();
    });
    this.check(generation);
    return result;
  }

  private async transact(host: Host, transaction: Transaction): Promise<void> {
    const { generation } = this;
    const early = this.defects.earlyPositions ? this.takePositions(transaction) : undefined;
    await host.ask({ there: this.latency() + (early ? 20 : 0), back: this.latency() }, () => {
      this.check(generation);
      this.commit(transaction, early);
    });
    this.check(generation);
    if (this.random.chance(this.answerLost)) throw new ConnectionError('Connection terminated unexpectedly');
  }

  private takePositions({ appends }: Transaction): number {
    const first = this.lastPosition + 1;
    for (const { events } of appends) this.lastPosition += events.length;
    return first;
  }

  /** All of a transaction, in one moment. */
  private commit(transaction: Transaction, early: number | undefined): void {
    const { appends, now, apply } = transaction;
    if (!this.defects.noVersionCheck) {
      const versions = new Map<string, number>();
      for (const { taskId, events, expectedVersion } of appends) {
        const stream = streamOf(taskId);
        const version = versions.get(stream) ?? this.streams.get(stream)?.length ?? 0;
        if (version !== expectedVersion) {
          throw new VersionConflict(`${stream} is at ${version}, not at ${expectedVersion}`);
        }
        versions.set(stream, version + events.length);
      }
    }
    apply();
    const firstPosition = early ?? this.takePositions(transaction);
    const recorded: RecordedEvent<TaskEvent>[] = [];
    for (const { taskId, events, meta } of appends) {
      const stream = streamOf(taskId);
      const history = this.streams.get(stream) ?? [];
      this.streams.set(stream, history);
      for (const event of events) {
        const record = {
          ...event,
          position: firstPosition + recorded.length,
          stream,
          version: history.length + 1,
          schema: 1,
          meta,
          recordedAt: now,
        } as RecordedEvent<TaskEvent>;
        recorded.push(record);
        history.push(record);
      }
    }
    this.log.push(...recorded);
    this.published.push(...recorded.filter(isPublished).map(({ position }) => position));
    transaction.recorded = recorded;
    this.onCommit(recorded);
  }

  private transactionOf({ appends, outputs, now }: Commit): Transaction {
    const changes = copy(changesOf(appends));
    const pieces = longestPieces(outputs).map((piece) => ({ ...piece, data: Buffer.from(piece.data) }));
    return {
      appends: this.inWords(appends),
      now,
      apply: () => {
        for (const row of changes.tasks as Row[]) this.merge(this.tasks, row);
        for (const row of changes.runs as Row[]) this.merge(this.runs, row);
        for (const { node_id, host_key } of changes.host_keys) {
          if (!this.hostKeys.has(node_id)) this.hostKeys.set(node_id, host_key);
        }
        for (const [node, hold] of this.holds) {
          if (hold.taskId === null) continue;
          const { taskId } = hold;
          if (changes.holding.some((h) => h.task_id === taskId && h.nodes.includes(node)))
            hold.expiresAt = null;
          const ended = changes.ended.find(({ task_id }) => task_id === hold.taskId);
          if (ended && !ended.nodes.includes(node)) this.holds.delete(node);
        }
        for (const { runId, step, attempt, start, data } of pieces) {
          const key = `${runId}/${step}/${attempt}`;
          const stored = this.outputs.get(key) ?? new Map<number, Buffer>();
          this.outputs.set(key, stored);
          if ((stored.get(start)?.length ?? -1) < data.length) stored.set(start, data);
        }
      },
    };
  }

  private creationOf(
    appends: TaskAppend[],
    now: number,
    answer: (KeptAnswer & { key: string }) | undefined,
  ): Transaction {
    const created = appends.map(({ task }) => ({
      task: copy(taskRow(task)),
      runs: copy(runRows(task, task.runs.keys())),
      nodes: heldNodes(task),
    }));
    return {
      appends: this.inWords(appends),
      now,
      apply: () => {
        if (answer && this.kept.has(answer.key)) throw new KeyTaken();
        for (const { task, nodes } of created) {
          const held = nodes.filter((node) => {
            const hold = this.holds.get(node);
            return hold && (hold.expiresAt === null || hold.expiresAt >= now);
          });
          if (held.length > 0)
            throw new ServiceError('in_use', `task ${task.id}: nodes ${held} are held`, 'nodes');
        }
        for (const { task, runs, nodes } of created) {
          this.hold(nodes, task.id, null, now);
          this.tasks.set(task.id, task);
          for (const row of runs) this.runs.set(row.id, row);
        }
        if (answer) this.kept.set(answer.key, answer);
      },
    };
  }

  private taskOfRun(runId: number): number | undefined {
    for (const events of this.streams.values()) {
      const [first] = events;
      if (first?.type !== 'TaskCreated') continue;
      const { firstRunId, nodes } = first.data as TaskCreated;
      if (runId >= firstRunId && runId < firstRunId + nodes.length)
        return Number(first.stream.slice('task-'.length));
    }
    return undefined;
  }

  private inWords(appends: readonly TaskAppend[]): Transaction['appends'] {
    return appends.map(({ task, events, expectedVersion, meta }) => ({
      taskId: task.id,
      events: copy(events),
      expectedVersion,
      meta,
    }));
  }

  private merge(table: Map<number, Row>, row: Row): void {
    table.set(row.id, { ...table.get(row.id), ...row });
  }

  /** Reserves nodes with the other spellings of their machines; returns those that somebody else holds. */
  private reserve(wanted: readonly WantedNode[], taskId: number, expiresAt: number, now: number): Holder[] {
    const nodes = [...new Set(wanted.flatMap(({ node, same }) => [node, ...same]))];
    const held = new Set(this.hold(nodes, taskId, expiresAt, now));
    return wanted
      .filter(({ node, same }) => [node, ...same].some((one) => held.has(one)))
      .map(({ node }) => ({ node, ip: undefined, task: null }));
  }

  /** Holds nodes where nobody does; returns those that somebody else holds. */
  private hold(nodes: number[], taskId: number, expiresAt: number | null, now: number): number[] {
    return nodes.filter((node) => {
      const hold = this.holds.get(node);
      const free = !hold || (hold.expiresAt !== null && hold.expiresAt < now) || hold.taskId === taskId;
      // A hold for good that the same task has already stays one.
      if (free && hold?.taskId !== taskId) this.holds.set(node, { taskId, expiresAt });
      else if (free && hold?.expiresAt !== null) this.holds.set(node, { taskId, expiresAt });
      return !free;
    });
  }
}
