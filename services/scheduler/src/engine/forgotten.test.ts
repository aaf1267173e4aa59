import { silentLogger } from '@rigel/testing';
import t from 'tap';
import { Forgotten } from './forgotten.js';

t.test('work on tasks that do not exist is told once, and let go of each time', async (t) => {
  const errors: { task: number; executor: string }[] = [];
  const released: [string, number[]][] = [];
  const looked: number[][] = [];
  let now = 0;
  const forgotten = new Forgotten({
    clock: { now: () => now },
    existing: async (ids) => {
      looked.push([...ids]);
      return new Set(ids.filter((id) => id < 10));
    },
    release: (executor, leases) => released.push([executor, leases.map(({ run_id }) => run_id)]),
    log: { ...silentLogger, error: (data: never) => errors.push(data) } as unknown as typeof silentLogger,
  });
  const lease = (task_id: number, run_id: number) => ({ task_id, run_id, lease: 1, why: 'lost' as const });

  await forgotten.check('a', [lease(9, 1), lease(17, 2), lease(17, 3)]);
  t.same(looked, [[9, 17]]);
  t.match(errors, [{ task: 17, executor: 'a' }]);
  t.same(released, [['a', [2, 3]]]);

  await forgotten.check('a', [lease(9, 1)]);
  t.equal(looked.length, 1, 'what was found is not looked up again');
  await forgotten.check('b', [lease(9, 1), lease(17, 4)]);
  t.same(released.at(-1), ['b', [4]]);
  t.equal(errors.length, 1, 'each task is told of once');

  forgotten.idReused(3, 'uuid', 'a');
  forgotten.idReused(3, 'uuid', 'b');
  t.match(errors.slice(1), [{ task: 3, executor: 'a' }]);

  errors.length = 0;
  for (let id = 100; id < 200; id++) forgotten.idReused(id, 'made-up', 'a');
  t.ok(errors.length <= 20, 'made-up tasks do not flood the log');
  now += 60_000;
  forgotten.idReused(199, 'made-up', 'a');
  t.match(errors.slice(-2), [{ more: Number }, { task: 199 }]);
});
