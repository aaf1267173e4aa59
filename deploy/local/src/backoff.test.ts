import t from 'tap';
import { Backoff, DEFAULT_BACKOFF } from './backoff.js';

t.test(
  'waits double from half a second to half a minute, and start over after a minute of life',
  async (t) => {
    const backoff = new Backoff(DEFAULT_BACKOFF);
    const waits = Array.from({ length: 8 }, () => backoff.next(1_000));
    t.strictSame(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    t.equal(backoff.next(59_999), 30_000);
    t.equal(backoff.next(60_000), 500);
    t.equal(backoff.next(0), 1_000);
  },
);
