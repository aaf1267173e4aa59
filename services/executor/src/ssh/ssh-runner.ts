import type { Clock } from '@rigel/clock';
import { type AttemptResult, attemptKey, type TaskPlan } from '@rigel/contracts';
import { traced } from '@rigel/messaging';
import {
  type AttemptOutcome,
  type AttemptPlace,
  type AttemptSpec,
  attemptBoots,
  ConnectFailure,
  ConnectionLost,
  type ConnectionSettings,
  connectToNode,
  DEFAULT_GRACE_MS,
  isInMemory,
  type NodeConnection,
  type OutputChunk,
  type RunOptions,
  runAttempt,
  StillAlive,
  stopAttempt,
} from '@rigel/remote-attempt';
import type { Logger } from 'pino';
import type { MachineGone } from '../providers/machine-gone.js';
import type { PreparedStep, StepSecrets } from '../secrets/step-secrets.js';
import type {
  AttemptReport,
  ClaimedRun,
  KeptOutput,
  OnOutput,
  RecordedFolders,
  RunInstruction,
  RunSignals,
  StepRunner,
  StopInstruction,
} from '../step-runner.js';
import { parseNodeAddress } from './node-address.js';
import { GOING_DOWN_MS, type Restart, waitForRestart } from './restart-wait.js';
import { stepEnvironment } from './step-environment.js';

export interface SshSettings {
  connection: ConnectionSettings;
  defaultPort: number;
  outputLimitBytes: number;
  /** What a command has between TERM and KILL, where its step does not say. Default: that of `stopAttempt`. */
  stopGraceMs?: number;
  /** For how long a node is tried again that turns connections away. Default: it is not. */
  connectRetryMs?: number;
}

/** Why something may still run on the node. */
interface Unended {
  reason: string;
  /** It was seen to withstand KILL, or nobody can tell whose it is: to try again soon is of no use. */
  alive: boolean;
}

/** What a runner does on nodes. */
export interface NodeAccess {
  connect: typeof connectToNode;
  run: typeof runAttempt;
  stop: typeof stopAttempt;
  boots: typeof attemptBoots;
  /** Takes a connection back whose run is done. Where it is missing, connections are closed. */
  giveBack?(connection: NodeConnection): void;
}

/** Nodes reached by SSH. */
export const sshAccess: NodeAccess = {
  connect: connectToNode,
  run: runAttempt,
  stop: stopAttempt,
  boots: attemptBoots,
};

/** First and longest pause between two tries to reach a node on which something may run. */
const RECONNECT_FIRST_MS = 200;
const RECONNECT_LONGEST_MS = 5_000;
/** An attempt that was found again gets at least this long to be collected, whatever is left of its time. */
const COLLECT_MS = 15_000;
const OUTPUT_LOST =
  "the disk of the node was full when the command ended, or its user's quota used up: output may be missing";
/** How long a node is tried on which a command is to be ended, beside the grace time. */
const STOP_LIMIT_MS = 5 * 60_000;

/** How often it is looked whether a node is silent on which a command runs. */
const SILENCE_LOOK_MS = 3_000;
/** Takes the output of an attempt; `context`: see OutputMask. */
interface AttemptSink {
  readonly context: number;
  push(chunk: OutputChunk): void;
}

type Ending = 'stop' | 'deadline';

/**
 * Runs a node's steps over one SSH connection. A connection that breaks is opened again and the attempt found again on
 * the node; only when its time is up without an answer is the outcome given as unknown, which counts as failed.
 */
export class SshRunner implements StepRunner {
  private connection: NodeConnection | undefined;
  private hostKey: string | null;
  private learnedHostKey: string | undefined;
  /** Why nothing can run on the node any more, once its provider has said that there is no such machine. */
  gone: string | undefined;
  /** A connection that was made earlier does not do. */
  private needsLogin = false;
  /** The last attempt of which nothing can be running any more. */
  private settled: { step: number; attempt: number } | undefined;

  constructor(
    private readonly claimed: ClaimedRun,
    readonly settings: SshSettings,
    readonly access: NodeAccess,
    readonly clock: Clock,
    private readonly secrets: StepSecrets,
    private readonly log: Logger,
    private readonly machineGone: MachineGone = async () => undefined,
  ) {
    this.hostKey = claimed.node.hostKey;
  }

