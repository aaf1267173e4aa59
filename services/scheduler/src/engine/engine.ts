import type { Clock } from '@rigel/clock';
import {
  type Capability,
  type ExecutorControl,
  hasKey,
  type Instruction,
  LEASE_TTL_MS,
  partitionOf,
  ServiceError,
  type WorkOffer,
} from '@rigel/contracts';
import type { EventMeta } from '@rigel/event-store';
import type { Logger } from 'pino';
import type { TaskCommand } from '../task/decide.js';
import { streamOf, type TaskEvent } from '../task/events.js';
import type { GateDependency, GateProgress } from '../task/gate.js';
import { handle } from '../task/handle.js';
import { nextInstruction } from '../task/instruction.js';
import { type Sender, whyNotTheirs } from '../task/lease.js';
import { isActive, touchedRuns } from '../task/projection.js';
import { type Commit, type OutputPiece, type TaskAppend, Unstorable } from '../task/read-model.js';
import { needsExecutor, type Run, runAt, type TaskState } from '../task/state.js';
import { Forgeries } from './forgeries.js';
import { Forgotten } from './forgotten.js';
import { withoutKnownHostKey } from './host-keys.js';
import { Leases } from './leases.js';
import { commitDuration, commitSize, type EngineStats } from './metrics.js';
import { Offers } from './offers.js';

/** What the engine needs of the store. */
export interface EngineStore {
  load(taskId: number): Promise<TaskState | undefined>;
  hostKeys(task: TaskState): Promise<Map<number, string>>;
  /** Tasks of these partitions for which something is still to be done: the last version of each. */
  activeTasks(partitions: readonly number[]): Promise<Map<number, number>>;
  /** Which of these tasks there are, ended ones too. */
  existing(taskIds: readonly number[]): Promise<Set<number>>;
  outputSize(runId: number, step: number, attempt: number): Promise<number>;
  /** How far the runs of other tasks are, whoever runs those. */
  progressOf(dependencies: readonly GateDependency[]): Promise<GateProgress[]>;
  commit(commit: Commit): Promise<void>;
}

/** How the engine reaches the executors. Both may lose what they are given. */
export interface EngineWire {
  offer(capability: Capability, offers: WorkOffer[], options: { repeated: boolean }): Promise<void>;
  control(executor: string, control: ExecutorControl): void;
}

/** What a committed command led to. */
export interface Outcome {
  /** For claims and reports: what the executor does next. */
  next?: Instruction;
  /** For claims. */
  claim?: { lease: number; node: number; ip: string; vm: string; hostKey: string | null };
}

/** Commands of executors, under the lease that they name. */
type LeasedCommand = Extract<TaskCommand, { type: 'report' | 'place' | 'handBack' }>;

/** A lease that an executor names, and what it shows of itself. */
interface NamedLease {
  run: number;
  lease: number;
  sender: Sender;
}

interface PendingCommand {
  taskId: number;
  command: TaskCommand | null;
  output: OutputPiece | null;
  /** The lease that it is said under; null: it comes from the schedulers themselves, or is a claim. */
  under: NamedLease | null;
  meta: EventMeta | null;
  resolve: (outcome: Outcome) => void;
  reject: (error: Error) => void;
}

/** A task in memory, with what its execution needs beside its state. */
interface LoadedTask {
  state: TaskState;
  hostKeys: Map<number, string>;
  offers: Offers;
  /** Draining runs, as committed. */
  draining: Set<number>;
  /** Draining runs whose node is looked at again, and when. */
  looks: Map<number, number>;
}

/** Commands committed in one transaction at most. */
const MAX_GROUP = 512;
/**
 * While this many runs are being worked on, a commit waits a moment for the reports of others: each transaction costs
 * much more than a report more in it. With fewer, the moment would only be waiting.
 */
const BUSY_LEASES = 16;
const GATHER_MS = 8;
/** With so many commands there is nothing to wait for. */
const ENOUGH_COMMANDS = 32;
/** Commands waiting at most; beyond it they are refused, and their senders try again. */
const MAX_WAITING = 20_000;
/** Pause between two ticks beyond which this process itself must have stood still. */
const STALL_MS = 4_000;
/** Leases named in one message to an executor at most. */
const CONTROL_CHUNK = 500;

const unavailable = (message: string): ServiceError => new ServiceError('unavailable', message);

