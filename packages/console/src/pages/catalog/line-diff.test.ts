import t from 'tap';
import { asText, lineDiff } from './line-diff.js';

const marks = (before: string, after: string) =>
  lineDiff(before, after).map(({ kind, text }) => `${{ same: ' ', removed: '-', added: '+' }[kind]}${text}`);

t.test('a difference keeps as many lines as possible', async (t) => {
  t.strictSame(marks('a\nb\nc', 'a\nx\nc\nd'), [' a', '-b', '+x', ' c', '+d']);
  t.strictSame(marks('', 'a'), ['+a']);
  t.strictSame(marks('a', ''), ['-a']);
  t.strictSame(marks('', ''), []);
});

t.test('the text before and after follow from the difference, also of very long texts', async (t) => {
  const long = Array.from({ length: 2_000 }, (_, n) => `line ${n}`).join('\n');
  for (const [before, after] of [
    ['a\nb\nb\nc', 'b\nc\nb'],
    [long, `${long}\nlast`],
  ] as const) {
    const diff = lineDiff(before, after);
    const side = (left: string) =>
      diff
        .filter(({ kind }) => kind !== left)
        .map(({ text }) => text)
        .join('\n');
    t.equal(side('added'), before);
    t.equal(side('removed'), after);
  }
});

t.test('an implementation is compared by its text, other values by their JSON', async (t) => {
  t.equal(asText({ action: { module: 'shell', args: 'true' } }), 'true');
  t.equal(
    asText({ action: { module: 'copy', args: 'true' } }),
    JSON.stringify({ action: { module: 'copy', args: 'true' } }, null, 2),
  );
  t.equal(asText(null), '');
  t.equal(asText('x'), 'x');
});
