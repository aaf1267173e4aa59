import type { Clock } from '@rigel/clock';
import { attemptKey } from '@rigel/contracts';
import { ConnectionLost, DEFAULT_GRACE_MS, type NodeConnection, StillAlive } from '@rigel/remote-attempt';
import type { Logger } from 'pino';
import { messageOf } from '../message-of.js';
import type { MachineGone } from '../providers/machine-gone.js';
import type { ClaimedRun, RecordedFolders } from '../step-runner.js';
import type { NodeAccess, SshSettings } from './node-access.js';
import { parseNodeAddress } from './node-address.js';

/** First and longest pause between two tries to reach a node on which a command may run. */
export const RECONNECT_FIRST_MS = 200;
export const RECONNECT_LONGEST_MS = 5_000;
/** How long the executor tries to end a command on its node, beside the grace time. */
export const STOP_LIMIT_MS = 5 * 60_000;

/** One attempt of a step; `unsettled` as the scheduler's instruction has it. */
export type AttemptOfStep = RecordedFolders & {
  step: number;
  attempt: number;
  unsettled?: boolean | undefined;
};

/** Why a command may still run on the node. */
export interface Unended {
  reason: string;
  /**
   * The command withstood KILL, or it is not certain which attempt its processes belong to: trying again soon is
   * useless.
   */
  alive: boolean;
}

/** What the executor knows of the node and of the run that it claimed. */
interface RunNodeOptions {
  claimed: ClaimedRun;
  settings: SshSettings;
  access: NodeAccess;
  clock: Clock;
  log: Logger;
  machineGone: MachineGone;
}

/**
 * The node of one claimed run: the SSH connection to it, which is opened again after it breaks, and the ending of the
 * run's attempts there.
 */
export class RunNode {
  readonly settings: SshSettings;
  readonly access: NodeAccess;
  readonly clock: Clock;
  readonly log: Logger;
  /** Why nothing can run on the node any more: its provider said that the machine does not exist. */
  gone: string | undefined;
  private readonly claimed: ClaimedRun;
  private readonly machineGone: MachineGone;
  private connection: NodeConnection | undefined;
  private hostKey: string | null;
  private learnedHostKey: string | undefined;
  /** The next connection has to be a new login: one that was made earlier does not do. */
  private needsLogin = false;
  /** The latest attempt that has certainly ended, like all before it. */
  private settled: AttemptOfStep | undefined;

  constructor({ claimed, settings, access, clock, log, machineGone }: RunNodeOptions) {
    this.claimed = claimed;
    this.settings = settings;
    this.access = access;
    this.clock = clock;
    this.log = log;
    this.machineGone = machineGone;
    this.hostKey = claimed.node.hostKey;
  }

  get runId(): number {
    return this.claimed.runId;
  }

  /** The time between TERM and KILL for a step's command. */
  graceMs(step: number): number {
    return this.claimed.plan.steps[step]?.grace_ms ?? this.settings.stopGraceMs ?? DEFAULT_GRACE_MS;
  }

  keyOf(step: number, attempt: number): string {
    return attemptKey(this.claimed.plan, this.claimed.runId, step, attempt);
  }

  /** The open connection, or a new one. @throws ConnectFailure */
  async connect(signal: AbortSignal): Promise<NodeConnection> {
    if (this.connection) return this.connection;
    const target = parseNodeAddress(this.claimed.node.ip, this.settings.defaultPort);
    const connection = await this.access.connect(
      {
        ...target,
        ...(this.hostKey === null ? {} : { pinnedHostKey: this.hostKey }),
        ...(this.needsLogin ? { freshLogin: true } : {}),
      },
      this.settings.connection,
      signal,
    );
    // A connection that an earlier run made may have learned the key that is pinned by now.
    if (connection.hostKeyLearned && this.hostKey === null) this.learnedHostKey = connection.hostKey;
    this.hostKey = connection.hostKey;
    this.needsLogin = false;
    this.connection = connection;
    void connection.closed.then(() => {
      if (this.connection === connection) this.connection = undefined;
    });
    return connection;
  }

  /** Closes a connection that turned out to be dead. */
  drop(connection: NodeConnection): void {
    if (this.connection === connection) this.connection = undefined;
    connection.close();
  }