/**
 * Runs the tasks of the partitions that this replica owns. Commands queue up while a transaction is under way; all that
 * wait are then decided one after the other on the states in memory and committed together (group commit), and only
 * then answered. If the commit fails, nothing of it has happened: the states are thrown away and folded again from the
 * store when next needed.
 */
export class TaskEngine {
  private readonly tasks = new Map<number, LoadedTask>();
  private readonly loading = new Map<number, Promise<LoadedTask | undefined>>();
  /** Who wants to know when a task is not run here any more, by the task. */
  private readonly watchers = new Map<number, Set<() => void>>();
  private readonly leases: Leases;
  /** Tells of work that this history does not have. */
  readonly forgotten: Forgotten;
  /** Tells of what is said without an executor's key. */
  readonly forgeries: Forgeries;
  private partitions: ReadonlySet<number> = new Set();
  private queue: PendingCommand[] = [];
  private working = false;
  /** The group of commands that is being decided and committed. */
  private processing: Promise<void> | undefined;
  private lastTick = 0;
  private ticking = false;

  constructor(
    private readonly options: {
      store: EngineStore;
      wire: EngineWire;
      clock: Clock;
      log: Logger;
    },
  ) {
    this.leases = new Leases(LEASE_TTL_MS);
    this.forgeries = new Forgeries(options.clock, options.log);
    this.forgotten = new Forgotten({
      clock: options.clock,
      existing: (ids) => options.store.existing(ids),
      release: (executor, leases) => this.sendControl(executor, leases),
      log: options.log,
    });
  }

  /** Numbers for logs and measurements. */
  stats(): EngineStats {
    const now = this.options.clock.now();
    const unclaimed: EngineStats['unclaimed'] = new Map();
    let heldBack = 0;
    for (const { offers, state, draining } of this.tasks.values()) {
      for (const run of draining) if (state.runs[run]?.drain) heldBack++;
      for (const [capability, { runs, since }] of offers.unclaimed()) {
        const known = unclaimed.get(capability) ?? { runs: 0, oldestMs: 0 };
        const oldestMs = Math.max(known.oldestMs, now - since);
        unclaimed.set(capability, { runs: known.runs + runs, oldestMs });
      }
    }
    return {
      tasks: this.tasks.size,
      leases: this.leases.size,
      waiting: this.queue.length,
      heldBack,
      oldestHeartbeatMs: this.leases.oldestHeartbeat(now),
      unclaimed,
    };
  }

  /** The tasks in memory, to be looked at only. None while something is decided that may not come to be recorded. */
  loaded(): TaskState[] {
    if (this.working) return [];
    return [...this.tasks.values()].map(({ state }) => state);
  }

  /**
   * Running tasks whose runs wait, or will have to wait, for other pools. To be looked at only, and to be asked by a command:
   * what is seen here may not come to be recorded.
   */
  gated(): TaskState[] {
    const tasks = [...this.tasks.values()].map(({ state }) => state);
    return tasks.filter(({ created, gateOpen, status }) => created.gate && !gateOpen && status === 'running');
  }

  /**
   * Sets the partitions that this replica owns now; tasks of others are forgotten.
   * @returns when a commit that was under way is over: from then on nothing is recorded for the others.
   */
  async own(partitions: ReadonlySet<number>): Promise<void> {
    this.partitions = partitions;
    for (const id of this.tasks.keys()) if (!partitions.has(partitionOf(id))) this.unload(id);
    await this.processing?.catch(() => undefined);
  }

  /**
   * Takes up the active tasks of the owned partitions that are not in memory yet: after a take-over, or new ones. One
   * that has gone on without this replica is read again: its last owner may have committed once more after it was read
   * here, and nothing else would tell.
   */
  async adopt(): Promise<void> {
    const active = await this.options.store.activeTasks([...this.partitions]);
    for (const [id, version] of active) {
      const loaded = this.tasks.get(id);
      if (loaded && loaded.state.version >= version) continue;
      if (loaded) {
        this.options.log.warn(
          { task: id, version },
          'another replica has gone on with the task, it is read again',
        );
        this.unload(id);
      }
      await this.load(id);
    }
  }

  /** Takes up a task that has just been recorded here, as it was recorded; nothing, where another replica owns it. */
  async take(state: TaskState): Promise<void> {
    if (!this.lacks(state.id)) return;
    await this.loadOnce(state.id, async () => state);
  }

