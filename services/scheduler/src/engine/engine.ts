import type { Clock } from '@rigel/clock';
import { type Instruction, noSuch } from '@rigel/contracts';
import type { EventMeta } from '@rigel/event-store';
import type { Logger } from 'pino';
import type { ClaimCommand, ExecutorCommand, LeasedCommand, TaskCommand } from '../task/commands.js';
import type { TaskEvent } from '../task/events.js';
import { handle } from '../task/handle.js';
import { nextInstruction } from '../task/instruction.js';
import { type Sender, whyNotTheirs } from '../task/lease.js';
import { isActive } from '../task/projection.js';
import { whyNoOutput, whyRefused } from '../task/refusals.js';
import { type Run, runAt, type TaskState } from '../task/state.js';
import { Dispatch } from './dispatch.js';
import { Forgeries } from './forgeries.js';
import { Forgotten } from './forgotten.js';
import { type Answer, GroupCommit, type NamedLease, type Request } from './group-commit.js';
import { Heartbeats } from './heartbeats.js';
import { withoutKnownHostKey } from './host-keys.js';
import type { LoadedTask } from './loaded-task.js';
import type { EngineStats } from './metrics.js';
import type { Offers } from './offers.js';
import type { Commit, EngineStore, EngineWire, OutputPiece, TaskAppend } from './ports.js';
import { TaskCache } from './task-cache.js';

/** Pause between two ticks beyond which this process itself must have stood still. */
const STALL_MS = 4_000;

/** An executor's request was refused, and why. Nothing of it is recorded. */
export interface Refused {
  refused: string;
}

/** A claim was granted. */
export interface Claimed {
  lease: number;
  node: number;
  ip: string;
  vm: string;
  hostKey: string | null;
  next: Instruction;
}

/**
 * Runs the tasks of the partitions that this replica owns: keeps them in memory (`TaskCache`), decides and commits commands in groups
 * (`GroupCommit`), and brings the runs to executors (`Dispatch`, `Heartbeats`).
 */
