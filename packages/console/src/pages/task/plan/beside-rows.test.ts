import t from 'tap';
import { lineDiff } from '../../catalog/line-diff.js';
import { besideEachOther } from './beside-rows.js';

const rows = (before: string, after: string) =>
  besideEachOther(lineDiff(before, after)).map((row) =>
    'left' in row
      ? `… ${row.left}`
      : `${row.isChanged ? '*' : ' '} ${row.before?.number ?? ''} ${row.before?.text ?? ''} | ${row.after?.number ?? ''} ${row.after?.text ?? ''}`,
  );

t.test('what came stands beside what went', async (t) => {
  t.strictSame(rows('a\nb\nc', 'a\nx\ny\nc'), ['  1 a | 1 a', '* 2 b | 2 x', '*   | 3 y', '  3 c | 4 c']);
  t.strictSame(rows('a\nb\nc\nd', 'a\nd'), ['  1 a | 1 a', '* 2 b |  ', '* 3 c |  ', '  4 d | 2 d']);
  t.strictSame(rows('', 'new'), ['*   | 1 new']);
});

t.test('long parts without a change are counted', async (t) => {
  const many = Array.from({ length: 20 }, (_, n) => `line ${n}`);
  const changed = many.map((line, n) => (n === 10 ? 'other' : line));
  const shown = rows(many.join('\n'), changed.join('\n'));
  t.equal(shown[0], '… 7');
  t.equal(shown[4], '* 11 line 10 | 11 other');
  t.equal(shown.at(-1), '… 6');
  t.equal(shown.length, 9);
});
