import type { Clock } from '@rigel/clock';
import { attemptKey } from '@rigel/contracts';
import { type ProviderCall, type ProviderEntry, ProviderError } from '@rigel/providers';
import { messageOf } from '../message-of.js';
import { measuredCall } from '../metrics.js';
import type {
  AttemptReport,
  ClaimedRun,
  OnOutput,
  RunInstruction,
  RunSignals,
  UntimedResult,
} from '../step-runner.js';

/** First and longest pause between two questions to a provider, or two tries. */
const PAUSE_FIRST_MS = 250;
const PAUSE_LONGEST_MS = 5_000;

/** The attempt's reason to fail, for the operator. */
export class AttemptFailure extends Error {
  override readonly name = 'AttemptFailure';

  constructor(
    message: string,
    /** The provider may have made a machine whose id is lost. */
    readonly unknownMachine = false,
  ) {
    super(message);
  }
}

/** The value of a piece of work, or the result of the attempt if the work failed. */
export type Settled<T> = { ok: true; value: T } | { ok: false; result: UntimedResult };

/** The result of one look: the thing itself, the text of what is still missing, or why it will never come. */
export type Look<T> = { done: T } | { waiting: string } | { failed: string };

/**
 * One attempt at a step that a provider does: its time limit, its lines in the node log, and calls that are repeated
 * while repeating makes sense. A runner asks it for one value after the other, and at the end for the report.
 */
export class ProviderAttempt {
  /** Aborted when the attempt ends early: its task is stopped, its time is up, or another executor has its run. */
  readonly signal: AbortSignal;
  /** Names the attempt to the provider. */
  private readonly correlationId: string;
  private readonly late = new AbortController();
  private readonly cancelTimer: () => void;
  private readonly startedAt: number;
  private offset: number;
  /** The last thing that the attempt waited for, for the reason when its time is up. */
  private waitingFor = '';

  constructor(
    claimed: ClaimedRun,
    private readonly instruction: RunInstruction,
    private readonly onOutput: OnOutput,
    private readonly signals: RunSignals,
    private readonly clock: Clock,
  ) {
    this.startedAt = clock.now();
    this.offset = instruction.output_from;
    this.correlationId = attemptKey(claimed.plan, claimed.runId, instruction.step, instruction.attempt);
    this.cancelTimer = clock.after(instruction.timeout_ms, () =>
      this.late.abort(new Error('the time is up')),
    );
    this.signal = AbortSignal.any([signals.abandon, signals.stop, this.late.signal]);
  }

  /** Adds a line to the node log. */
  say(text: string): void {
    const data = Buffer.from(`${text}\n`);
    this.onOutput(this.offset, data);
    this.offset += data.length;
  }

  /**
   * Waits for a piece of the attempt's work; a failure becomes a result.
   * @throws the reason of `abandon` when that is aborted.
   */
  async settle<T>(work: Promise<T>): Promise<Settled<T>> {
    try {
      return { ok: true, value: await work };
    } catch (error) {
      if (this.signals.abandon.aborted) this.cancelTimer();
      this.signals.abandon.throwIfAborted();
      const result = this.failure(error);
      if (result.reason !== '') this.say(result.reason);
      return { ok: false, result };
    }
  }

  /**
   * Ends the attempt.
   * @param machine what is known of the machine, however the attempt ended.
   */
  report(ended: Settled<unknown>, machine?: UntimedResult['machine']): AttemptReport {
    this.cancelTimer();
    return {
      result: {
        ...(ended.ok ? { status: 'succeeded', reason: '' } : ended.result),
        ...(machine ? { machine } : {}),
        started_at: this.startedAt,
        finished_at: this.clock.now(),
      },
    };
  }

  /**
   * Makes a call, and repeats it while the provider is not available or asks for fewer calls. A call that may be
   * repeated is also repeated when its answer was lost.
   * @param options.repeatable whether the call may be repeated when it is unknown whether the provider did it.
   * @param options.finish the call goes on when the attempt is stopped or out of time.
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
        // Before the signal: the failure of a call that has to finish matters even if the attempt has been stopped.
        if (kind === 'refused' || (kind === 'unknown' && !repeatable)) throw error;
        this.signal.throwIfAborted();
        this.waitFor(`${entry.name}: ${messageOf(error)}; the executor asks again`);
        const asked = error instanceof ProviderError ? (error.retryAfterMs ?? 0) : 0;
        await this.clock.sleep(Math.max(pause, asked), this.signal);
      }
    }
  }

  /**
   * Makes a call again and again, until `read` finds in an answer what the attempt waits for.
   * @throws AttemptFailure
   */
  callUntil<P, A, T>(
    entry: ProviderEntry<P>,
    make: (provider: P, call: ProviderCall) => Promise<A>,
    read: (answer: A) => Look<T>,
  ): Promise<T> {
    return this.until(async () => read(await this.call(entry, make)));
  }

  /** Looks until the thing is there, with pauses, and says in the node log what is missing. @throws AttemptFailure */
  async until<T>(look: () => Promise<Look<T>>): Promise<T> {
    for (let pause = PAUSE_FIRST_MS; ; pause = Math.min(pause * 1.5, PAUSE_LONGEST_MS)) {
      const found = await look();
      if ('done' in found) return found.done;
      if ('failed' in found) throw new AttemptFailure(found.failed);
      this.waitFor(found.waiting);
      await this.clock.sleep(pause, this.signal);
    }
  }

  /** Says what the attempt waits for, if that has changed. */
  private waitFor(what: string): void {
    if (what === this.waitingFor) return;
    this.waitingFor = what;
    this.say(`waiting: ${what}`);
    this.signals.onWait?.(what);
  }

  private failure(error: unknown): UntimedResult {
    const unknown = error instanceof AttemptFailure && error.unknownMachine ? { unknown_machine: true } : {};
    if (this.signals.stop.aborted) {
      const reason = error instanceof AttemptFailure ? error.message : '';
      return { status: 'stopped', reason, ...unknown };
    }
    if (this.late.signal.aborted && !(error instanceof AttemptFailure)) {
      const limit = `the attempt took longer than ${Math.round(this.instruction.timeout_ms / 1000)} s`;
      return { status: 'failed', reason: this.waitingFor ? `${limit}, waiting: ${this.waitingFor}` : limit };
    }
    return { status: 'failed', reason: messageOf(error), ...unknown };
  }
}
