import type { Clock } from '@rigel/clock';
import { CallLimiter, type Limits } from './limits.js';
import { ProviderError } from './provider-error.js';
import type { ProviderCall } from './vm-provider.js';

export interface EntryOptions<P> {
  /** For people, for instance `vm 1 (local)`. */
  name: string;
  provider: P;
  limits: Limits;
  callTimeoutMs: number;
  clock: Clock;
}

/** Options of one call. */
export interface CallOptions {
  /** Ends the wait for the limits, and the call itself unless `keep` is given. */
  signal: AbortSignal;
  /** Ends the call itself, in place of `signal`: for a call whose answer matters even if its attempt has ended. */
  keep?: AbortSignal;
  correlationId: string;
  /** Called at most once for each call that has to wait for the limits. */
  onWait?: (what: string) => void;
}

/** A configured provider. All calls go through `call`, which keeps its limits and its time limit. */
export class ProviderEntry<P> {
  readonly name: string;
  readonly provider: P;
  private readonly limiter: CallLimiter;

  constructor(private readonly options: EntryOptions<P>) {
    this.name = options.name;
    this.provider = options.provider;
    this.limiter = new CallLimiter(options.limits, options.clock);
  }

  /**
   * Makes one call as soon as the limits allow.
   * @throws ProviderError: `unknown` when its time is up; the reason of a signal that is aborted.
   */
  async call<T>(
    make: (provider: P, call: ProviderCall) => Promise<T>,
    { signal, keep = signal, correlationId, onWait = () => undefined }: CallOptions,
  ): Promise<T> {
    const { callTimeoutMs, clock } = this.options;
    return this.limiter.run(
      async () => {
        const late = new AbortController();
        const cancelTimer = clock.after(callTimeoutMs, () =>
          late.abort(new ProviderError('unknown', `no answer in ${callTimeoutMs / 1000} s`)),
        );
        const either = AbortSignal.any([keep, late.signal]);
        // An adapter that ignores the signal must not hold up its caller.
        const ended = new Promise<never>((_, reject) => {
          either.addEventListener('abort', () => reject(either.reason), { once: true });
        });
        ended.catch(() => undefined);
        try {
          return await Promise.race([make(this.provider, { signal: either, correlationId }), ended]);
        } catch (error) {
          keep.throwIfAborted();
          if (late.signal.aborted) throw late.signal.reason;
          throw error;
        } finally {
          cancelTimer();
        }
      },
      signal,
      onWait,
    );
  }
}
