import { newExecutor } from '@rigel/contracts';
import fc from 'fast-check';
import t from 'tap';
import { TaskUnderTest, taskCreated } from '../testing/task.js';
import { whyNotTheirs } from './lease.js';
import { runAt } from './state.js';

const UUID = '00000000-0000-4000-8000-000000000001';
const EXECUTORS = [
  newExecutor('executor-1'),
  newExecutor('executor-2'),
  { name: 'executor-3-0a1b2c', key: undefined },
];

t.test(
  'a lease is spoken for by the key that claimed it, also once it is over; older ones by their number',
  async () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ claims: fc.nat(2), over: fc.boolean() }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 14 }),
        fc.constantFrom(...EXECUTORS.map(({ key }) => key), 'AAAAAAAAAAAAAAAAAAAAAA'),
        fc.constantFrom(UUID, undefined),
        (history, lease, key, uuid) => {
          const task = new TaskUnderTest(taskCreated(1));
          let last = EXECUTORS[0] as (typeof EXECUTORS)[number];
          for (const { claims, over } of history) {
            last = EXECUTORS[claims] as (typeof EXECUTORS)[number];
            task.claim(0, last.name);
            const given = runAt(task.state, 0).lease;
            task.do(
              over
                ? { do: 'expireLease', run: 0, lease: given }
                : { do: 'handBack', run: 0, lease: given, idle: false },
            );
          }
          const refused = whyNotTheirs(runAt(task.state, 0), lease, { key, uuid });
          const theirs = last.key === undefined || (key === last.key && uuid !== undefined);
          return (refused === undefined) === (lease !== history.length || theirs);
        },
      ),
      { numRuns: 300 },
    );
  },
);

t.test('a refusal names the lease and its executor, and neither the key nor another way in', async (t) => {
  const { name, key } = newExecutor('executor-1');
  const task = new TaskUnderTest(taskCreated(1));
  task.claim(0, name);
  const run = runAt(task.state, 0);
  t.equal(
    whyNotTheirs(run, 1, { uuid: UUID }),
    `lease 1 of run 1 belongs to ${name}, and the message came without the key of that executor`,
  );
  t.equal(
    whyNotTheirs(run, 1, { key }),
    `lease 1 of run 1 belongs to ${name}, and the message came without the uuid of the task`,
  );
  t.equal(whyNotTheirs(run, 1, { key, uuid: UUID }), undefined);
});
