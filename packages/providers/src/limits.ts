import type { Clock } from '@rigel/clock';

/** How often and how many times at once a provider may be called by this process. */
export interface Limits {
  maxConcurrent: number;
  /** Undefined: as often as there is something to ask. */
  callsPerSecond: number | undefined;
}

/** Keeps calls within limits. Who comes first goes first. */
export class CallLimiter {
  private running = 0;
  private readonly queue: (() => void)[] = [];
  /** When the next call may start, by the rate. */
  private nextStart = 0;

  constructor(
    private readonly limits: Limits,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes a call as soon as the limits allow.
   * @param onWait called at most once, with what is waited for, when it is not at once.
   * @throws the signal's reason when it is aborted while waiting.
   */
  async run<T>(call: () => Promise<T>, signal: AbortSignal, onWait: (what: string) => void): Promise<T> {
    signal.throwIfAborted();
    const { maxConcurrent, callsPerSecond } = this.limits;
    if (this.running >= maxConcurrent) {
      onWait(`${maxConcurrent} calls at once are under way and no more are allowed`);
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
      // Whoever waits takes this one's place, so the count stays.
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