  async run(instruction: RunInstruction, onOutput: OnOutput, signals: RunSignals): Promise<AttemptReport> {
    const startedAt = this.clock.now();
    const prepared = await this.secrets.prepare(this.planned(instruction.step));
    // What made the last attempt fail may have been changed since: groups of the user, say, count from the next login.
    if (instruction.attempt > 1 && !instruction.begun) this.loginAnew();
    const ended: Verdict =
      prepared.missing !== undefined && !instruction.begun && this.isPreviousSettled(instruction)
        ? { status: 'failed', reason: prepared.missing, not_begun: true }
        : await this.watch(instruction, prepared, onOutput, signals);
    const result = this.withEarlier(instruction, ended);
    if (!result.may_run) this.settled = instruction;
    return this.report(startedAt, result);
  }

  /** An attempt that did not begin has not ended the one before it, which may still run. */
  private withEarlier(instruction: RunInstruction, result: Verdict): Verdict {
    const begun = result.status === 'succeeded' || result.exit_code !== undefined;
    if (begun || result.may_run || !instruction.unsettled) return result;
    if (this.settled?.step === instruction.step && this.settled.attempt >= instruction.attempt - 1)
      return { ...result, may_run: false };
    const reason = `${result.reason}; the command of an earlier attempt could not be ended and may still run`;
    return { ...result, may_run: true, reason };
  }

  private planned(step: number): TaskPlan['steps'][number] {
    const { plan } = this.claimed;
    const planned = plan.steps[step];
    if (!planned) throw new Error(`the plan of task ${plan.task_id} has no step ${step}`);
    return planned;
  }

  private async watch(
    instruction: RunInstruction,
    prepared: PreparedStep,
    onOutput: OnOutput,
    signals: RunSignals,
  ): Promise<Verdict> {
    const spec = this.specOf(instruction, prepared);
    let kept: KeptOutput | undefined;
    const masked = prepared.output(instruction.output_from, (offset, data) => onOutput(offset, data, kept));
    const output: AttemptSink = {
      context: masked.context,
      push: (chunk) => {
        if (chunk.kept) kept = { head: chunk.kept.headBytes, tail: chunk.kept.tailBytes };
        masked.push(chunk);
      },
    };
    const watched = {
      ...signals,
      onWait: (what: string | undefined) => signals.onWait?.(what && prepared.reason(what)),
    };
    const { reboot, ready_wait } = this.planned(instruction.step);
    const readyWaitMs = reboot ? (ready_wait ?? Number.POSITIVE_INFINITY) * 1_000 : undefined;
    const verdict = await new AttemptWatch(this, spec, instruction, output, watched, readyWaitMs).result();
    masked.end();
    const reason = prepared.reason(verdict.reason);
    if (prepared.missing === undefined || verdict.status !== 'failed') return { ...verdict, reason };
    return { ...verdict, reason: `${prepared.missing}; ${reason}` };
  }

  async stop(instruction: StopInstruction, abandon: AbortSignal, begun = true): Promise<AttemptReport> {
    const startedAt = this.clock.now();
    if (!begun && this.isPreviousSettled(instruction)) {
      return this.report(startedAt, { status: 'stopped', reason: '' });
    }
    const limit = instruction.again ? 0 : STOP_LIMIT_MS + this.graceMs(instruction.step);
    const unended = await this.stopOnNode(instruction, startedAt + limit, abandon);
    const result = { status: 'stopped' as const, reason: unended?.reason ?? this.gone ?? '' };
    return this.report(startedAt, unended ? { ...result, may_run: true } : result);
  }

  /** What a step's command has between TERM and KILL. */
  graceMs(step: number): number {
    return this.claimed.plan.steps[step]?.grace_ms ?? this.settings.stopGraceMs ?? DEFAULT_GRACE_MS;
  }

  close(released: boolean): void {
    const { connection } = this;
    this.connection = undefined;
    if (connection === undefined) return;
    if (released && this.access.giveBack) this.access.giveBack(connection);
    else connection.close();
  }

  /**
   * Whether nothing of the attempt before this one can be on the node, as far as is known here: else it is this one's
   * part to end it.
   */
  isPreviousSettled({ step, attempt, unsettled }: AttemptOfStep): boolean {
    if (attempt === 1 || unsettled === false) return true;
    return this.settled?.step === step && this.settled.attempt >= attempt - 1;
  }

