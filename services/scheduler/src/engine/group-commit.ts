import type { Clock } from '@rigel/clock';
import { type Instruction, ServiceError } from '@rigel/contracts';
import type { EventMeta } from '@rigel/event-store';
import type { Logger } from 'pino';
import type { TaskCommand } from '../task/commands.js';
import type { Sender } from '../task/lease.js';
import { commitDuration, commitSize } from './metrics.js';
import { type Commit, type EngineStore, type OutputPiece, type TaskAppend, Unstorable } from './ports.js';

/** Commands committed in one transaction at most. */
const MAX_GROUP = 512;
/**
 * While executors hold this many leases, a commit waits a moment for the reports of others: each transaction costs
 * much more than a report more in it. With fewer, the moment would only be waiting.
 */
const BUSY_LEASES = 16;
const GATHER_MS = 8;
/** With so many commands in the queue a commit does not wait for more. */
const ENOUGH_COMMANDS = 32;
/** Commands waiting at most; beyond it they are refused, and their senders try again. */
const MAX_WAITING = 20_000;

const NOT_RECORDED = 'the scheduler could not record it';

/** The lease that an executor names, and what the executor shows of itself. */
export interface NamedLease {
  run: number;
  lease: number;
  sender: Sender;
}

/** What is to be decided and committed: a command, a piece of output, or both. */
export interface Request {
  taskId: number;
  command: TaskCommand | null;
  output: OutputPiece | null;
  /** The lease under which an executor sends it; null: it is a claim, or comes from the schedulers themselves. */
  under: NamedLease | null;
  meta: EventMeta | null;
}

/** What a request led to. */
export interface Answer {
  /** Why an executor's request was refused. To be expected, so a value: a lease is over, a run has another holder. */
  refused?: string;
  /** For claims and reports: what the executor does next. */
  next?: Instruction;
  /** For claims. */
  claim?: { lease: number; node: number; ip: string; vm: string; hostKey: string | null };
}

interface Pending extends Request {
  resolve: (answer: Answer) => void;
  reject: (error: Error) => void;
}

/**
 * Group commit. Requests queue up while a transaction is under way; all that wait are then decided one after the other on the states
 * in memory, committed together, and only then answered. If the commit fails, nothing of it has happened: the states are
 * thrown away, and folded again from the store when next needed.
 */
export class GroupCommit {
  private queue: Pending[] = [];
  private working = false;
  /** The group of requests that is being decided and committed. */
  private processing: Promise<void> | undefined;

  constructor(
    private readonly options: {
      store: Pick<EngineStore, 'commit'>;
      /** Decides one request on the state in memory, and adds what it leads to to the commit. @throws ServiceError the refusal */
      decide: (request: Request, commit: Commit) => Promise<Answer>;
      /** Called with each append that has been committed. */
      follow: (append: TaskAppend, now: number) => void;
      /** Throws the state of a task away. */
      forget: (taskId: number) => void;
      /** Leases that executors hold. */
      leases: () => number;
      clock: Clock;
      log: Logger;
    },
  ) {}

  /** Requests that wait for the transaction under way to end. */
  get waiting(): number {
    return this.queue.length;
  }

  /** Whether the states in memory may contain what is not committed. */
  get isWorking(): boolean {
    return this.working;
  }

  /** Resolves when the commit that is under way is over. */
  async settled(): Promise<void> {
    await this.processing?.catch(() => undefined);
  }

  /**
   * Decides a request and makes it durable. Resolves when it is committed.
   * @throws ServiceError the refusal, or `unavailable` when it could not be committed.
   */
  enqueue(request: Request): Promise<Answer> {
    if (this.queue.length >= MAX_WAITING) {
      const message = `the scheduler is overloaded: ${MAX_WAITING} commands wait; try again`;
      return Promise.reject(new ServiceError('unavailable', message));
    }
    return new Promise((resolve, reject) => {
      this.queue.push({ ...request, resolve, reject });
      if (!this.working) void this.work();
    });
  }

  private async work(): Promise<void> {
    const { clock, forget, leases, log } = this.options;
    this.working = true;
    try {
      while (this.queue.length > 0) {
        if (leases() >= BUSY_LEASES && this.queue.length < ENOUGH_COMMANDS) await clock.sleep(GATHER_MS);
        const group = this.queue.splice(0, MAX_GROUP);
        try {
          this.processing = this.process(group);
          await this.processing;
        } catch (error) {
          log.error({ err: error }, 'the scheduler could not decide a group of commands');
          for (const { taskId, reject } of group) {
            forget(taskId);
            reject(new ServiceError('unavailable', NOT_RECORDED));
          }
        }
      }
    } finally {
      this.working = false;
    }
  }

  private async process(group: Pending[]): Promise<void> {
    const { store, decide, follow, forget, clock, log } = this.options;
    const commit: Commit = { appends: [], outputs: [], now: clock.now() };
    const answers: (() => void)[] = [];
    const begun = performance.now();
    for (const pending of group) {
      try {
        const answer = await decide(pending, commit);
        answers.push(() => pending.resolve(answer));
      } catch (error) {
        // Answered with the others: the reason of the refusal may be part of the same commit.
        answers.push(() => pending.reject(error as Error));
      }
    }
    try {
      if (commit.appends.length > 0 || commit.outputs.length > 0) await store.commit(commit);
    } catch (error) {
      commitDuration.observe({ result: 'failed' }, (performance.now() - begun) / 1_000);
      log.warn(
        { err: error, commands: group.length },
        'a commit failed: nothing is recorded, and the scheduler reads its tasks again',
      );
      for (const { task } of commit.appends) forget(task.id);
      if (!(error instanceof Unstorable)) {
        for (const { reject } of group) reject(new ServiceError('unavailable', NOT_RECORDED));
        return;
      }
      // One that the database cannot keep must not take the others with it: each is decided again, alone.
      if (group.length > 1) for (const pending of group) await this.process([pending]);
      else group[0]?.reject(new ServiceError('invalid', `the database cannot keep it: ${error.message}`));
      return;
    }
    commitSize.observe(group.length);
    commitDuration.observe({ result: 'committed' }, (performance.now() - begun) / 1_000);
    for (const answer of answers) answer();
    for (const append of commit.appends) follow(append, commit.now);
  }
}
