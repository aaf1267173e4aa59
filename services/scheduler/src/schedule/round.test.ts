import type { DependItem } from '@rigel/contracts';
import t from 'tap';
import type { PoolChange } from '../operations/record-pool-changes.js';
import { step } from '../testing/task.js';
import { gateFor, roundOf, targetFor } from './round.js';

const on = (pool_id: number, values: Partial<DependItem> = {}): DependItem => ({
  id: pool_id,
  pool_id,
  ratio: 0.5,
  elastic_count: 2,
  step_name: 'start',
  ignore: false,
  ...values,
});
const known =
  (items: Record<number, DependItem[]>) =>
  (pool: number): DependItem[] =>
    items[pool] ?? [];

t.test('how many nodes a pool has to have for another', async (t) => {
  t.equal(targetFor(5, on(1)), 5, 'half of them, rounded up, and two to spare');
  t.equal(targetFor(0, on(1)), 2);
  t.equal(targetFor(30, on(1, { ratio: 0.1, elastic_count: 0 })), 3, 'not 4');
  t.equal(targetFor(7, on(1, { ratio: 1.1, elastic_count: 0 })), 8);
  t.equal(targetFor(200, on(1, { ratio: 0, elastic_count: 1 })), 1);
});

t.test('each pool comes after those that it depends on, what is ignored not at all', async (t) => {
  const round = roundOf(1, 8, known({ 1: [on(2), on(9, { ignore: true })], 2: [on(3)] }));
  t.match(round, [
    { pool: 3, target: 5, dependencies: [] },
    { pool: 2, target: 6, dependencies: [{ pool_id: 3 }] },
    { pool: 1, target: 8, dependencies: [{ pool_id: 2 }] },
  ]);
  t.equal(round.length, 3);
});

t.test('a pool that several depend on has enough for each', async (t) => {
  const items = { 1: [on(2), on(3, { ratio: 2 })], 2: [on(4, { ratio: 1 })], 3: [on(4, { ratio: 1 })] };
  const targets = roundOf(1, 4, known(items)).map(({ pool, target }) => [pool, target]);
  t.strictSame(targets, [
    [4, 12],
    [2, 4],
    [3, 10],
    [1, 4],
  ]);
});

const operation = (pool: number, kind: PoolChange['kind'], ...steps: string[]): [number, PoolChange] => [
  pool,
  {
    kind,
    pool: { id: pool, name: `pool-${pool}` },
    num: 0,
    leftOut: [],
    task: { steps: steps.map((name) => step(name)) } as PoolChange['task'],
  },
];

t.test('who grows waits before the last step, who shrinks before the first', async (t) => {
  const gate = (own: [number, PoolChange], ...others: [number, PoolChange][]) =>
    gateFor(own[1], [on(2), on(3)], new Map(others), 60_000);
  const grows = operation(1, 'expand', 'create_vm', 'start', 'register');
  t.strictSame(
    gate(
      grows,
      operation(2, 'expand', 'create_vm', 'start', 'start', 'x'),
      operation(3, 'expand', 'create_vm', 'start'),
    ),
    {
      before: 2,
      limitMs: 60_000,
      waitsFor: [
        { pool: 2, step: 2, stepName: 'start' },
        { pool: 3, step: 1, stepName: 'start' },
      ],
    },
  );
  const shrinks = operation(1, 'shrink', 'unregister', 'return_vm');
  t.strictSame(gate(shrinks, operation(2, 'shrink', 'unregister', 'return_vm')), {
    before: 0,
    limitMs: 60_000,
    waitsFor: [{ pool: 2, step: 1, stepName: 'return_vm' }],
  });
  t.match(gate(operation(1, 'deploy', 'a', 'b'), operation(2, 'deploy', 'start')), { before: 1 });
  t.equal(gate(grows), undefined, 'the others have nothing to do');
  t.equal(gate(grows, operation(2, 'shrink', 'return_vm')), undefined, 'one that shrinks has enough');
  t.equal(gate(shrinks, operation(2, 'expand', 'create_vm', 'start')), undefined);
  t.throws(() => gate(grows, operation(2, 'expand', 'create_vm')), {
    code: 'wrong_state',
    message: /expand pool .*pool-2.* has no step .*start/,
  });
});
