/** How long to wait before a process that ended is started again. */
export interface BackoffOptions {
  /** Wait after the first end, in milliseconds; doubled after each further one. */
  firstMs: number;
  maxMs: number;
  /** A process that lived this long is healthy again: the next wait is the first. */
  resetAfterMs: number;
}

export const DEFAULT_BACKOFF: BackoffOptions = { firstMs: 500, maxMs: 30_000, resetAfterMs: 60_000 };

/** The waits of one process. */
export class Backoff {
  private readonly options: BackoffOptions;
  private nextMs: number;

  constructor(options: BackoffOptions) {
    this.options = options;
    this.nextMs = options.firstMs;
  }

  /**
   * @param livedMs how long the process lived that has just ended
   * @returns milliseconds to wait before the next start
   */
  next(livedMs: number): number {
    if (livedMs >= this.options.resetAfterMs) this.nextMs = this.options.firstMs;
    const waitMs = this.nextMs;
    this.nextMs = Math.min(waitMs * 2, this.options.maxMs);
    return waitMs;
  }
}
