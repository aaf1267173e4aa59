import type { Clock } from '@rigel/clock';

/** Lines in a minute at most. */
const LINES = 20;
const MINUTE_MS = 60_000;

/**
 * Keeps what executors can bring about from filling the log, since names and numbers can be made up: each thing is told of once a minute, and
 * of few things.
 */
export class FewLines {
  private told = new Set<string>();
  private untold = 0;
  private since = 0;

  /** @param more is called with how often something was not told, before what is told in the next minute */
  constructor(
    private readonly clock: Pick<Clock, 'now'>,
    private readonly more: (untold: number) => void,
  ) {}

  /** Whether this is to be told now. */
  tells(thing: string): boolean {
    const now = this.clock.now();
    if (now - this.since >= MINUTE_MS) {
      if (this.untold > 0) this.more(this.untold);
      this.told = new Set();
      this.untold = 0;
      this.since = now;
    }
    if (this.told.has(thing) || this.told.size >= LINES) {
      this.untold++;
      return false;
    }
    this.told.add(thing);
    return true;
  }
}
