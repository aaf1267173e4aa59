import type { Clock } from '@rigel/clock';

/** How often this process may call a provider, and how many calls it may make at once. */
export interface Limits {
  maxConcurrent: number;
  /** Undefined: no limit. */
  callsPerSecond: number | undefined;
}

/** Keeps calls within limits, in the order in which they come. */
export class CallLimiter {
  private running = 0;
  private readonly queue: (() => void)[] = [];
  /** The time at which the rate allows the next call. */
  private nextStart = 0;

  constructor(
    private readonly limits: Limits,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes a call as soon as the limits allow.
   * @param onWait called at most once if the call has to wait, with the limit that it waits for.
   * @throws the signal's reason when it is aborted before the call begins.
   */
  async run<T>(call: () => Promise<T>, signal: AbortSignal, onWait: (what: string) => void): Promise<T> {
    signal.throwIfAborted();
    const { maxConcurrent, callsPerSecond } = this.limits;
    if (this.running >= maxConcurrent) {
      onWait(`${maxConcurrent} calls at once are in progress, and no more are allowed`);
      await this.turn(signal);
    } else {
      this.running++;
    }
    try {
      if (callsPerSecond !== undefined) {
        const now = this.clock.now();
        const start = Math.max(now, this.nextStart);
        this.nextStart = start + 1000 / callsPerSecond;
        if (start > now) {
          onWait(`${callsPerSecond} calls a second are allowed`);
          await this.clock.sleep(start - now, signal);
        }
      }
      return await call();
    } finally {
      // The next call takes this one's place, so the count stays.
      const next = this.queue.shift();
      if (next) next();
      else this.running--;
    }
  }

  private turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = (): void => {
        this.queue.splice(this.queue.indexOf(go), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.queue.push(go);
    });
  }
}
