import type { OutputRange } from '@rigel/api-client';
import t from 'tap';
import { OutputLines, type OutputRow } from './output-lines.js';

const all = (text: string | Buffer): Buffer => Buffer.from(text);

function range(output: Buffer, from: number, to: number, gap?: [number, number]): OutputRange {
  const pieces: [number, number][] = gap
    ? [
        [from, gap[0]],
        [gap[1], to],
      ]
    : [[from, to]];
  return {
    bytes: output.length,
    stored: output.length,
    dropped: gap ? gap[1] - gap[0] : 0,
    lines: output.toString('latin1').split('\n').length,
    from,
    to,
    open: false,
    parts: pieces.map(([begin, end]) => ({
      from: begin,
      to: end,
      line: output.subarray(0, begin).toString('latin1').split('\n').length,
      stored_at: null,
      text: output.subarray(begin, end).toString('base64'),
    })),
  };
}

const shown = (rows: readonly OutputRow[]): (string | number)[][] =>
  rows.map((row) => (row.kind === 'gap' ? ['gap', row.at, row.bytes] : [row.line, row.at, row.text]));

t.test('lines have their numbers and places, in whatever ranges they come', async (t) => {
  const output = all('one\r\ntwo é\n\nlast');
  const whole = new OutputLines();
  whole.take(range(output, 0, output.length));
  t.strictSame(shown(whole.rows), [
    [1, 0, 'one'],
    [2, 5, 'two é'],
    [3, 12, ''],
    [4, 13, 'last'],
  ]);
  for (let cut = 1; cut < output.length; cut++) {
    const lines = new OutputLines();
    lines.take(range(output, cut, output.length));
    lines.take(range(output, 0, cut));
    t.strictSame(shown(lines.rows), shown(whole.rows), `the end first, from ${cut}`);
    const other = new OutputLines();
    other.take(range(output, 0, cut));
    other.take(range(output, cut, output.length));
    t.strictSame(shown(other.rows), shown(whole.rows), `the beginning first, to ${cut}`);
  }
});

t.test('what was left out is a row with its size', async (t) => {
  const output = all('head\nxxxxxxxxxx\ntail\n');
  const lines = new OutputLines();
  lines.take(range(output, 0, output.length, [5, 16]));
  t.strictSame(shown(lines.rows), [
    [1, 0, 'head'],
    ['gap', 5, 11],
    [3, 16, 'tail'],
  ]);
});

t.test('a megabyte without a line end is shown in rows, and bytes that are no text do no harm', async (t) => {
  const output = Buffer.concat([
    Buffer.from('é'.repeat(500_000)),
    Buffer.from([0xff, 0xfe, 0x80, 0x80, 0x80, 0x80]),
  ]);
  const lines = new OutputLines();
  lines.take(range(output, 0, output.length));
  t.ok(lines.rows.length >= 500);
  t.ok(lines.rows.every((row) => row.kind === 'line' && row.line === 1 && row.text.length <= 2_000));
  t.equal(
    lines.rows
      .map((row) => (row.kind === 'line' ? row.text : ''))
      .join('')
      .replaceAll('\ufffd', ''),
    'é'.repeat(500_000),
  );
  t.ok(lines.rows.slice(1).every((row) => row.kind === 'line' && row.continues));
});

t.test('a place elsewhere replaces what was loaded; rows are found by byte and by line', async (t) => {
  const output = all(Array.from({ length: 100 }, (_, n) => `line ${n + 1}\n`).join(''));
  const lines = new OutputLines();
  lines.take(range(output, 0, 70));
  lines.take(range(output, 400, 500));
  t.equal(lines.from, 400);
  const [first] = lines.rows;
  t.ok(first?.kind === 'line' && first.line > 40);
  t.equal(lines.rowOf({ at: 400 }), 0);
  t.equal(lines.rowOf({ line: 1 }), -1);
});