  /** Makes the next attempt log in again. */
  loginAgain(): void {
    this.needsLogin = true;
    if (this.connection) this.drop(this.connection);
  }

  /** @param released the run is over, so another run may have the connection. */
  close(released: boolean): void {
    const { connection } = this;
    this.connection = undefined;
    if (connection === undefined) return;
    if (released && this.access.giveBack) this.access.giveBack(connection);
    else connection.close();
  }

  /** The node's host key, once, if a connection has learned it since the last call. */
  takeLearnedHostKey(): string | undefined {
    const hostKey = this.learnedHostKey;
    this.learnedHostKey = undefined;
    return hostKey;
  }

  /** Notes that this attempt and all before it have ended. */
  settle(of: AttemptOfStep): void {
    this.settled = of;
  }

  /**
   * Whether the attempt before this one has certainly ended, as far as this executor knows. If not, this attempt has to
   * end it.
   */
  isPreviousSettled({ step, attempt, unsettled }: AttemptOfStep): boolean {
    if (attempt === 1 || unsettled === false) return true;
    return this.hasSettled(step, attempt - 1);
  }

  /** Whether this executor has seen that this attempt of the step, and all before it, have ended. */
  hasSettled(step: number, attempt: number): boolean {
    return this.settled?.step === step && this.settled.attempt >= attempt;
  }

  /**
   * Ends the processes of an attempt and of those before it. Tries again while the node cannot be reached, until
   * `deadline`.
   * @returns undefined if none of the processes is left (or the machine is `gone`), else why a command may still run.
   */
  async stop(of: AttemptOfStep, deadline: number, abandon: AbortSignal): Promise<Unended | undefined> {
    const key = this.keyOf(of.step, of.attempt);
    for (let pause = RECONNECT_FIRST_MS; ; pause = Math.min(pause * 2, RECONNECT_LONGEST_MS)) {
      let problem: string;
      try {
        const connection = await this.connect(abandon);
        try {
          await this.stopWithEarlier(connection, of);
          if (!this.hasSettled(of.step, of.attempt)) this.settle(of);
          return undefined;
        } catch (error) {
          if (error instanceof StillAlive)
            return { alive: true, reason: `the command${this.ofEarlierAttempt(of, error)} ${error.message}` };
          if (error instanceof ConnectionLost) this.drop(connection);
          problem = messageOf(error);
        }
      } catch (error) {
        abandon.throwIfAborted();
        problem = messageOf(error);
      }
      abandon.throwIfAborted();
      const last = this.clock.now() + pause > deadline;
      if (last || pause === RECONNECT_FIRST_MS) {
        this.gone = await this.machineGone(this.claimed, abandon);
        abandon.throwIfAborted();
        if (this.gone !== undefined) return undefined;
      }
      if (last)
        return {
          alive: false,
          reason: `the command could not be ended and may still run: ${problem}`,
        };
      this.log.warn(
        { key, problem, retry_ms: pause },
        'the executor could not end a command yet and tries again',
      );
      await this.clock.sleep(pause, abandon);
    }
  }

  /**
   * An attempt that never began has not ended those before it, so they are ended too.
   * @throws StillAlive, ConnectionLost
   */
  private async stopWithEarlier(connection: NodeConnection, of: AttemptOfStep): Promise<void> {
    for (let { attempt } = of; ; attempt--) {
      const key = this.keyOf(of.step, attempt);
      const found = await this.access.stop(connection, key, {
        graceMs: this.graceMs(of.step),
        ...(of.folders === undefined ? {} : { folders: of.folders }),
      });
      if (found !== 'never_started' || this.isPreviousSettled({ ...of, attempt })) return;
    }
  }

  /**
   * ` of attempt 2` if the processes that are still alive belong to an earlier attempt; empty if they belong to this
   * one.
   */
  ofEarlierAttempt({ step, attempt }: AttemptOfStep, { key }: StillAlive): string {
    for (let earlier = attempt - 1; earlier >= 1; earlier--)
      if (key === this.keyOf(step, earlier)) return ` of attempt ${earlier}`;
    return '';
  }
}