  /** Whether this replica owns the task's partition. */
  owns(taskId: number): boolean {
    return this.partitions.has(partitionOf(taskId));
  }

  /** Whether a task is to be run here that is not in memory and not on its way there. */
  lacks(taskId: number): boolean {
    return this.owns(taskId) && !this.tasks.has(taskId) && !this.loading.has(taskId);
  }

  /**
   * Resolves when a task is not run here any more: it is over, or another replica's, or must be read again because something could
   * not be recorded; or after `timeoutMs`. At once where it is not run here.
   */
  async untilGone(taskId: number, timeoutMs: number): Promise<void> {
    await this.loading.get(taskId)?.catch(() => undefined);
    if (!this.tasks.has(taskId)) return;
    await new Promise<void>((resolve) => {
      const watchers = this.watchers.get(taskId) ?? new Set();
      this.watchers.set(taskId, watchers);
      const done = (): void => {
        callOff();
        watchers.delete(done);
        if (watchers.size === 0) this.watchers.delete(taskId);
        resolve();
      };
      const callOff = this.options.clock.after(timeoutMs, done);
      watchers.add(done);
    });
  }

  /** The task as it stands. @throws ServiceError `not_found`, or `unavailable` when another replica owns it. */
  async task(taskId: number): Promise<TaskState> {
    const loaded = await this.load(taskId);
    if (!loaded) throw new ServiceError('not_found', `there is no task ${taskId}`);
    return loaded.state;
  }

  /** The lease of a run, by its index, and for how long no heartbeat has named it. */
  leaseOf(taskId: number, run: number): { executor: string; silentMs: number } | undefined {
    return this.leases.of(taskId, run, this.options.clock.now());
  }

  /** The offer of a run that waits for an executor; `waiting`: others of the task are offered before it. */
  offerOf(taskId: number, run: number): ReturnType<Offers['of']> {
    return this.tasks.get(taskId)?.offers.of(run);
  }

  /**
   * Decides a command and makes it durable. Resolves when it is committed.
   * @throws ServiceError the refusal, or `unavailable` when it could not be committed.
   */
  submit(
    taskId: number,
    command: Exclude<TaskCommand, LeasedCommand>,
    meta: EventMeta | null,
  ): Promise<Outcome> {
    return this.enqueue({ taskId, command, output: null, under: null, meta });
  }

  /**
   * As `submit`, a command of an executor under a lease that it has.
   * @param sender what the executor shows of itself
   */
  submitLeased(
    taskId: number,
    command: LeasedCommand,
    sender: Sender,
    output: OutputPiece | null = null,
  ): Promise<Outcome> {
    const { run, lease } = command;
    return this.enqueue({ taskId, command, output, under: { run, lease, sender }, meta: null });
  }

  /** Stores a piece of output of a leased run. */
  async storeOutput(taskId: number, under: NamedLease, output: OutputPiece): Promise<void> {
    await this.enqueue({ taskId, command: null, output, under, meta: null });
  }

  /**
   * A heartbeat: leases that it names and that are valid go on; its sender is told of the others.
   * @param executor its sender, who has shown the key of that name
   * @param tasks which tasks it means, by id and uuid; an executor of the release before may leave them out
   */
  heartbeat(
    executor: string,
    named: readonly (readonly [number, number, number])[],
    tasks: readonly (readonly [number, string])[] = [],
  ): void {
    const others = new Set<number>();
    const meant = hasKey(executor) ? new Set(tasks.map(([id]) => id)) : undefined;
    for (const [id, uuid] of tasks) {
      const loaded = this.tasks.get(id);
      if (!loaded || loaded.state.created.uuid === uuid) continue;
      others.add(id);
      this.forgotten.another(id, uuid, executor);
    }
    const now = this.options.clock.now();
    const over: ExecutorControl['leases'] = [];
    const absent: ExecutorControl['leases'] = [];
    for (const [task_id, run_id, lease] of named) {
      const loaded = this.tasks.get(task_id);
      // A task that is not in memory has ended, or is another replica's, or is just being loaded, or never was.
      if (!loaded) {
        if (this.owns(task_id)) absent.push({ task_id, run_id, lease, why: 'lost' });
        continue;
      }
      if (meant && !meant.has(task_id)) continue;
      if (others.has(task_id)) {
        over.push({ task_id, run_id, lease, why: 'lost' });
        continue;
      }
      const index = run_id - loaded.state.created.firstRunId;
      const run = loaded.state.runs[index];
      // A newer lease than any known here was given by another replica: this one stood still and does not know yet.
      if (!run || lease > run.lease) continue;
      const valid = this.leases.renew(task_id, index, lease, executor, now);
      if (!valid) over.push({ task_id, run_id, lease, why: 'lost' });
      // Not its phase: that may be decided and not committed yet.
      else if (loaded.draining.has(index)) over.push({ task_id, run_id, lease, why: 'stop' });
    }
    this.sendControl(executor, over);
    this.forgotten
      .check(executor, absent)
      .catch((error: unknown) => this.options.log.debug({ err: error }, 'tasks could not be looked up'));
  }

