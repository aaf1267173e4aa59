import fc from 'fast-check';
import t from 'tap';
import { ConnectionLost } from './connection-lost.js';
import { FrameParser } from './frame-parser.js';

const nonce = 'abcabd';

function parse(stream: Buffer, cuts: number[]): { frames: [line: string, data: string][]; noise: string } {
  const frames: [string, string][] = [];
  const parser = new FrameParser(nonce, {
    control: (line) => frames.push([line, '']),
    data: (chunk) => {
      const last = frames.at(-1);
      if (last === undefined) throw new Error('data before any control line');
      last[1] += chunk.toString('latin1');
    },
  });
  let from = 0;
  for (const cut of [...cuts.map((c) => c % (stream.length + 1)).sort((a, b) => a - b), stream.length]) {
    parser.push(stream.subarray(from, cut));
    from = cut;
  }
  parser.end();
  return { frames, noise: parser.noise };
}

/** Data that comes as near to a control line as it can without knowing the nonce. */
const data = fc
  .array(fc.constantFrom('\n', '\nabc', '\nabcab', '\nabcabc ', 'abcabd ', 'x', '\0', ' '), { maxLength: 12 })
  .map((parts) => parts.join(''))
  .filter((text) => !`${text}\n`.includes(`\n${nonce} `));

t.test('however the stream is cut, the frames are the same', async (t) => {
  fc.assert(
    fc.property(
      data,
      fc.array(fc.tuple(fc.constantFrom('out 0', 'end exit 0 0 0', '.'), data), { maxLength: 6 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      (noise, frames, cuts) => {
        const stream = noise + frames.map(([line, text]) => `\n${nonce} ${line}\n${text}`).join('');
        const parsed = parse(Buffer.from(stream, 'latin1'), cuts);
        return JSON.stringify(parsed) === JSON.stringify({ frames, noise });
      },
    ),
    { numRuns: 2000 },
  );
  t.pass('held for 2000 streams');
});

t.test('only the beginning of long noise is kept', async (t) => {
  const { noise, frames } = parse(Buffer.from(`${'n'.repeat(5000)}\n${nonce} found\n`), [100, 2000]);
  t.equal(noise, 'n'.repeat(300));
  t.same(frames, [['found', '']]);
});

t.test('a control line without an end is refused before it fills the memory', async (t) => {
  for (const size of [1, 1000, 4096]) {
    const parser = new FrameParser('nonce', { control: () => t.fail('control'), data: () => undefined });
    parser.push(Buffer.from('\nnonce end '));
    let sent = 0;
    const feed = (): void => {
      for (; sent < 100_000; sent += size) parser.push(Buffer.alloc(size, 'x'));
    };
    t.throws(feed, new ConnectionLost('the node sent a control line of more than 4096 bytes'));
    t.ok(sent < 3 * 4096, `after ${sent} bytes`);
  }
  const parser = new FrameParser('nonce', { control: () => t.fail('control'), data: () => undefined });
  t.throws(() => parser.push(Buffer.from(`\nnonce ${'x'.repeat(5000)}\n`)), ConnectionLost, 'also with one');
});
