import type { Clock } from '@rigel/clock';
import { type AttemptResult, attemptKey } from '@rigel/contracts';
import { traced } from '@rigel/messaging';
import {
  type AttemptOutcome,
  type AttemptSpec,
  ConnectFailure,
  ConnectionLost,
  type ConnectionSettings,
  connectToNode,
  DEFAULT_GRACE_MS,
  type NodeConnection,
  type OutputChunk,
  runAttempt,
  StillAlive,
  stopAttempt,
} from '@rigel/remote-attempt';
import type { OutputMask } from '@rigel/secrets';
import type { Logger } from 'pino';
import type { MachineGone } from './machine-gone.js';
import { parseNodeAddress } from './node-address.js';
import type {
  AttemptReport,
  ClaimedRun,
  OnOutput,
  RunInstruction,
  RunSignals,
  StepRunner,
  StopInstruction,
} from './step-runner.js';
import type { PreparedStep, StepSecrets } from './step-secrets.js';

export interface SshSettings {
  connection: ConnectionSettings;
  defaultPort: number;
  outputLimitBytes: number;
  /** What a command has between TERM and KILL, where its step does not say. Default: that of `stopAttempt`. */
  stopGraceMs?: number;
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
  /** Takes a connection back whose run is done. Where it is missing, connections are closed. */
  giveBack?(connection: NodeConnection): void;
}

/** Nodes reached by SSH. */
export const sshAccess: NodeAccess = { connect: connectToNode, run: runAttempt, stop: stopAttempt };

/** First and longest pause between two tries to reach a node on which something may run. */
const RECONNECT_FIRST_MS = 200;
const RECONNECT_LONGEST_MS = 5_000;
/** An attempt that was found again gets at least this long to be collected, whatever is left of its time. */
const COLLECT_MS = 15_000;
/** How long a node is tried on which a command is to be ended, beside the grace time. */
const STOP_LIMIT_MS = 5 * 60_000;

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
    const { plan } = this.claimed;
    const planned = plan.steps[instruction.step];
    if (!planned) throw new Error(`the plan of task ${plan.task_id} has no step ${instruction.step}`);
    const prepared = await this.secrets.prepare(planned);
    const ended: Verdict =
      prepared.missing !== undefined && !instruction.begun && this.isPreviousSettled(instruction)
        ? { status: 'failed', reason: prepared.missing }
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

  private async watch(
    instruction: RunInstruction,
    prepared: PreparedStep,
    onOutput: OnOutput,
    signals: RunSignals,
  ): Promise<Verdict> {
    const spec = this.specOf(instruction, prepared);
    const output = prepared.output(instruction.output_from, onOutput);
    const watched = {
      ...signals,
      onWait: (what: string | undefined) => signals.onWait?.(what && prepared.reason(what)),
    };
    const verdict = await new AttemptWatch(this, spec, instruction, output, watched).result();
    output.end();
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

  /** The open connection, or a new one. @throws ConnectFailure */
  async connect(signal: AbortSignal): Promise<NodeConnection> {
    if (this.connection) return this.connection;
    const target = parseNodeAddress(this.claimed.node.ip, this.settings.defaultPort);
    const connection = await this.access.connect(
      { ...target, ...(this.hostKey === null ? {} : { pinnedHostKey: this.hostKey }) },
      this.settings.connection,
      signal,
    );
    // A connection of an earlier run may have learned the key that is pinned by now.
    if (connection.hostKeyLearned && this.hostKey === null) this.learnedHostKey = connection.hostKey;
    this.hostKey = connection.hostKey;
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
      const found = await this.access.stop(connection, key, { graceMs: this.graceMs(of.step) });
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
      env: { RIGEL_CORRELATION_ID: plan.correlation_id },
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

type Verdict = Pick<AttemptResult, 'status' | 'reason' | 'exit_code' | 'may_run' | 'no_retry'>;

/** Which attempt; `unsettled` as the scheduler says it. */
type AttemptOfStep = { step: number; attempt: number; unsettled?: boolean | undefined };

/** One attempt, from its start (or finding it again) to a verdict. */
class AttemptWatch {
  private readonly deadline: number;
  private mayHaveStarted: boolean;
  private ending: Ending | undefined;
  private endingOnNode: Promise<Unended | undefined> | undefined;
  /** Aborted when the attempt was ended before anything of it was sent to the node. */
  private readonly neverBegun = new AbortController();
  private offset: number;

  constructor(
    private readonly runner: SshRunner,
    private readonly spec: AttemptSpec,
    private readonly instruction: RunInstruction,
    private readonly output: OutputMask,
    private readonly signals: RunSignals,
  ) {
    this.mayHaveStarted = instruction.begun;
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
    this.ending = ending;
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
    for (let pause = RECONNECT_FIRST_MS; ; pause = Math.min(pause * 2, RECONNECT_LONGEST_MS)) {
      abandon.throwIfAborted();
      const problem = await this.tryOnce();
      if (typeof problem !== 'string') return problem;
      this.signals.onWait?.(`it has no connection: ${problem}`);
      if (this.ending) {
        const unfinished = await this.endingOnNode;
        if (unfinished !== undefined) return this.verdictOfEnded(unfinished);
        if (this.runner.gone !== undefined) return this.verdictOfGone(this.runner.gone);
      }
      if (this.runner.clock.now() > this.deadline + COLLECT_MS + this.graceMs) {
        return { status: 'failed', may_run: true, reason: `the outcome is unknown: ${problem}` };
      }
      await this.runner.clock.sleep(pause, abandon);
    }
  }

  /** A verdict, or why there is none yet. */
  private async tryOnce(): Promise<Verdict | string> {
    const { abandon } = this.signals;
    let connection: NodeConnection;
    if (!this.mayHaveStarted) this.signals.onWait?.('it is connecting to the node');
    try {
      connection = await this.runner.connect(AbortSignal.any([abandon, this.neverBegun.signal]));
      this.signals.onWait?.(undefined);
    } catch (error) {
      abandon.throwIfAborted();
      if (this.neverBegun.signal.aborted) return this.verdictOfEnded();
      // Nothing was begun on a node that was never reached; where something may run, only the node can tell.
      if (!this.mayHaveStarted && !this.ending) return { status: 'failed', reason: messageOf(error) };
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
        onOutput: (chunk: OutputChunk) => {
          this.offset = chunk.offset + chunk.data.length;
          this.output.push(chunk);
        },
      };
      const span = { kind: 'client' as const, attributes: { 'server.address': connection.host } };
      const outcome = await traced('command on the node', span, () =>
        this.runner.access.run(connection, this.spec, options),
      );
      return await this.verdictOf(outcome);
    } catch (error) {
      abandon.throwIfAborted();
      if (error instanceof StillAlive) return this.verdictOfAlive(error);
      if (!(error instanceof ConnectionLost)) throw error;
      this.runner.drop(connection);
      return messageOf(error);
    }
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

  private async verdictOf(outcome: AttemptOutcome): Promise<Verdict> {
    switch (outcome.kind) {
      case 'exited':
        if (outcome.exitCode === 0) return { status: 'succeeded', reason: '', exit_code: 0 };
        return { status: 'failed', reason: exitReason(outcome, this.spec), exit_code: outcome.exitCode };
      case 'stopped':
        return this.verdictOfEnded();
      case 'unknown':
        return this.endUnknown(outcome.reason);
      case 'not_started':
        return { status: 'failed', reason: `the command was not started: ${outcome.reason}` };
      default:
        return outcome satisfies never;
    }
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
      return { status: 'failed', reason: `${limit}: the node had not been reached` };
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