  /** Once a second: what is due by time. Nothing happens while the last tick's commands wait for the store. */
  async tick(): Promise<void> {
    if (this.ticking) return;
    this.ticking = true;
    try {
      await this.doWhatIsDue();
    } finally {
      this.ticking = false;
    }
  }

  private async doWhatIsDue(): Promise<void> {
    const now = this.options.clock.now();
    if (this.lastTick > 0 && now - this.lastTick > STALL_MS) {
      this.options.log.warn(
        { stalled_ms: now - this.lastTick },
        'this process stood still, all leases are extended',
      );
      this.leases.extendAll(now);
    }
    this.lastTick = now;
    const due: Promise<unknown>[] = [];
    for (const { taskId, run, lease, executor } of this.leases.expired(now)) {
      this.options.log.warn({ task: taskId, run, executor }, 'lease expired, the run is offered again');
      due.push(this.submit(taskId, { type: 'expireLease', run, lease }, null));
    }
    for (const [id, loaded] of this.tasks) {
      const { deadline } = loaded.state;
      if (deadline !== null && deadline <= now) due.push(this.submit(id, { type: 'timeOut' }, null));
      if (loaded.looks.size > 0) this.lookAgain(id, loaded, now);
      this.makeOffers(id, loaded, loaded.offers.repeated(now), true);
      // Read for a question about the past, or for a command that was refused.
      if (!this.working && !isActive(loaded.state)) this.unload(id);
    }
    const results = await Promise.allSettled(due);
    for (const result of results) {
      if (result.status === 'rejected')
        this.options.log.warn({ err: result.reason }, 'what was due could not be recorded');
    }
  }

  private enqueue(pending: Omit<PendingCommand, 'resolve' | 'reject'>): Promise<Outcome> {
    if (this.queue.length >= MAX_WAITING) return Promise.reject(unavailable('the scheduler is overloaded'));
    return new Promise((resolve, reject) => {
      this.queue.push({ ...pending, resolve, reject });
      if (!this.working) void this.work();
    });
  }

  private async work(): Promise<void> {
    this.working = true;
    try {
      while (this.queue.length > 0) {
        if (this.leases.size >= BUSY_LEASES && this.queue.length < ENOUGH_COMMANDS) {
          await this.options.clock.sleep(GATHER_MS);
        }
        const group = this.queue.splice(0, MAX_GROUP);
        try {
          this.processing = this.process(group);
          await this.processing;
        } catch (error) {
          this.options.log.error({ err: error }, 'a group of commands failed');
          for (const { taskId, reject } of group) {
            this.unload(taskId);
            reject(unavailable('the scheduler could not record it'));
          }
        }
      }
    } finally {
      this.working = false;
    }
  }

  private async process(group: PendingCommand[]): Promise<void> {
    const commit: Commit = { appends: [], outputs: [], now: this.options.clock.now() };
    const answers: (() => void)[] = [];
    const begun = performance.now();
    for (const pending of group) {
      try {
        const outcome = await this.decideOne(pending, commit);
        answers.push(() => pending.resolve(outcome));
      } catch (error) {
        // Answered with the others: what it was refused for may be part of the same commit.
        answers.push(() => pending.reject(error as Error));
      }
    }
    try {
      if (commit.appends.length > 0 || commit.outputs.length > 0) await this.options.store.commit(commit);
    } catch (error) {
      commitDuration.observe({ result: 'failed' }, (performance.now() - begun) / 1_000);
      this.options.log.warn(
        { err: error, commands: group.length },
        'a commit failed, the tasks are read again',
      );
      for (const { task } of commit.appends) this.unload(task.id);
      if (!(error instanceof Unstorable)) {
        for (const { reject } of group) reject(unavailable('the scheduler could not record it'));
        return;
      }
      // One that the database cannot keep must not take the others with it: each is decided again, by itself.
      if (group.length > 1) for (const pending of group) await this.process([pending]);
      else group[0]?.reject(new ServiceError('invalid', `the database cannot keep it: ${error.message}`));
      return;
    }
    commitSize.observe(group.length);
    commitDuration.observe({ result: 'committed' }, (performance.now() - begun) / 1_000);
    for (const answer of answers) answer();
    for (const append of commit.appends) this.follow(append, commit.now);
  }

