import t from 'tap';
import { gridPicture, legend } from './grid-picture.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: sequences of a terminal are what this is about
const SEQUENCE = /\u001b\[[\d;]*m/g;
const bare = (line: string): string => line.replace(SEQUENCE, '');

t.test('10,000 nodes have room in 100 × 50 characters', async (t) => {
  const { lines, each } = gridPicture(new Uint8Array(10_000).fill(2), 100, 50, {
    letters: false,
    colour: true,
  });
  t.equal(each, 1);
  t.equal(lines.length, 50);
  for (const line of lines) t.equal(bare(line), '█'.repeat(100));
  t.ok(lines.join('').length < 8_000, 'a colour is said where it changes, not for each node');
});

t.test('a half block has the colours of two nodes, and the last line may end in its middle', async (t) => {
  const { lines } = gridPicture(Uint8Array.of(2, 3, 0, 2, 1), 2, 5, { letters: false, colour: true });
  t.strictSame(lines.map(bare), ['▀▀', '▀']);
  t.match(lines[0], '\u001b[0;38;5;35;48;5;240m▀\u001b[0;38;5;203;48;5;35m▀');
});

t.test('without colours each node is a letter', async (t) => {
  const { lines } = gridPicture(Uint8Array.of(0, 1, 2, 3, 4, 2), 4, 5, { letters: true, colour: false });
  t.strictSame(lines, ['.o#x', '-#']);
});

t.test('where nodes share a place, a failed one is seen', async (t) => {
  const states = new Uint8Array(1_000).fill(2);
  states[777] = 3;
  const { lines, each } = gridPicture(states, 10, 5, { letters: true, colour: false });
  t.equal(each, 20);
  t.equal(lines.length, 5);
  t.equal(lines.join('').indexOf('x'), Math.floor(777 / 20));
});

t.test('the legend counts', async (t) => {
  t.equal(
    legend([1, 2, 3_000, 4, 5], ['waits', 'running', 'succeeded', 'failed', 'halted'], {
      letters: true,
      colour: false,
    }),
    '. 1 waits  o 2 running  # 3,000 succeeded  x 4 failed  - 5 halted',
  );
});
