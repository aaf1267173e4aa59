import t from 'tap';
import { describeUsers } from './users-of.js';

const named = (count: number) => Array.from({ length: count }, (_, n) => ({ id: n + 1, name: `web-${n}` }));

t.test('the first few are named, the others counted', async (t) => {
  t.equal(describeUsers('pool', named(1)), 'pool web-0 (id 1)');
  t.equal(describeUsers('pool', named(3)), 'pools web-0 (id 1), web-1 (id 2), web-2 (id 3)');
  t.equal(describeUsers('pool', named(5)), 'pools web-0 (id 1), web-1 (id 2), web-2 (id 3) and 2 more');
  t.equal(describeUsers('pool', named(3), 70), 'pools web-0 (id 1), web-1 (id 2), web-2 (id 3) and 67 more');
});
