import t from 'tap';
import type { RecordedEvent } from '../log/event.js';
import type { History } from '../log/event-store.js';
import { replay } from './replay.js';

/** A history whose events have so many characters each, and how many of them were read at once. */
function historyOf(sizes: readonly number[]): History & { read: number[] } {
  const events = sizes.map(
    (size, index): RecordedEvent => ({
      position: index + 1,
      stream: 's',
      version: index + 1,
      type: 'Happened',
      schema: 1,
      data: { text: 'x'.repeat(size) },
      meta: { correlationId: 'c', actor: 'a' },
      recordedAt: 0,
    }),
  );
  const read: number[] = [];
  return {
    read,
    head: async () => events.length,
    after: async (position, limit) => {
      const found = events.slice(position, position + limit);
      read.push(found.length);
      return found;
    },
  };
}

const positions = async (history: History, after: number, limit: number) =>
  (await replay(history, after, limit)).map(({ position }) => position);
const count = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n);

t.test('small events come as many as are asked for', async (t) => {
  const history = historyOf(Array(700).fill(10));
  t.strictSame(await positions(history, 0, 500), count(1, 500));
  t.strictSame(await positions(history, 650, 500), count(651, 700));
  t.strictSame(await positions(history, 3, 1), [4]);
  t.strictSame(await positions(history, 700, 500), []);
});

t.test(
  'large ones come a few at a time, and never fewer than two: the first may be known already',
  async (t) => {
    const megabyte = 1_048_576;
    const history = historyOf([...Array(250).fill(megabyte), ...Array(3).fill(9 * megabyte)]);
    t.strictSame(await positions(history, 0, 501), count(1, 8));
    t.ok(Math.max(...history.read) <= 100, 'not all of them were read for it');
    t.strictSame(await positions(history, 250, 501), [251, 252]);
    t.strictSame(await positions(history, 252, 501), [253]);
  },
);
