import { setTimeout as sleep } from 'node:timers/promises';

/** A tenth of the time that it has taken so far: what is waited for long is asked for seldom, and noticed nearly as soon. */
const SHARE = 0.1;
const LEAST_MS = 20;
const MOST_MS = 250;

/**
 * Asks again and again until the answer is neither undefined nor false, and returns it.
 * @param options.what is waited for, for the message when it does not come.
 * @param options.timeoutMs default 30 s: what comes in moments takes its time on a machine that has much to do.
 * @param options.intervalMs between two questions. Default: 20 ms at first, more and more up to 250 ms.
 * @throws when the time is up; the last error of `check` is its cause. Until then errors count as "not yet".
 */
export async function waitFor<T>(
  check: () => T | Promise<T>,
  options: { what: string; timeoutMs?: number; intervalMs?: number },
): Promise<Exclude<T, undefined | false>> {
  const { timeoutMs = 30_000, intervalMs } = options;
  const began = Date.now();
  for (;;) {
    let failure: unknown;
    try {
      const answer = await check();
      if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
    } catch (error) {
      failure = error;
    }
    const waited = Date.now() - began;
    if (waited >= timeoutMs) {
      throw new Error(`waited ${timeoutMs} ms in vain: ${options.what}`, { cause: failure });
    }
    await sleep(intervalMs ?? Math.min(MOST_MS, Math.max(LEAST_MS, waited * SHARE)));
  }
}
