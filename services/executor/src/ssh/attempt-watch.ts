import { traced } from '@rigel/messaging';
import {
  type AttemptOutcome,
  type AttemptPlace,
  type AttemptSpec,
  ConnectFailure,
  ConnectionLost,
  isInMemory,
  type NodeConnection,
  type OutputChunk,
  type RunOptions,
  StillAlive,
} from '@rigel/remote-attempt';
import { messageOf } from '../message-of.js';
import type { RunInstruction, RunSignals, UntimedResult } from '../step-runner.js';
import { exitResult, mayRun } from './exit-result.js';
import { GOING_DOWN_MS, type Restart, waitForRestart } from './restart-wait.js';
import {
  RECONNECT_FIRST_MS,
  RECONNECT_LONGEST_MS,
  type RunNode,
  STOP_LIMIT_MS,
  type Unended,
} from './run-node.js';

/** An attempt that was found again gets at least this long to be collected, even if less of its time is left. */
const COLLECT_MS = 15_000;
/** How often the executor checks whether a node on which a command runs is silent. */
const SILENCE_LOOK_MS = 3_000;

/** Takes the output of an attempt; `context`: see OutputMask. */
export interface AttemptSink {
  readonly context: number;
  push(chunk: OutputChunk): void;
}

type Ending = 'stop' | 'deadline';

/** What an attempt that restarts its node waits for. */
const RESTART_WAIT = 'the node has to restart and answer';

/** One attempt, from its start (or from finding it again) to its result. */
export class AttemptWatch {
  private readonly deadline: number;
  private mayHaveStarted: boolean;
  private ending: Ending | undefined;
  private endingOnNode: Promise<Unended | undefined> | undefined;
  /** Aborted when the attempt ended before the executor sent any part of it to the node. */
  private readonly neverBegun = new AbortController();
  private offset: number;
  /** Where the scheduler's record says that the attempt is, if that is not the home folder. */
  private place: AttemptPlace | undefined;
  /** Since when, and how often, the node has turned the executor's connections away. */
  private turnedAway: { since: number; tries: number } | undefined;
  /** Set while the command has ended and the executor waits for the node to restart; aborting it ends the wait. */
  private restartWait: AbortController | undefined;
  /** Since when the node has not answered. */
  private awaySince: number | undefined;

  constructor(
    private readonly node: RunNode,
    private readonly spec: AttemptSpec,
    private readonly instruction: RunInstruction,
    private readonly output: AttemptSink,
    private readonly signals: RunSignals,
    /** How long to wait for the node to come back, if the command restarts it. */
    private readonly readyWaitMs: number | undefined,
  ) {
    this.mayHaveStarted = instruction.begun;
    const { placed } = instruction;
    if (placed) this.place = { folder: placed.folder, bootId: placed.boot_id };
    this.offset = Math.max(0, instruction.output_from - output.context);
    this.deadline =
      this.node.clock.now() + Math.max(instruction.timeout_ms, instruction.begun ? COLLECT_MS : 0);
  }

  async result(): Promise<UntimedResult> {
    const onStop = (): void => this.end('stop');
    const cancel = this.node.clock.after(this.deadline - this.node.clock.now(), () => this.end('deadline'));
    this.signals.stop.addEventListener('abort', onStop, { once: true });
    if (this.signals.stop.aborted) onStop();
    try {
      return await this.untilKnown();
    } finally {
      cancel();
      this.signals.stop.removeEventListener('abort', onStop);
    }
  }

  /** Ends the command on the node. The executor goes on following the attempt, whose outcome then says how it ended. */
  private end(ending: Ending): void {
    if (this.ending) return;
    // The command has ended. Only the wait for the restart is left, and that observes the deadline itself.
    if (this.restartWait && ending === 'deadline') return;
    this.ending = ending;
    if (this.restartWait) {
      this.restartWait.abort();
      return;
    }
    // No part of the attempt was sent to the node, and none will be: there is nothing to end there.
    if (!this.mayHaveStarted && this.node.isPreviousSettled(this.instruction)) {
      this.neverBegun.abort();
      return;
    }
    const limit = this.node.clock.now() + (ending === 'stop' ? STOP_LIMIT_MS : COLLECT_MS) + this.graceMs;
    this.endingOnNode = this.node.stop(this.instruction, limit, this.signals.abandon);
    // untilKnown awaits this promise; when the run is abandoned, it may reject before.
    this.endingOnNode.catch(() => undefined);
  }

