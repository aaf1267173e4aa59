import t from 'tap';
import { BodiesInFlight } from '../failures.js';
import { BodyBudget } from './body-budget.js';

const MIB = 1024 * 1024;
const client = (name: string) => () => ({ key: name, name });

t.test('a client has its share, and all clients together the whole', async (t) => {
  const budget = new BodyBudget({ all: 5 * MIB, each: 2 * MIB });
  const [ann, other] = [budget.claim(client('token ann')), budget.claim(client('token ann'))];
  ann.atLeast(2 * MIB);
  t.throws(() => other.atLeast(MIB), {
    name: 'BodiesInFlight',
    message:
      'the bodies of token ann that are under way would have more than 2 MiB together (RIGEL_HTTP_BODIES_PER_CLIENT): send one ' +
      'after the other',
  });
  budget.claim(client('token bob')).atLeast(2 * MIB);
  const last = budget.claim(client('token eve'));
  t.throws(() => last.atLeast(2 * MIB), {
    message:
      'the bodies that are under way here would have more than 5 MiB together (RIGEL_HTTP_BODIES): try again later',
  });
  t.equal(budget.bytes, 4 * MIB, 'what was refused takes nothing');
  last.atLeast(MIB);
  ann.release();
  ann.release();
  t.equal(budget.bytes, 3 * MIB);
  other.atLeast(2 * MIB);
});

t.test('small bodies always find room; one that grows is counted once', async (t) => {
  const budget = new BodyBudget({ all: MIB, each: MIB });
  budget.claim(client('a')).atLeast(MIB);
  budget.claim(client('a')).atLeast(16 * 1024);
  t.equal(budget.bytes, MIB);
  const growing = new BodyBudget({ all: MIB, each: MIB });
  const claim = growing.claim(client('a'));
  for (let bytes = 10_000; bytes <= 1_000_000; bytes += 10_000) claim.atLeast(bytes);
  t.equal(growing.bytes, 1_000_000);
  t.throws(() => claim.atLeast(MIB + 1), BodiesInFlight);
  claim.release();
  t.equal(growing.bytes, 0);
});
