import t from 'tap';
import { Lines } from './lines.js';

t.test('lines come whole, whatever parts their bytes come in', async (t) => {
  const printed: string[] = [];
  const lines = new Lines((line) => printed.push(line));
  for (const byte of Buffer.from('größe\r\n\u001b[2Jtwo\nthree')) lines.take(Uint8Array.of(byte));
  t.equal(printed[0], 'größe');
  t.notMatch(printed[1], '\u001b', 'nothing reaches the terminal as it is');
  t.equal(printed.length, 2);
  lines.end();
  t.equal(printed[2], 'three');
});

t.test('a line without an end does not grow for ever', async (t) => {
  let length = 0;
  const lines = new Lines((line) => {
    length += line.length;
  });
  const part = Buffer.alloc(10_000, 'x');
  for (let at = 0; at < 100; at++) lines.take(part);
  t.ok(length > 900_000, `${length} of 1,000,000 characters are printed`);
});
