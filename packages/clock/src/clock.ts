import { setTimeout as sleep } from 'node:timers/promises';

/**
 * The source of time for all code that the simulation runs: everything between the decision that a run begins and the
 * record of its end. Such code never asks Node for the time or for a timer.
 */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason if the signal is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `action` once, after `ms` milliseconds. Returns a function that cancels it. */
  after(ms: number, action: () => void): () => void;
  /**
   * Resolves when all messages that have arrived by now have been handled, so that their results can leave together.
   */
  endOfTurn(): Promise<void>;
  /** Calls `action` every `ms` milliseconds. Returns a function that ends it. */
  every(ms: number, action: () => void): () => void;
}

/** The time of this machine. */
export const systemClock: Clock = {
  now: Date.now,
  async sleep(ms, signal) {
    try {
      await sleep(ms, undefined, { signal });
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    }
  },
  after(ms, action) {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
  endOfTurn: () => new Promise((resolve) => void setImmediate(resolve)),
  every(ms, action) {
    const timer = setInterval(action, ms);
    return () => clearInterval(timer);
  },
};
