/** Look-ups at once for addresses that have failed too often. Each is one read by a primary key. */
const AT_ONCE = 16;
/** Who waits for one of them; more are turned away. */
const MAX_WAITING = 1_000;

/**
 * The look-ups of tokens that nobody has seen valid lately, from addresses from which too many requests have failed. A good token may
 * come from there, too (behind one address translation, through one proxy, beside a broken client), so each is looked up; but only
 * a few at once, so that guesses cost the access service little however many come.
 */
export class Strangers {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** What the look-up comes to; undefined when too many wait already. */
  async inTurn<T>(lookUp: () => Promise<T>): Promise<T | undefined> {
    if (this.running >= AT_ONCE) {
      if (this.waiting.length >= MAX_WAITING) return undefined;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else this.running++;
    try {
      return await lookUp();
    } finally {
      const next = this.waiting.shift();
      // Whoever comes next takes over the place.
      if (next) next();
      else this.running--;
    }
  }
}