  private loginAnew(): void {
    this.needsLogin = true;
    if (this.connection) this.drop(this.connection);
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
    // A connection of an earlier run may have learned the key that is pinned by now.
    if (connection.hostKeyLearned && this.hostKey === null) this.learnedHostKey = connection.hostKey;
    this.hostKey = connection.hostKey;
    this.needsLogin = false;
    this.connection = connection;
    void connection.closed.then(() => {
      if (this.connection === connection) this.connection = undefined;
    });
    return connection;
  }

  /** The connection has shown itself to be dead. */
  drop(connection: NodeConnection): void {
    if (this.connection === connection) this.connection = undefined;
    connection.close();
  }

  get outputLimitBytes(): number {
    return this.settings.outputLimitBytes;
  }

  get connectRetryMs(): number {
    return this.settings.connectRetryMs ?? 0;
  }

  get runId(): number {
    return this.claimed.runId;
  }

  tellTurnedAway(reason: string): void {
    this.log.info(
      { reason, limit_ms: this.connectRetryMs },
      'the node turned the connection away, it is tried again',
    );
  }

  /**
   * Ends the processes of an attempt and of those before it, trying again while the node cannot be reached.
   * @returns undefined when it was seen that none is left, else why not.
   */
  async stopOnNode(of: AttemptOfStep, deadline: number, abandon: AbortSignal): Promise<Unended | undefined> {
    const key = this.keyOf(of.step, of.attempt);
    for (let pause = RECONNECT_FIRST_MS; ; pause = Math.min(pause * 2, RECONNECT_LONGEST_MS)) {
      let problem: string;
      try {
        const connection = await this.connect(abandon);
        try {
          await this.stopWithEarlier(connection, of);
          if (this.settled?.step !== of.step || this.settled.attempt < of.attempt) this.settled = of;
          return undefined;
        } catch (error) {
          if (error instanceof StillAlive)
            return { alive: true, reason: `the command${this.otherThan(of, error)} ${error.message}` };
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
      this.log.warn({ key, problem, retry_ms: pause }, 'a command could not be ended yet, trying again');
      await this.clock.sleep(pause, abandon);
    }
  }

  /** An attempt that was never begun has not seen to it that those before it have ended. @throws StillAlive, ConnectionLost */
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

  /** Says which attempt's processes were found, when it is another one's. */
  otherThan({ step, attempt }: AttemptOfStep, { key }: StillAlive): string {
    for (let earlier = attempt - 1; earlier >= 1; earlier--)
      if (key === this.keyOf(step, earlier)) return ` of attempt ${earlier}`;
    return '';
  }

  private keyOf(step: number, attempt: number): string {
    return attemptKey(this.claimed.plan, this.claimed.runId, step, attempt);
  }

  private specOf({ step, attempt }: RunInstruction, { actions }: PreparedStep): AttemptSpec {
    const { plan } = this.claimed;
    const earlier = Array.from({ length: Math.max(0, attempt - 2) }, (_, i) =>
      this.keyOf(step, attempt - 2 - i),
    );
    return {
      key: this.keyOf(step, attempt),
      actions,
      env: stepEnvironment(plan, this.claimed.node.ip),
      ...(this.planned(step).reboot ? { restartsNode: true } : {}),
      ...(attempt > 1 ? { previousKey: this.keyOf(step, attempt - 1) } : {}),
      ...(earlier.length > 0 ? { earlierKeys: earlier } : {}),
    };
  }

  private report(startedAt: number, result: Verdict): AttemptReport {
    const hostKey = this.learnedHostKey;
    this.learnedHostKey = undefined;
    return {
      result: { ...result, started_at: startedAt, finished_at: this.clock.now() },
      ...(hostKey === undefined ? {} : { hostKey }),
    };
  }
}

type Verdict = Pick<
  AttemptResult,
  'status' | 'reason' | 'exit_code' | 'may_run' | 'not_begun' | 'no_retry' | 'note'
>;

/** Which attempt; `unsettled` as the scheduler says it. */
type AttemptOfStep = RecordedFolders & { step: number; attempt: number; unsettled?: boolean | undefined };

/** What a node is waited for that was told to restart. */
const RESTART_WAIT = 'the node is to restart and to answer';

/** One attempt, from its start (or finding it again) to a verdict. */
class AttemptWatch {
  private readonly deadline: number;
  private mayHaveStarted: boolean;
  private ending: Ending | undefined;
  private endingOnNode: Promise<Unended | undefined> | undefined;
  /** Aborted when the attempt was ended before anything of it was sent to the node. */
  private readonly neverBegun = new AbortController();
  private offset: number;
  /** Where the attempt is by the record, when it is not in the home folder. */
  private place: AttemptPlace | undefined;
  /** Since when, and how often, the node has turned us away. */
  private turnedAway: { since: number; tries: number } | undefined;
  /** Set while the command has ended and the node is to restart: ends the waiting for that. */
  private restartWait: AbortController | undefined;
  /** Since when the node has not answered. */
  private awaySince: number | undefined;

  constructor(
    private readonly runner: SshRunner,
    private readonly spec: AttemptSpec,
    private readonly instruction: RunInstruction,
    private readonly output: AttemptSink,
    private readonly signals: RunSignals,
    /** The command restarts the node: how long to wait for that. */
    private readonly readyWaitMs: number | undefined,
  ) {
    this.mayHaveStarted = instruction.begun;
    const { placed } = instruction;
    if (placed) this.place = { folder: placed.folder, bootId: placed.boot_id };
    this.offset = Math.max(0, instruction.output_from - output.context);
    this.deadline =
      this.runner.clock.now() + Math.max(instruction.timeout_ms, instruction.begun ? COLLECT_MS : 0);
  }

  async result(): Promise<Verdict> {
    const onStop = (): void => this.end('stop');
    const callOff = this.runner.clock.after(this.deadline - this.runner.clock.now(), () =>
      this.end('deadline'),
    );
    this.signals.stop.addEventListener('abort', onStop, { once: true });
    if (this.signals.stop.aborted) onStop();
    try {
      return await this.untilKnown();
    } finally {
      callOff();
      this.signals.stop.removeEventListener('abort', onStop);
    }
  }

  /** Ends the command on the node; the attempt is followed on, and its outcome then says how it ended. */
  private end(ending: Ending): void {
    if (this.ending) return;
    // The command has ended: there is only the waiting for the restart, which knows the deadline itself.
    if (this.restartWait && ending === 'deadline') return;
    this.ending = ending;
    if (this.restartWait) {
      this.restartWait.abort();
      return;
    }
    // Nothing of it has been on its way to the node, and nothing will be: there is nothing to be ended there.
    if (!this.mayHaveStarted && this.runner.isPreviousSettled(this.instruction)) {
      this.neverBegun.abort();
      return;
    }
    const limit = this.runner.clock.now() + (ending === 'stop' ? STOP_LIMIT_MS : COLLECT_MS) + this.graceMs;
    this.endingOnNode = this.runner.stopOnNode(this.instruction, limit, this.signals.abandon);
    // Awaited in untilKnown; an abandoned one may reject before that.
    this.endingOnNode.catch(() => undefined);
  }

  private async untilKnown(): Promise<Verdict> {
    const { abandon } = this.signals;
    const waitEnds = AbortSignal.any([abandon, this.neverBegun.signal]);
    for (let pause = RECONNECT_FIRST_MS; ; pause = Math.min(pause * 2, RECONNECT_LONGEST_MS)) {
      abandon.throwIfAborted();
      const problem = await this.tryOnce();
      if (typeof problem !== 'string') return problem;
      this.awaySince ??= this.runner.clock.now();
      // Of a command that has not been begun nobody waits for its restart.
      const readyWaitMs = this.mayHaveStarted ? this.readyWaitMs : undefined;
      this.signals.onWait?.(readyWaitMs === undefined ? `it has no connection: ${problem}` : RESTART_WAIT);
      if (this.ending) {
        const unfinished = await this.endingOnNode;
        if (unfinished !== undefined) return this.verdictOfEnded(unfinished);
        if (this.runner.gone !== undefined) return this.verdictOfGone(this.runner.gone);
      }
      const away = this.runner.clock.now() - this.awaySince;
      if (readyWaitMs !== undefined && away > readyWaitMs) return this.notBack(away, problem, true);
      if (this.runner.clock.now() > this.deadline + COLLECT_MS + this.graceMs) {
        if (readyWaitMs !== undefined) return this.notBack(away, problem, true);
        return { status: 'failed', may_run: true, reason: `the outcome is unknown: ${problem}` };
      }
      await this.runner.clock.sleep(this.spread(pause), waitEnds).catch(() => abandon.throwIfAborted());
    }
  }

  /** Those whom one server turned away do not come again all at once. Told by the run, so that a run repeats exactly. */
  private spread(pause: number): number {
    if (!this.turnedAway) return pause;
    const part = ((this.runner.runId * 617 + this.turnedAway.tries * 331) % 1_000) / 1_000;
    return Math.round(pause * (0.5 + part));
  }

  /** Nothing has been begun. @returns the reason to try again, or the verdict. */
  private notReached(error: unknown): Verdict | string {
    const reason = messageOf(error);
    if (!(error instanceof ConnectFailure) || error.kind !== 'turned_away')
      return { status: 'failed', reason, not_begun: true };
    const { clock } = this.runner;
    this.turnedAway ??= { since: clock.now(), tries: 0 };
    const triedMs = clock.now() - this.turnedAway.since;
    if (triedMs >= this.runner.connectRetryMs) {
      const tried =
        this.turnedAway.tries > 0 ? `; it was tried again for ${Math.round(triedMs / 1000)} s` : '';
      return { status: 'failed', reason: reason + tried, not_begun: true };
    }
    if (this.turnedAway.tries++ === 0) this.runner.tellTurnedAway(reason);
    return reason;
  }

  /** A verdict, or why there is none yet. */
  private async tryOnce(): Promise<Verdict | string> {
    const { abandon } = this.signals;
    let connection: NodeConnection;
    if (!this.mayHaveStarted && !this.turnedAway) this.signals.onWait?.('it is connecting to the node');
    try {
      connection = await this.runner.connect(AbortSignal.any([abandon, this.neverBegun.signal]));
      this.signals.onWait?.(undefined);
      this.awaySince = undefined;
    } catch (error) {
      abandon.throwIfAborted();
      if (this.neverBegun.signal.aborted) return this.verdictOfEnded();
      // Nothing was begun on a node that was never reached; where something may run, only the node can tell.
      if (!this.mayHaveStarted && !this.ending) return this.notReached(error);
      if (!(error instanceof ConnectFailure)) throw error;
      return messageOf(error);
    }
    if (this.neverBegun.signal.aborted) return this.verdictOfEnded();
    const mayHaveStarted = this.mayHaveStarted;
    this.mayHaveStarted = true;
    try {
      const options = {
        fromOffset: this.offset,
        mayHaveStarted,
        outputLimitBytes: this.runner.outputLimitBytes,
        stopGraceMs: this.graceMs,
        signal: abandon,
        ...(this.place === undefined ? {} : { place: this.place }),
        ...(this.instruction.folders === undefined ? {} : { folders: this.instruction.folders }),
        ...this.elsewhere(),
        onOutput: (chunk: OutputChunk) => {
          this.offset = chunk.offset + chunk.data.length;
          this.output.push(chunk);
        },
      };
      const span = { kind: 'client' as const, attributes: { 'server.address': connection.host } };
      const listening = this.tellSilence(connection);
      const outcome = await traced('command on the node', span, () =>
        this.runner.access.run(connection, this.spec, options),
      ).finally(listening);
      return await this.verdictOf(outcome);
    } catch (error) {
      abandon.throwIfAborted();
      if (error instanceof StillAlive) return this.verdictOfAlive(error);
      if (!(error instanceof ConnectionLost)) throw error;
      this.runner.drop(connection);
      return messageOf(error);
    }
  }

  /**
   * Nobody else was ever told to begin the attempt: it may begin in another folder, once that is recorded. From then on,
   * whatever becomes of the connection, it is only looked for there.
   */
  private elsewhere(): Pick<RunOptions, 'beginElsewhere'> {
    const { onPlace } = this.signals;
    if (this.instruction.begun || this.place !== undefined || onPlace === undefined) return {};
    return {
      beginElsewhere: async (place, why) => {
        const placement = {
          folder: place.folder,
          boot_id: place.bootId,
          memory: isInMemory(place.folder),
        };
        const problem = await onPlace(placement, why);
        if (problem === undefined) this.place = place;
        return problem;
      },
    };
  }

  private get graceMs(): number {
    return this.runner.graceMs(this.instruction.step);
  }

  /** Somebody, perhaps an executor before this one, began to end it, in vain; or an earlier one, so that it was not begun. */
  private async verdictOfAlive(error: StillAlive): Promise<Verdict> {
    if (this.endingOnNode) return this.verdictOfEnded(await this.endingOnNode);
    const whose = this.runner.otherThan(this.instruction, error);
    const unended = { alive: true, reason: `the command${whose} ${error.message}` };
    if (whose === '') return this.verdictOfEnded(unended);
    const reason = `attempt ${this.instruction.attempt} was not begun: ${unended.reason}`;
    return { status: 'failed', ...mayRun(unended), reason };
  }

  /** While a node is silent that should answer each probe, its connection does not count as lost yet, but it may be. */
  private tellSilence(connection: NodeConnection): () => void {
    const { clock, settings } = this.runner;
    const { received } = connection;
    if (received === undefined) return () => undefined;
    let last = { bytes: received(), at: clock.now() };
    let isSilent = false;
    return clock.every(SILENCE_LOOK_MS, () => {
      const now = { bytes: received(), at: clock.now() };
      if (now.bytes !== last.bytes) last = now;
      const wasSilent = isSilent;
      isSilent = now.at - last.at > settings.connection.keepaliveIntervalMs + SILENCE_LOOK_MS;
      if (isSilent) this.signals.onWait?.('the node does not answer any more');
      else if (wasSilent) this.signals.onWait?.(undefined);
    });
  }

  private async verdictOf(outcome: AttemptOutcome): Promise<Verdict> {
    // Of one that is not found in memory nobody knows whether it had begun, though the node may have restarted.
    const isLost = this.place !== undefined && outcome.kind === 'unknown';
    if (this.readyWaitMs !== undefined && mayRestart(outcome) && !isLost) return this.afterRestart(outcome);
    switch (outcome.kind) {
      case 'exited':
        return exitVerdict(outcome, this.spec);
      case 'stopped':
        return this.verdictOfEnded();
      case 'unknown':
        return this.endUnknown(outcome.reason);
      case 'not_started':
        return {
          status: 'failed',
          reason: `the command was not started: ${outcome.reason}`,
          not_begun: true,
        };
      default:
        return outcome satisfies never;
    }
  }

  /**
   * The command has ended, and the node is to restart. That it was told to is known only of a status of 0: processes that are
   * ended by a signal may have been so because the node goes down, which then shows soon.
   */
  private async afterRestart(outcome: AttemptOutcome): Promise<Verdict> {
    if (outcome.kind === 'unknown' && outcome.restarted) return { status: 'succeeded', reason: '' };
    // Stopped, or out of time, while it ended.
    if (this.ending) return this.verdictOfEnded();
    const { clock, access } = this.runner;
    const { abandon, onWait } = this.signals;
    const succeeded = outcome.kind === 'exited' && outcome.exitCode === 0;
    const since = clock.now();
    const until = Math.min(since + (this.readyWaitMs ?? 0), this.deadline);
    this.restartWait = new AbortController();
    onWait?.(RESTART_WAIT);
    let restart: Restart;
    try {
      restart = await waitForRestart(
        {
          key: this.spec.key,
          begun: this.place?.bootId,
          wasBegun: outcome.kind === 'exited',
          access,
          clock,
          connect: (signal) => this.runner.connect(signal),
          drop: (connection) => this.runner.drop(connection),
        },
        {
          until,
          downBy: succeeded ? until : Math.min(until, since + GOING_DOWN_MS),
          signal: AbortSignal.any([abandon, this.restartWait.signal]),
        },
      );
    } catch (error) {
      abandon.throwIfAborted();
      if (!this.restartWait.signal.aborted) throw error;
      return { status: 'stopped', reason: '' };
    }
    onWait?.(undefined);
    const exitCode = outcome.kind === 'exited' ? { exit_code: outcome.exitCode } : {};
    const waited = clock.now() - since;
    switch (restart.is) {
      case 'restarted':
        return { status: 'succeeded', reason: '', ...(succeeded ? exitCode : {}) };
      case 'same':
        if (!succeeded) return this.verdictWithoutRestart(outcome);
        return {
          status: 'failed',
          reason: `the node has not restarted: ${inSeconds(waited)} after the command ended it still answers under the same boot id`,
          ...exitCode,
        };
      case 'refused':
        return { status: 'failed', no_retry: true, reason: restart.problem, ...exitCode };
      case 'away':
        return { ...this.notBack(waited, restart.problem, false), ...exitCode };
    }
  }

  private async verdictWithoutRestart(outcome: AttemptOutcome): Promise<Verdict> {
    const verdict =
      outcome.kind === 'exited'
        ? exitVerdict(outcome, this.spec)
        : await this.endUnknown(outcome.kind === 'unknown' ? outcome.reason : outcome.kind);
    return { ...verdict, reason: `${verdict.reason}; the node has not restarted` };
  }

  /** @param mayRun nobody has seen the command end. */
  private notBack(waitedMs: number, problem: string, mayRun: boolean): Verdict {
    const what = mayRun
      ? 'the connection broke while the command that restarts the node ran, and the node'
      : 'the node was told to restart and';
    return {
      status: 'failed',
      no_retry: true,
      ...(mayRun ? { may_run: true } : {}),
      reason: `${what} has not come back for ${inSeconds(waitedMs)}: ${problem}`,
    };
  }

  /** Nobody can tell how it ended; what may be left of it is ended, so that a next attempt does not meet it. */
  private async endUnknown(reason: string): Promise<Verdict> {
    const limit = this.runner.clock.now() + STOP_LIMIT_MS + this.graceMs;
    const unended = await this.runner.stopOnNode(this.instruction, limit, this.signals.abandon);
    const verdict = { status: 'failed' as const, reason: `the outcome is unknown: ${reason}` };
    return unended === undefined
      ? verdict
      : { ...verdict, ...mayRun(unended), reason: `${verdict.reason}; ${unended.reason}` };
  }

  private verdictOfGone(gone: string): Verdict {
    const verdict = this.verdictOfEnded();
    return { ...verdict, reason: verdict.reason === '' ? gone : `${verdict.reason}: ${gone}` };
  }

  private verdictOfEnded(unended?: Unended): Verdict {
    if (this.ending !== 'deadline') {
      return { status: 'stopped', reason: unended?.reason ?? '', ...mayRun(unended) };
    }
    const limit = `the attempt took longer than ${Math.round(this.instruction.timeout_ms / 1000)} s`;
    if (this.neverBegun.signal.aborted) {
      return { status: 'failed', reason: `${limit}: the node had not been reached`, not_begun: true };
    }
    if (!unended) return { status: 'failed', reason: `${limit} and was ended` };
    return { status: 'failed', ...mayRun(unended), reason: `${limit}; ${unended.reason}` };
  }
}

/** Beside what withstands KILL no other attempt begins; one on a node that was away ends it first. */
function mayRun(unended: Unended | undefined): Pick<Verdict, 'may_run' | 'no_retry'> {
  if (!unended) return {};
  return unended.alive ? { may_run: true, no_retry: true } : { may_run: true };
}

/** Whether the node's boot id decides: not where the command itself says that it failed. */
function mayRestart(outcome: AttemptOutcome): boolean {
  if (outcome.kind === 'unknown') return true;
  return outcome.kind === 'exited' && (outcome.exitCode === 0 || outcome.exitCode > 128);
}

function exitVerdict(outcome: Extract<AttemptOutcome, { kind: 'exited' }>, spec: AttemptSpec): Verdict {
  const { exitCode, outputLost } = outcome;
  if (exitCode === 0) {
    return { status: 'succeeded', reason: '', exit_code: 0, ...(outputLost ? { note: OUTPUT_LOST } : {}) };
  }
  const reason = exitReason(outcome, spec) + (outputLost ? `; ${OUTPUT_LOST}` : '');
  return { status: 'failed', reason, exit_code: exitCode };
}

const inSeconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;

/** What a shell says by a status that it gives itself; the output has its words. */
const shellStatus: Record<number, string> = {
  126: 'a shell says so of a command that it may not run',
  127: 'a shell says so of a command that it does not find',
};

function exitReason(outcome: Extract<AttemptOutcome, { kind: 'exited' }>, spec: AttemptSpec): string {
  // A status above 128 may stand for a signal, or may just have been chosen by the command.
  const meaning = outcome.signal ? `128 + ${outcome.signal}` : shellStatus[outcome.exitCode];
  const how = `exit status ${outcome.exitCode}${meaning ? ` (${meaning})` : ''}`;
  return spec.actions.length > 1 ? `action ${outcome.actionName}: ${how}` : how;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
