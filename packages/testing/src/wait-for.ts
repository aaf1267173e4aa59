import { setTimeout as sleep } from 'node:timers/promises';

const INTERVAL_MS = 20;

/**
 * Asks again and again until the answer is neither undefined nor false, and returns it.
 * @param options.what is waited for, for the message when it does not come.
 * @param options.timeoutMs default 10 s.
 * @param options.intervalMs between two questions, default 20 ms.
 * @throws when the time is up; the last error of `check` is its cause. Until then errors count as "not yet".
 */
export async function waitFor<T>(
  check: () => T | Promise<T>,
  options: { what: string; timeoutMs?: number; intervalMs?: number },
): Promise<Exclude<T, undefined | false>> {
  const { timeoutMs = 10_000, intervalMs = INTERVAL_MS } = options;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    let failure: unknown;
    try {
      const answer = await check();
      if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
    } catch (error) {
      failure = error;
    }
    if (Date.now() >= deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain: ${options.what}`, { cause: failure });
    }
    await sleep(intervalMs);
  }
}
