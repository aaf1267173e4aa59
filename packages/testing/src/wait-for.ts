import { setTimeout as sleep } from 'node:timers/promises';

/**
 * The pause between two checks is a tenth of the time so far: a long wait checks seldom, and still notices the end
 * nearly at once.
 */
const SHARE = 0.1;
const LEAST_MS = 20;
const MOST_MS = 250;

/**
 * Calls `check` until its answer is neither undefined nor false, and returns the answer.
 * @param options.what for the message when the time is up.
 * @param options.timeoutMs default 30 s: on a busy machine, even short work takes long.
 * @param options.intervalMs pause between two checks. Default: 20 ms at first, growing to 250 ms.
 * @throws Error when the time is up; its cause is the last error of `check`. Until then, errors of `check` count as
 *   "not yet".
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