export class TaskEngine {
  private readonly tasks: TaskCache;
  private readonly dispatch: Dispatch;
  private readonly commits: GroupCommit;
  private readonly heartbeats: Heartbeats;
  /** Reports work on tasks that this history does not have. */
  readonly forgotten: Forgotten;
  /** Reports messages that name an executor without its key. */
  readonly forgeries: Forgeries;
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
    const { store, wire, clock, log } = options;
    this.dispatch = new Dispatch({ wire, clock, log });
    this.tasks = new TaskCache({ store, listener: this.dispatch, clock, log });
    this.commits = new GroupCommit({
      store,
      decide: (request, commit) => this.decide(request, commit),
      follow: (append, now) => this.follow(append, now),
      forget: (taskId) => this.tasks.unload(taskId),
      leases: () => this.dispatch.leases.size,
      clock,
      log,
    });
    this.forgeries = new Forgeries(clock, log);
    this.forgotten = new Forgotten({
      clock,
      existing: (ids) => store.existing(ids),
      release: (executor, leases) => this.dispatch.tell(executor, leases),
      log,
    });
    const { tasks, dispatch, forgotten } = this;
    this.heartbeats = new Heartbeats({ tasks, dispatch, forgotten, clock, log });
  }

  /** Numbers for logs and measurements. */
  stats(): EngineStats {
    const now = this.options.clock.now();
    const unclaimed: EngineStats['unclaimed'] = new Map();
    let heldBack = 0;
    for (const { offers, state, draining } of this.tasks.all()) {
      for (const run of draining) if (state.runs[run]?.drain) heldBack++;
      for (const [capability, { runs, since }] of offers.unclaimed()) {
        const known = unclaimed.get(capability) ?? { runs: 0, oldestMs: 0 };
        const oldestMs = Math.max(known.oldestMs, now - since);
        unclaimed.set(capability, { runs: known.runs + runs, oldestMs });
      }
    }
    const { leases } = this.dispatch;
    return {
      tasks: this.tasks.size,
      leases: leases.size,
      waiting: this.commits.waiting,
      heldBack,
      oldestHeartbeatMs: leases.oldestHeartbeat(now),
      unclaimed,
    };
  }

  /** The states in memory, not to be changed. None while the engine decides what may fail to be recorded. */
  loaded(): TaskState[] {
    return this.commits.isWorking ? [] : this.states();
  }

  /**
   * Running tasks whose runs wait, or will have to wait, for other pools. Not to be changed, and only good for asking by a command:
   * the states may contain what is not committed.
   */
  gated(): TaskState[] {
    return this.states().filter(
      ({ created, gateOpen, status }) => created.gate && !gateOpen && status === 'running',
    );
  }

  /**
   * Sets the partitions that this replica owns now; tasks of others leave the memory.
   * @returns when a commit that was under way is over: from then on this replica records nothing for the others.
   */
  async own(partitions: ReadonlySet<number>): Promise<void> {
    this.tasks.own(partitions);
    await this.commits.settled();
  }

  /** Loads the active tasks of the owned partitions, see `TaskCache`. */
  adopt(): Promise<void> {
    return this.tasks.adopt();
  }

  /** Takes up a task as this replica has just recorded it; does nothing when another replica owns it. */
  take(state: TaskState): Promise<void> {
    return this.tasks.take(state);
  }

  /** Whether this replica owns the task's partition. */
  owns(taskId: number): boolean {
    return this.tasks.owns(taskId);
  }

  /** Whether this replica owns the task, and the task is neither in memory nor being loaded. */
  lacks(taskId: number): boolean {
    return this.tasks.lacks(taskId);
  }

  /** Resolves when a task leaves the memory of this replica, or after `timeoutMs`; see `TaskCache`. */
  untilGone(taskId: number, timeoutMs: number): Promise<void> {
    return this.tasks.untilGone(taskId, timeoutMs);
  }

  /** The task as it stands. @throws ServiceError `not_found`, or `unavailable` when another replica owns it. */
  async task(taskId: number): Promise<TaskState> {
    return (await this.load(taskId)).state;
  }

  /** The lease of a run, by its index, and for how long no heartbeat has named it. */
  leaseOf(taskId: number, run: number): { executor: string; silentMs: number } | undefined {
    return this.dispatch.leases.of(taskId, run, this.options.clock.now());
  }

  /** The offer of a run that waits for an executor; `waiting`: others of the task are offered before it. */
  offerOf(taskId: number, run: number): ReturnType<Offers['of']> {
    return this.tasks.get(taskId)?.offers.of(run);
  }

  /**
   * Decides a command and makes it durable. Resolves when it is committed.
   * @throws ServiceError the refusal, or `unavailable` when it could not be committed.
   */
  async submit(
    taskId: number,
    command: Exclude<TaskCommand, ExecutorCommand>,
    meta: EventMeta | null,
  ): Promise<void> {
    await this.commits.enqueue({ taskId, command, output: null, under: null, meta });
  }

  /** Gives an executor the lease of a run. @throws ServiceError `unavailable` when it could not be committed. */
  async claim(taskId: number, command: ClaimCommand): Promise<Claimed | Refused> {
    const {
      claim,
      next,
      refused = 'the run needs no executor',
    } = await this.commits.enqueue({
      taskId,
      command,
      output: null,
      under: null,
      meta: null,
    });
    return claim && next ? { ...claim, next } : { refused };
  }

  /**
   * Decides a command of an executor under a lease that it names, and makes it durable together with a piece of output.
   * @param sender what the executor shows of itself
   * @returns for a report what the executor does next
   * @throws ServiceError `unavailable` when it could not be committed.
   */
  submitLeased(
    taskId: number,
    command: LeasedCommand,
    sender: Sender,
    output: OutputPiece | null = null,
  ): Promise<Pick<Answer, 'next' | 'refused'>> {
    const { run, lease } = command;
    return this.commits.enqueue({ taskId, command, output, under: { run, lease, sender }, meta: null });
  }

  /** Stores a piece of output of a leased run. @throws ServiceError `unavailable` when it could not be committed. */
  storeOutput(taskId: number, under: NamedLease, output: OutputPiece): Promise<Pick<Answer, 'refused'>> {
    return this.commits.enqueue({ taskId, command: null, output, under, meta: null });
  }

  /** Renews the leases that a heartbeat names, see `Heartbeats`. */
  heartbeat(
    executor: string,
    named: readonly (readonly [number, number, number])[],
    uuids: readonly (readonly [number, string])[] = [],
  ): void {
    this.heartbeats.receive(executor, named, uuids);
  }

  /** Once a second: does what is due by time. Nothing happens while the last tick's commands wait for the store. */
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
    const { clock, log } = this.options;
    const { leases } = this.dispatch;
    const now = clock.now();
    if (this.lastTick > 0 && now - this.lastTick > STALL_MS) {
      log.warn({ stalled_ms: now - this.lastTick }, 'this scheduler stood still: it extends all leases');
      leases.extendAll(now);
    }
    this.lastTick = now;
    const due: Promise<void>[] = [];
    for (const { taskId, run, lease, executor } of leases.expired(now)) {
      log.warn(
        { task: taskId, run, executor },
        'no heartbeat of the executor for 10 s: its lease is over, and the scheduler offers the node run again',
      );
      due.push(this.submit(taskId, { do: 'expireLease', run, lease }, null));
    }
    for (const loaded of this.tasks.all()) {
      const { state } = loaded;
      if (state.deadline !== null && state.deadline <= now)
        due.push(this.submit(state.id, { do: 'timeOut' }, null));
      this.dispatch.repeat(loaded, now);
      // Loaded for a question about the past, or for a command that was refused.
      if (!this.commits.isWorking && !isActive(state)) this.tasks.unload(state.id);
    }
    const results = await Promise.allSettled(due);
    for (const result of results) {
      if (result.status === 'rejected')
        log.warn(
          { err: result.reason },
          'the scheduler could not record an expired lease or time limit and tries again',
        );
    }
  }

  private states(): TaskState[] {
    return Array.from(this.tasks.all(), ({ state }) => state);
  }

  private async load(taskId: number): Promise<LoadedTask> {
    const loaded = await this.tasks.load(taskId);
    if (!loaded) throw noSuch('task', taskId, `there is no task ${taskId}`);
    return loaded;
  }

  /** Decides one request on the state in memory, and adds what it leads to to the commit. @throws ServiceError the refusal */
  private async decide(
    { taskId, command: given, output, under, meta }: Request,
    commit: Commit,
  ): Promise<Answer> {
    // Nearly always in memory: a wait for each request would be a turn of the event loop's queue for each.
    const loaded = this.tasks.get(taskId) ?? (await this.load(taskId));
    const task = loaded.state;
    const refused =
      (under && this.whyNotUnder(task, under, given)) ??
      (isOfExecutor(given) ? whyRefused(task, given) : undefined);
    if (refused !== undefined) return { refused };
    const command = withoutKnownHostKey(given, loaded, this.options.log);
    let answer: Answer = {};
    if (command) {
      const begun = command.do === 'claim' && runAt(task, command.run).mayRun;
      const outputFrom = begun ? await this.storedOutput(runAt(task, command.run)) : 0;
      const expectedVersion = task.version;
      const events = handle(command, task, commit.now);
      if (events.length > 0) {
        const by = meta ?? { correlationId: task.created.correlationId, actor: 'scheduler' };
        commit.appends.push({ task, events, expectedVersion, meta: by });
      }
      answer = answerTo(loaded, command, events, commit.now, { begun, outputFrom });
    }
    // Only now: the output of a refused report is not stored.
    if (output) commit.outputs.push(output);
    return answer;
  }

  /**
   * All that executors say under a lease passes here, on the state on which it is decided: why it is refused.
   * @param command null for output alone, which no rule of the task decides.
   */
  private whyNotUnder(
    task: TaskState,
    { run: index, lease, sender }: NamedLease,
    command: TaskCommand | null,
  ): string | undefined {
    const run = runAt(task, index);
    const notTheirs = whyNotTheirs(run, lease, sender);
    if (notTheirs !== undefined) {
      this.forgeries.refused(run.claimedBy, `${command?.do ?? 'output'} for task ${task.id}: ${notTheirs}`);
      return notTheirs;
    }
    return command ? undefined : whyNoOutput(run, lease);
  }

  private storedOutput(run: Run): Promise<number> {
    return this.options.store.outputSize(run.id, run.step, run.attempt);
  }

  private follow({ task, events }: TaskAppend, now: number): void {
    const loaded = this.tasks.get(task.id);
    if (!loaded || loaded.state !== task) return;
    this.dispatch.follow(loaded, events, now);
    if (!isActive(task)) this.tasks.unload(task.id);
  }
}

function isOfExecutor(command: TaskCommand | null): command is ExecutorCommand {
  switch (command?.do) {
    case 'claim':
    case 'report':
    case 'place':
    case 'handBack':
      return true;
    default:
      return false;
  }
}

/** What an executor does next, after its claim or report led to these events. */
function answerTo(
  loaded: LoadedTask,
  command: TaskCommand,
  events: readonly TaskEvent[],
  now: number,
  attempt: { begun: boolean; outputFrom: number },
): Answer {
  if (command.do !== 'claim' && command.do !== 'report') return {};
  for (const event of events) {
    if (event.type === 'HostKeyPinned' && !loaded.hostKeys.has(event.data.node)) {
      loaded.hostKeys.set(event.data.node, event.data.hostKey);
    }
  }
  const run = runAt(loaded.state, command.run);
  const next = nextInstruction(loaded.state, run, now, attempt);
  if (command.do === 'report') return { next };
  const hostKey = loaded.hostKeys.get(run.node) ?? null;
  return { next, claim: { lease: run.lease, node: run.node, ip: run.ip, vm: run.vm, hostKey } };
}