  private async untilKnown(): Promise<UntimedResult> {
    const { abandon } = this.signals;
    const waitEnds = AbortSignal.any([abandon, this.neverBegun.signal]);
    for (let pause = RECONNECT_FIRST_MS; ; pause = Math.min(pause * 2, RECONNECT_LONGEST_MS)) {
      abandon.throwIfAborted();
      const problem = await this.tryOnce();
      if (typeof problem !== 'string') return problem;
      this.awaySince ??= this.node.clock.now();
      // A command that has not begun restarts no node, so there is no restart to wait for.
      const readyWaitMs = this.mayHaveStarted ? this.readyWaitMs : undefined;
      this.signals.onWait?.(readyWaitMs === undefined ? `it has no connection: ${problem}` : RESTART_WAIT);
      if (this.ending) {
        const unfinished = await this.endingOnNode;
        if (unfinished !== undefined) return this.endedResult(unfinished);
        if (this.node.gone !== undefined) return this.goneResult(this.node.gone);
      }
      const away = this.node.clock.now() - this.awaySince;
      if (readyWaitMs !== undefined && away > readyWaitMs) return this.notBackResult(away, problem, true);
      if (this.node.clock.now() > this.deadline + COLLECT_MS + this.graceMs) {
        if (readyWaitMs !== undefined) return this.notBackResult(away, problem, true);
        return { status: 'failed', may_run: true, reason: `the outcome is unknown: ${problem}` };
      }
      await this.node.clock.sleep(this.spread(pause), waitEnds).catch(() => abandon.throwIfAborted());
    }
  }

  /**
   * Spreads the pauses of executors and runs that one server turned away, so that they do not all come again at once.
   * The number of the run decides, not chance, so that a simulation repeats exactly.
   */
  private spread(pause: number): number {
    if (!this.turnedAway) return pause;
    const part = ((this.node.runId * 617 + this.turnedAway.tries * 331) % 1_000) / 1_000;
    return Math.round(pause * (0.5 + part));
  }

  /** The node was not reached, and nothing began there. @returns the reason to try again, or the result. */
  private notReached(error: unknown): UntimedResult | string {
    const reason = messageOf(error);
    if (!(error instanceof ConnectFailure) || error.kind !== 'turned_away')
      return { status: 'failed', reason, not_begun: true };
    const { clock, settings, log } = this.node;
    const limitMs = settings.connectRetryMs ?? 0;
    this.turnedAway ??= { since: clock.now(), tries: 0 };
    const triedMs = clock.now() - this.turnedAway.since;
    if (triedMs >= limitMs) {
      const tried = this.turnedAway.tries > 0 ? `; the executor tried again for ${inSeconds(triedMs)}` : '';
      return { status: 'failed', reason: reason + tried, not_begun: true };
    }
    if (this.turnedAway.tries++ === 0)
      log.info({ reason, limit_ms: limitMs }, 'a node turned the connection away, the executor tries again');
    return reason;
  }