  /** Decides one command on the state in memory, and adds what it led to to the commit. */
  private async decideOne(pending: PendingCommand, commit: Commit): Promise<Outcome> {
    const { taskId, output, under } = pending;
    const loaded = await this.load(taskId);
    if (!loaded) throw new ServiceError('not_found', `there is no task ${taskId}`);
    const task = loaded.state;
    if (under) this.checkLease(task, under, pending.command);
    const command = withoutKnownHostKey(pending.command, loaded, this.options.log);
    let outcome: Outcome = {};
    if (command) {
      const begun = command.type === 'claim' && runAt(task, command.run).mayRun;
      const outputFrom = begun ? await this.storedOutput(runAt(task, command.run)) : 0;
      const expectedVersion = task.version;
      const events = handle(command, task, commit.now);
      if (events.length > 0) {
        const meta = pending.meta ?? { correlationId: task.created.correlationId, actor: 'scheduler' };
        commit.appends.push({ task, events, expectedVersion, meta });
      }
      outcome = this.outcomeOf(loaded, command, events, commit.now, { begun, outputFrom });
    }
    // The output of a refused report is not stored: handle() has thrown before.
    if (output) commit.outputs.push(output);
    return outcome;
  }

  /**
   * All that executors say under a lease passes here, on the state on which it is decided.
   * @throws ServiceError `wrong_state` when it is somebody else's; for output by itself, which no rule decides, also when it is over
   */
  private checkLease(
    task: TaskState,
    { run: index, lease, sender }: NamedLease,
    command: TaskCommand | null,
  ): void {
    const run = runAt(task, index);
    const notTheirs = whyNotTheirs(run, lease, sender);
    if (notTheirs !== undefined) {
      this.forgeries.refused(run.claimedBy, `${command?.type ?? 'output'} for task ${task.id}: ${notTheirs}`);
      throw new ServiceError('wrong_state', notTheirs);
    }
    if (!command && (run.holder === null || run.lease !== lease))
      throw new ServiceError('wrong_state', `lease ${lease} of run ${run.id} is over`);
  }

  private storedOutput(run: Run): Promise<number> {
    return this.options.store.outputSize(run.id, run.step, run.attempt);
  }

  private outcomeOf(
    loaded: LoadedTask,
    command: TaskCommand,
    events: readonly TaskEvent[],
    now: number,
    attempt: { begun: boolean; outputFrom: number },
  ): Outcome {
    if (command.type !== 'claim' && command.type !== 'report') return {};
    for (const event of events) {
      if (event.type === 'HostKeyPinned' && !loaded.hostKeys.has(event.data.node)) {
        loaded.hostKeys.set(event.data.node, event.data.hostKey);
      }
    }
    const run = runAt(loaded.state, command.run);
    const next = nextInstruction(loaded.state, run, now, attempt);
    if (command.type === 'report') return { next };
    const hostKey = loaded.hostKeys.get(run.node) ?? null;
    return { next, claim: { lease: run.lease, node: run.node, ip: run.ip, vm: run.vm, hostKey } };
  }

  /** After a commit: who is to be told, what is to be offered. */
  private follow({ task, events }: TaskAppend, now: number): void {
    const loaded = this.tasks.get(task.id);
    if (!loaded || loaded.state !== task) return;
    const stops = new Map<string, ExecutorControl['leases']>();
    for (const event of events) {
      const touched = touchedRuns(task, event);
      const runs = touched === 'all' ? task.runs : touched.map((index) => runAt(task, index));
      for (const run of runs) {
        this.track(loaded, run, now);
        if (run.phase === 'draining' && run.holder !== null && event.type !== 'RunClaimed') {
          const lease = { task_id: task.id, run_id: run.id, lease: run.lease, why: 'stop' as const };
          stops.set(run.holder, [...(stops.get(run.holder) ?? []), lease]);
        }
      }
    }
    for (const [executor, leases] of stops) this.sendControl(executor, leases);
    this.makeOffers(task.id, loaded, loaded.offers.fresh(now));
    if (!isActive(task)) this.unload(task.id);
  }

