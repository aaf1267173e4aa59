import type { Clock } from '@rigel/clock';
import { type AttemptResult, attemptKey } from '@rigel/contracts';
import { type ProviderCall, type ProviderEntry, ProviderError } from '@rigel/providers';
import { measuredCall } from '../metrics.js';
import type { AttemptReport, ClaimedRun, OnOutput, RunInstruction, RunSignals } from '../step-runner.js';

/** How an attempt ended, and what it found out meanwhile. */
export type Verdict = Pick<AttemptResult, 'status' | 'reason' | 'machine' | 'unknown_machine'>;

/** First and longest pause between two questions to a provider, or two tries. */
const PAUSE_FIRST_MS = 250;
const PAUSE_LONGEST_MS = 5_000;

/** The attempt's reason to fail, for the operator. */
export class AttemptFailure extends Error {
  override readonly name = 'AttemptFailure';

  constructor(
    message: string,
    /** A machine may have been made whose id nobody knows. */
    readonly unknownMachine = false,
  ) {
    super(message);
  }
}

/**
 * One attempt at a step that a provider does: its deadline, its log, and calls that are made again while that makes sense.
 */
export class ProviderAttempt {
  /** Aborted when the attempt ends early: stopped, out of time, or somebody else's. */
  readonly signal: AbortSignal;
  /** Names the attempt to the provider. */
  readonly correlationId: string;
  private readonly late = new AbortController();
  private readonly callOff: () => void;
  private readonly startedAt: number;
  private offset: number;
  /** What was being waited for last, for the reason when the time is up. */
  private waitingFor = '';

  constructor(
    claimed: ClaimedRun,
    private readonly instruction: RunInstruction,
    private readonly onOutput: OnOutput,
    private readonly signals: RunSignals,
    readonly clock: Clock,
  ) {
    this.startedAt = clock.now();
    this.offset = instruction.output_from;
    this.correlationId = attemptKey(claimed.plan, claimed.runId, instruction.step, instruction.attempt);
    this.callOff = clock.after(instruction.timeout_ms, () => this.late.abort(new Error('the time is up')));
    this.signal = AbortSignal.any([signals.abandon, signals.stop, this.late.signal]);
  }

  /** Adds a line to the node log. */
  say(text: string): void {
    const data = Buffer.from(`${text}\n`);
    this.onOutput(this.offset, data);
    this.offset += data.length;
  }

  /** Says what is waited for, when it is something else than before. */
  waitFor(what: string): void {
    if (what === this.waitingFor) return;
    this.waitingFor = what;
    this.say(`waiting: ${what}`);
    this.signals.onWait?.(what);
  }

  /**
   * Does the work, and puts into a report how it ended.
   * @param machine what is known of the machine by then, however the work ended.
   * @throws the reason of `abandon` when that is aborted.
   */
  async report(work: () => Promise<void>, machine: () => Verdict['machine']): Promise<AttemptReport> {
    let verdict: Verdict;
    try {
      await work();
      verdict = { status: 'succeeded', reason: '' };
    } catch (error) {
      this.signals.abandon.throwIfAborted();
      verdict = this.verdictOf(error);
      if (verdict.reason !== '') this.say(verdict.reason);
    } finally {
      this.callOff();
    }
    const made = machine();
    return {
      result: {
        ...verdict,
        ...(made ? { machine: made } : {}),
        started_at: this.startedAt,
        finished_at: this.clock.now(),
      },
    };
  }

  /**
   * Makes a call, and makes it again while the provider is not available or wants fewer calls; where repeating cannot
   * do harm, also when the answer was lost.
   * @param options.repeatable whether the call may be repeated when nobody knows whether it was done.
   * @param options.finish the call is not broken off when the attempt is stopped or out of time.
   */
  async call<P, T>(
    entry: ProviderEntry<P>,
    make: (provider: P, call: ProviderCall) => Promise<T>,
    { repeatable = true, finish = false }: { repeatable?: boolean; finish?: boolean } = {},
  ): Promise<T> {
    for (let pause = PAUSE_FIRST_MS; ; pause = Math.min(pause * 2, PAUSE_LONGEST_MS)) {
      try {
        const options = {
          signal: this.signal,
          ...(finish ? { keep: this.signals.abandon } : {}),
          correlationId: this.correlationId,
          onWait: (what: string) => this.waitFor(`${entry.name}: ${what}`),
        };
        return await measuredCall(entry.name, () => entry.call(make, options));
      } catch (error) {
        const kind = error instanceof ProviderError ? error.kind : 'unknown';
        // First: that a call to be finished went wrong matters also when the attempt is stopped by now.
        if (kind === 'refused' || (kind === 'unknown' && !repeatable)) throw error;
        this.signal.throwIfAborted();
        this.waitFor(`${entry.name}: ${messageOf(error)}; it is asked again`);
        const asked = error instanceof ProviderError ? (error.retryAfterMs ?? 0) : 0;
        await this.clock.sleep(Math.max(pause, asked), this.signal);
      }
    }
  }

  /** Asks until there is an answer; pauses in between. `check` says with `waitFor` what is missing. */
  async until<T>(check: () => Promise<T | undefined>): Promise<T> {
    for (let pause = PAUSE_FIRST_MS; ; pause = Math.min(pause * 1.5, PAUSE_LONGEST_MS)) {
      const answer = await check();
      if (answer !== undefined) return answer;
      await this.clock.sleep(pause, this.signal);
    }
  }

  private verdictOf(error: unknown): Verdict {
    const unknown = error instanceof AttemptFailure && error.unknownMachine ? { unknown_machine: true } : {};
    if (this.signals.stop.aborted) {
      const told = error instanceof AttemptFailure ? error.message : '';
      return { status: 'stopped', reason: told, ...unknown };
    }
    if (this.late.signal.aborted && !(error instanceof AttemptFailure)) {
      const limit = `the attempt took longer than ${Math.round(this.instruction.timeout_ms / 1000)} s`;
      return { status: 'failed', reason: this.waitingFor ? `${limit}, waiting: ${this.waitingFor}` : limit };
    }
    return { status: 'failed', reason: messageOf(error), ...unknown };
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
