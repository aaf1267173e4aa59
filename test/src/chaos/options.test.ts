import t from 'tap';
import { Random } from '../support/random.js';
import { readOptions } from './options.js';

t.test('options of chaos: given ones count, wrong ones are named', async (t) => {
  t.match(readOptions(['--', '--rounds', '3', '--seed', '0', '--nodes', '40']), {
    rounds: 3,
    seed: 0,
    nodes: 40,
    stopEvery: 4,
  });
  t.throws(() => readOptions(['--round', '3']), { message: /no option --round;.* --rounds/ });
  t.throws(() => readOptions(['--rounds', 'many']), { message: /--rounds must be .* not many/ });
  t.throws(() => readOptions(['--nodes']), { message: /--nodes must be .* not nothing/ });
  t.throws(() => readOptions(['--nodes', '3']), { message: /from 4 to/ });
});

t.test('the same seed gives the same numbers', async (t) => {
  const numbers = (seed: number): number[] => {
    const random = new Random(seed);
    return Array.from({ length: 100 }, () => random.below(1_000));
  };
  t.same(numbers(7), numbers(7));
  t.not(`${numbers(7)}`, `${numbers(8)}`);
  t.ok(numbers(7).every((n) => n >= 0 && n < 1_000));
  t.throws(() => new Random(1).pick([]), { message: /nothing to pick/ });
});