  /** Brings leases, offers and draining of a run in line with its state. */
  private track(loaded: LoadedTask, run: Run, now: number): void {
    const { state, offers, draining, looks } = loaded;
    if (run.holder !== null) this.leases.grant(state.id, run.index, run.lease, run.holder, now);
    else this.leases.end(state.id, run.index);
    looks.delete(run.index);
    if (!needsExecutor(run)) offers.remove(run.index);
    else if (run.drain && run.drain.lookAt > now) {
      offers.remove(run.index);
      looks.set(run.index, run.drain.lookAt);
    } else offers.add(run.index, capabilityFor(state, run));
    if (run.phase === 'draining') draining.add(run.index);
    else draining.delete(run.index);
  }

  /** Offers the runs whose nodes are to be looked at again now. */
  private lookAgain(taskId: number, loaded: LoadedTask, now: number): void {
    for (const [run, at] of loaded.looks) if (at <= now) this.track(loaded, runAt(loaded.state, run), now);
    this.makeOffers(taskId, loaded, loaded.offers.fresh(now));
  }

  private makeOffers(
    taskId: number,
    loaded: LoadedTask,
    due: Map<Capability, number[]>,
    repeated = false,
  ): void {
    for (const [capability, runs] of due) {
      const offers = runs.map((index) => ({ task_id: taskId, run_id: runAt(loaded.state, index).id }));
      this.options.wire.offer(capability, offers, { repeated }).catch((error: unknown) => {
        this.options.log.warn(
          { err: error, task: taskId, runs: runs.length },
          'runs could not be offered, trying again',
        );
        loaded.offers.retry(runs, this.options.clock.now());
      });
    }
  }

  private sendControl(executor: string, leases: ExecutorControl['leases']): void {
    for (let start = 0; start < leases.length; start += CONTROL_CHUNK) {
      this.options.wire.control(executor, { leases: leases.slice(start, start + CONTROL_CHUNK) });
    }
  }

  /** The task in memory, folded from its events where it is not yet. */
  private async load(taskId: number): Promise<LoadedTask | undefined> {
    if (!this.owns(taskId)) {
      throw unavailable(`partition ${partitionOf(taskId)} of task ${taskId} is not owned here`);
    }
    return this.tasks.get(taskId) ?? this.loadOnce(taskId, () => this.options.store.load(taskId));
  }

  /** Loads a task, however many ask for it meanwhile. */
  private loadOnce(
    taskId: number,
    read: () => Promise<TaskState | undefined>,
  ): Promise<LoadedTask | undefined> {
    let loading = this.loading.get(taskId);
    if (!loading) {
      loading = this.begin(taskId, read).finally(() => this.loading.delete(taskId));
      this.loading.set(taskId, loading);
    }
    return loading;
  }

  private async begin(
    taskId: number,
    read: () => Promise<TaskState | undefined>,
  ): Promise<LoadedTask | undefined> {
    const state = await read();
    if (!state) return undefined;
    const hostKeys = await this.options.store.hostKeys(state);
    if (!this.owns(taskId)) throw unavailable(`${streamOf(taskId)} is not owned here any more`);
    const loaded: LoadedTask = {
      state,
      hostKeys,
      offers: new Offers(),
      draining: new Set(),
      looks: new Map(),
    };
    this.tasks.set(taskId, loaded);
    const now = this.options.clock.now();
    for (const run of state.runs) this.track(loaded, run, now);
    this.makeOffers(taskId, loaded, loaded.offers.fresh(now));
    return loaded;
  }

  private unload(taskId: number): void {
    const loaded = this.tasks.get(taskId);
    if (!loaded) return;
    this.tasks.delete(taskId);
    for (const run of loaded.state.runs) this.leases.end(taskId, run.index);
    for (const done of this.watchers.get(taskId) ?? []) done();
  }
}

function capabilityFor(task: TaskState, run: Run): Capability {
  const step = task.created.steps[run.step];
  if (!step) throw new Error(`run ${run.id} of task ${task.id} has no step to go on with`);
  return step.capability;
}
