import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Time, as the parts see it that must behave the same on a simulated clock: everything between the decision that a run
 * begins and the record of how it ended. They never ask Node for the time or for a timer.
 */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after so many milliseconds; rejects with the signal's reason when that is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Does something once, later. Returns a function that calls it off. */
  after(ms: number, action: () => void): () => void;
  /** Resolves when what has arrived by now has been handled: the moment to send together what it led to. */
  endOfTurn(): Promise<void>;
  /** Does something again and again. Returns a function that ends it. */
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
