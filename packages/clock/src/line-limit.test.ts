import t from 'tap';
import { LineLimit } from './line-limit.js';

t.test('one line about each thing and few lines in a period; the rest is counted', async (t) => {
  let now = 1_000;
  const limit = new LineLimit({ now: () => now }, { lines: 2, everyMs: 60_000 });
  t.same(
    [limit.admit('a'), limit.admit('a'), limit.admit('b'), limit.admit('c')],
    [0, undefined, 0, undefined],
  );
  now += 59_999;
  t.equal(limit.admit('d'), undefined);
  now += 1;
  t.same([limit.admit('a'), limit.admit('b')], [3, 0], 'the first line of the next period tells how many');
  now += 60_000;
  t.equal(limit.admit('a'), 0, 'none was left out since');
});
