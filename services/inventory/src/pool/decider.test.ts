import { storyOf } from '@rigel/testing';
import t from 'tap';
import { type PoolCommand, type PoolEvent, poolDecider } from './decider.js';

const given = storyOf(poolDecider);

const web = {
  id: 5,
  name: 'web',
  desc: '',
  vm_type: 1,
  sd_id: 2,
  service_id: 3,
  tasks: { expand: 7, deploy: 8 },
};
const created: PoolEvent = { type: 'PoolCreated', data: web };

t.test('a pool is created, changed and deleted', async (t) => {
  given()
    .when({ do: 'create', ...web, name: 'web ' })
    .gives(t, [created]);
  const changed: PoolEvent = { type: 'PoolChanged', data: { id: 5, vm_type: 9 } };
  given(created)
    .when({ do: 'change', ...web, vm_type: 9 })
    .gives(t, [changed]);
  given(created, changed).when({ do: 'change', id: 5, vm_type: 9 }).gives(t, []);
  given(created, changed)
    .when({ do: 'delete', id: 5 })
    .gives(t, [{ type: 'PoolDeleted', data: { id: 5 } }]);
});

t.test('new tasks replace the old ones, in whatever order they are written', async (t) => {
  given(created)
    .when({ do: 'change', id: 5, tasks: { deploy: 8, expand: 7 } })
    .gives(t, []);
  given(created)
    .when({ do: 'change', id: 5, tasks: { deploy: 8 } })
    .gives(t, [{ type: 'PoolChanged', data: { id: 5, tasks: { deploy: 8 } } }]);
});

t.test('a pool does not move to another service', async (t) => {
  given(created).when({ do: 'change', id: 5, service_id: 3 }).gives(t, []);
  given(created).when({ do: 'change', id: 5, service_id: 4, desc: 'x' }).refused(t, {
    code: 'invalid',
    field: 'service_id',
    message: 'service_id must be 3: a pool does not move to another service (got 4)',
  });
});

t.test('numbers too large to be exact, or negative, are refused', async (t) => {
  const wrong: [string, object, string][] = [
    ['vm_type', { vm_type: 1e300 }, 'vm_type is too large (got 1e+300)'],
    ['vm_type', { vm_type: -1 }, 'vm_type must not be negative (got -1)'],
    ['sd_id', { sd_id: -1e300 }, 'sd_id must not be negative (got -1e+300)'],
    ['sd_id', { sd_id: -7 }, 'sd_id must not be negative (got -7)'],
    ['tasks', { tasks: { shrink: 2 ** 53 } }, `tasks is too large (got ${2 ** 53})`],
    ['tasks', { tasks: { expand: -3 } }, 'tasks must not be negative (got -3)'],
  ];
  for (const [field, values, message] of wrong) {
    given()
      .when({ do: 'create', ...web, ...values })
      .refused(t, { code: 'invalid', field, message });
    given(created)
      .when({ do: 'change', id: 5, ...values })
      .refused(t, { code: 'invalid', field, message });
  }
  const none = { vm_type: 0, sd_id: 0 };
  t.match(
    given()
      .when({ do: 'create', ...web, ...none })
      .events(),
    [{ type: 'PoolCreated', data: none }],
  );
});

t.test('a deleted pool is gone', async (t) => {
  const history: PoolEvent[] = [created, { type: 'PoolDeleted', data: { id: 5 } }];
  given(...history)
    .when({ do: 'change', id: 5, desc: 'x' })
    .refused(t, { code: 'not_found' });
  given(...history)
    .when({ do: 'delete', id: 5 })
    .refused(t, { code: 'not_found' });
});

t.test('a pool is protected once, and until its protection ends', async (t) => {
  const on: PoolEvent = { type: 'PoolChanged', data: { id: 5, protected: true } };
  const off: PoolEvent = { type: 'PoolChanged', data: { id: 5, protected: false } };
  const protect: PoolCommand = { do: 'protect', id: 5, protected: true };
  const end: PoolCommand = { do: 'protect', id: 5, protected: false };
  given(created).when(protect).gives(t, [on]);
  given(created, on).when(protect).gives(t, []);
  given(created, on).when(end).gives(t, [off]);
  given(created).when(end).gives(t, [], 'no pool is protected from the beginning');
  given(created, on, off).when(end).gives(t, []);
  given(created, on)
    .when({ do: 'change', id: 5, desc: 'x' })
    .gives(t, [{ type: 'PoolChanged', data: { id: 5, desc: 'x' } }], 'a change leaves it');
  given().when(protect).refused(t, { code: 'not_found' });
});
