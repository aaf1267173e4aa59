import type { Clock } from './clock.js';

/**
 * Keeps log lines that others can cause at will from filling the log: in each period few lines, and one about each
 * thing. Counts the
 * lines that are left out.
 */
export class LineLimit {
  private readonly told = new Set<string>();
  private leftOut = 0;
  private since = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Pick<Clock, 'now'>,
    private readonly limit: { lines: number; everyMs: number },
  ) {}

  /**
   * Whether a line about this thing may be written now.
   * @returns undefined when not; else how many lines were left out in the period before, which only the first line of
   * a period tells.
   */
  admit(thing: string): number | undefined {
    const now = this.clock.now();
    let leftOut = 0;
    if (now - this.since >= this.limit.everyMs) {
      leftOut = this.leftOut;
      this.told.clear();
      this.leftOut = 0;
      this.since = now;
    }
    if (this.told.has(thing) || this.told.size >= this.limit.lines) {
      this.leftOut++;
      return undefined;
    }
    this.told.add(thing);
    return leftOut;
  }
}
