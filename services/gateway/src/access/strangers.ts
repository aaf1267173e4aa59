import type { ServerResponse } from 'node:http';

/** Most look-ups at once for addresses that have failed too often. Each is one read by a primary key. */
const AT_ONCE = 16;
/** Most requests that wait for such a look-up; any further one is refused. */
const MAX_WAITING = 1_000;

/**
 * Look-ups of tokens that were not valid here lately, from addresses with too many failed requests. A good token may
 * come from such an address, too (behind one address translation, through one proxy, beside a broken client), so each
 * token is looked up; but only a few at once, so that guesses cost the access service little.
 */
export class Strangers {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /**
   * Waits for the turn of a request, which lasts until its answer is sent or its client is gone.
   * @returns false if too many requests wait already.
   */
  enter(response: ServerResponse): Promise<boolean> {
    return new Promise((resolve) => {
      const answered = new Promise<true>((done) => {
        for (const event of ['finish', 'close']) response.once(event, () => done(true));
      });
      const turn = this.inTurn(() => {
        resolve(true);
        return response.destroyed ? Promise.resolve(true) : answered;
      });
      turn.then((had) => resolve(had === true));
    });
  }

  /** The result of the look-up; undefined if too many requests wait already. */
  async inTurn<T>(lookUp: () => Promise<T>): Promise<T | undefined> {
    if (this.running >= AT_ONCE) {
      if (this.waiting.length >= MAX_WAITING) return undefined;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else this.running++;
    try {
      return await lookUp();
    } finally {
      const next = this.waiting.shift();
      // The next request takes over the place.
      if (next) next();
      else this.running--;
    }
  }
}