  /** The result, or why there is none yet. */
  private async tryOnce(): Promise<UntimedResult | string> {
    const { abandon } = this.signals;
    let connection: NodeConnection;
    if (!this.mayHaveStarted && !this.turnedAway) this.signals.onWait?.('it is connecting to the node');
    try {
      connection = await this.node.connect(AbortSignal.any([abandon, this.neverBegun.signal]));
      this.signals.onWait?.(undefined);
      this.awaySince = undefined;
    } catch (error) {
      abandon.throwIfAborted();
      if (this.neverBegun.signal.aborted) return this.endedResult();
      // On a node that was never reached nothing began. Where a command may run, only the node can say how it ended.
      if (!this.mayHaveStarted && !this.ending) return this.notReached(error);
      if (!(error instanceof ConnectFailure)) throw error;
      return messageOf(error);
    }
    if (this.neverBegun.signal.aborted) return this.endedResult();
    const mayHaveStarted = this.mayHaveStarted;
    this.mayHaveStarted = true;
    try {
      const options = {
        fromOffset: this.offset,
        mayHaveStarted,
        outputLimitBytes: this.node.settings.outputLimitBytes,
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
      const endSilenceWatch = this.watchForSilence(connection);
      const outcome = await traced('command on the node', span, () =>
        this.node.access.run(connection, this.spec, options),
      ).finally(endSilenceWatch);
      return await this.resultOf(outcome);
    } catch (error) {
      abandon.throwIfAborted();
      if (error instanceof StillAlive) return this.stillAliveResult(error);
      if (!(error instanceof ConnectionLost)) throw error;
      this.node.drop(connection);
      return messageOf(error);
    }
  }

  /**
   * If no other executor was ever asked to begin the attempt, it may begin in another folder, once the scheduler has
   * recorded that. From then on the executor only looks for it there, whatever happens to the connection.
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
    return this.node.graceMs(this.instruction.step);
  }

  /**
   * A command withstands being ended: this attempt's own, which this executor or one before it began to end; or an
   * earlier attempt's, and then this one was not begun.
   */
  private async stillAliveResult(error: StillAlive): Promise<UntimedResult> {
    if (this.endingOnNode) return this.endedResult(await this.endingOnNode);
    const whose = this.node.ofEarlierAttempt(this.instruction, error);
    const unended = { alive: true, reason: `the command${whose} ${error.message}` };
    if (whose === '') return this.endedResult(unended);
    const reason = `attempt ${this.instruction.attempt} was not begun: ${unended.reason}`;
    return { status: 'failed', ...mayRun(unended), reason };
  }

  /**
   * Says that the attempt waits when the node no longer answers probes: its connection does not count as lost yet, but
   * may be.
   * @returns ends the watch.
   */
  private watchForSilence(connection: NodeConnection): () => void {
    const { clock, settings } = this.node;
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

  private async resultOf(outcome: AttemptOutcome): Promise<UntimedResult> {
    // An attempt in memory that is not found may never have begun: that the node has restarted proves nothing then.
    const isLost = this.place !== undefined && outcome.kind === 'unknown';
    if (this.readyWaitMs !== undefined && mayRestart(outcome) && !isLost) return this.afterRestart(outcome);
    switch (outcome.kind) {
      case 'exited':
        return exitResult(outcome, this.spec);
      case 'stopped':
        return this.endedResult();
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
   * Waits for the restart, after the command has ended. Only a status of 0 says that the command started a restart. If
   * a signal ended it, the node may be going down, which then shows soon.
   */
  private async afterRestart(outcome: AttemptOutcome): Promise<UntimedResult> {
    if (outcome.kind === 'unknown' && outcome.restarted) return { status: 'succeeded', reason: '' };
    // The task was stopped, or the time was up, while the command ended.
    if (this.ending) return this.endedResult();
    const { clock, access } = this.node;
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
          connect: (signal) => this.node.connect(signal),
          drop: (connection) => this.node.drop(connection),
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
        if (!succeeded) return this.notRestartedResult(outcome);
        return {
          status: 'failed',
          reason: `the node has not restarted: ${inSeconds(waited)} after the command ended it still answers under the same boot id`,
          ...exitCode,
        };
      case 'refused':
        return { status: 'failed', no_retry: true, reason: restart.problem, ...exitCode };
      case 'away':
        return { ...this.notBackResult(waited, restart.problem, false), ...exitCode };
    }
  }

  private async notRestartedResult(outcome: AttemptOutcome): Promise<UntimedResult> {
    const result =
      outcome.kind === 'exited'
        ? exitResult(outcome, this.spec)
        : await this.endUnknown(outcome.kind === 'unknown' ? outcome.reason : outcome.kind);
    return { ...result, reason: `${result.reason}; the node has not restarted` };
  }

  /** @param mayRun no executor has seen the command end. */
  private notBackResult(waitedMs: number, problem: string, mayRun: boolean): UntimedResult {
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

  /**
   * How the command ended cannot be known. What may be left of it is ended, so that the next attempt does not run
   * beside it.
   */
  private async endUnknown(reason: string): Promise<UntimedResult> {
    const limit = this.node.clock.now() + STOP_LIMIT_MS + this.graceMs;
    const unended = await this.node.stop(this.instruction, limit, this.signals.abandon);
    const result = { status: 'failed' as const, reason: `the outcome is unknown: ${reason}` };
    return unended === undefined
      ? result
      : { ...result, ...mayRun(unended), reason: `${result.reason}; ${unended.reason}` };
  }

  private goneResult(gone: string): UntimedResult {
    const result = this.endedResult();
    return { ...result, reason: result.reason === '' ? gone : `${result.reason}: ${gone}` };
  }

  /** The result of an attempt that a stop or its time limit ended. */
  private endedResult(unended?: Unended): UntimedResult {
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

/**
 * Whether the node's boot id decides how the attempt ended. It does not when the command itself says that it failed.
 */
function mayRestart(outcome: AttemptOutcome): boolean {
  if (outcome.kind === 'unknown') return true;
  return outcome.kind === 'exited' && (outcome.exitCode === 0 || outcome.exitCode > 128);
}

const inSeconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
