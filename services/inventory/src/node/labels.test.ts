import { inventory, type Labels, matches, parseSelector, tasks } from '@rigel/contracts';
import { startTestServers } from '@rigel/testing';
import fc from 'fast-check';
import pg from 'pg';
import t, { type Test } from 'tap';
import { assertReplayable, startInventoryForTest } from '../testing/inventory.js';

/*
 * Labels of nodes and pools, and what selectors and selections find, on a real PostgreSQL.
 */

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call, bus, stop } = await startInventoryForTest(servers);
t.teardown(stop);
bus.serve(tasks.reserveNodes, async () => ({}));

const cluster = await call(inventory.createCluster, { name: 'c', desc: '', biz: '' });
const service = await call(inventory.createService, {
  name: 's',
  desc: '',
  service_type: '',
  docker_image: '',
  cluster_id: cluster.id,
});
const poolFields = { desc: '', vm_type: 0, sd_id: 0, service_id: service.id, tasks: {} };
const shop = await call(inventory.createPool, {
  name: 'shop',
  ...poolFields,
  labels: { tier: 'front', zone: 'a' },
});
const plain = await call(inventory.createPool, { name: 'plain', ...poolFields });

/** That an operation is refused so. */
async function refused(t: Test, operation: Promise<unknown>, facts: object, what = 'refused'): Promise<void> {
  t.match(
    await operation.then(
      () => 'it was done',
      (error: unknown) => error,
    ),
    facts,
    what,
  );
}

const labelsOf = async (id: number) => (await call(inventory.getNode, { id })).labels;
const namesOf = async (id: number) =>
  (await call(inventory.history, { kind: 'node', id, limit: 10 })).entries.map(({ change }) => change);

t.test('nodes that enter get the labels of their pool, and their own over them', async (t) => {
  t.strictSame((await call(inventory.getPool, shop)).labels, { tier: 'front', zone: 'a' });
  t.strictSame((await call(inventory.getPool, plain)).labels, {});
  const { ids } = await call(inventory.addNodes, {
    pool_id: shop.id,
    nodes: ['10.0.0.1', '10.0.0.2'],
    labels: { zone: 'b', role: 'web' },
  });
  for (const id of ids) t.strictSame(await labelsOf(id), { role: 'web', tier: 'front', zone: 'b' });
  const made = await call(inventory.planNodes, { pool_id: shop.id, count: 1, node_type: 'manual' });
  t.strictSame(await labelsOf(made.ids[0] as number), { tier: 'front', zone: 'a' });
  const bare = await call(inventory.addNodes, { pool_id: plain.id, nodes: ['10.0.0.3'] });
  t.strictSame(await labelsOf(bare.ids[0] as number), {});

  await call(inventory.updatePool, { id: shop.id, labels: { zone: 'c' } });
  t.strictSame((await call(inventory.getPool, shop)).labels, { zone: 'c' });
  t.strictSame(
    await labelsOf(ids[0] as number),
    { role: 'web', tier: 'front', zone: 'b' },
    'nodes keep theirs',
  );
  await call(inventory.updatePool, { id: shop.id, desc: 'x' });
  t.strictSame((await call(inventory.getPool, shop)).labels, { zone: 'c' });

  const wrong = { pool_id: shop.id, nodes: ['10.0.0.9'], labels: { 'a b': '' } };
  await refused(t, call(inventory.addNodes, wrong), { reason: 'wrong_form', field: 'labels' });
  await refused(t, call(inventory.updatePool, { id: shop.id, labels: { a: 'b c' } }), { field: 'labels.a' });
  const many = Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`k${n}`, '']));
  await refused(t, call(inventory.addNodes, { ...wrong, labels: many }), {
    reason: 'too_long',
    field: 'labels',
  });
  const none = await call(inventory.findPools, { ips: ['10.0.0.9'] });
  t.equal(none.pools['10.0.0.9'], -1, 'nothing was entered');
});

t.test('labels are set and removed, on all nodes or none', async (t) => {
  const one = { id: 1 };
  const answer = await call(inventory.labelNodes, {
    nodes: ['10.0.0.1', 2, '2'],
    set: { canary: '', zone: 'd' },
    remove: ['tier', 'never'],
  });
  t.strictSame(answer, { nodes: 2, changed: 2 });
  t.strictSame(await labelsOf(1), { canary: '', role: 'web', zone: 'd' });
  const again = { nodes: [1], set: { zone: 'd' }, remove: [] };
  t.strictSame(await call(inventory.labelNodes, again), { nodes: 1, changed: 0 });
  t.strictSame(await namesOf(1), ['changed', 'created']);
  const [entry] = (await call(inventory.history, { kind: 'node', ...one, limit: 1 })).entries;
  t.strictSame(entry?.fields, [
    {
      name: 'labels',
      before: { role: 'web', tier: 'front', zone: 'b' },
      after: { canary: '', role: 'web', zone: 'd' },
    },
  ]);

  const wrong: [object, object][] = [
    [{ nodes: [1, 99] }, { reason: 'not_found', field: 'nodes' }],
    [{ nodes: [1, '10.9.9.9'] }, { reason: 'no_such_address', field: 'nodes' }],
    [{ nodes: [] }, { reason: 'blank', field: 'nodes' }],
    [{ set: { 'a b': '' } }, { reason: 'wrong_form', field: 'set' }],
    [{ set: { a: 'x y' } }, { reason: 'wrong_form', field: 'set.a' }],
    [{ set: {} }, { reason: 'blank', field: 'set' }],
    [{ remove: ['-'] }, { reason: 'wrong_form', field: 'remove' }],
    [{ remove: ['zone'] }, { reason: 'listed_twice', field: 'remove' }],
    [{ select: { status: 'ok' } }, { reason: 'invalid', field: 'select' }],
    [
      { nodes: [], select: { labels: 'nothing' } },
      { reason: 'no_nodes', field: 'select' },
    ],
    [
      { nodes: [], select: { labels: 'a b' } },
      { reason: 'selector', field: 'select.labels' },
    ],
    [
      { nodes: [], select: { limit: 2 } },
      { reason: 'invalid', field: 'select' },
    ],
    [
      { nodes: [], select: { pools: ['none'] } },
      { reason: 'not_found', field: 'select.pools' },
    ],
    [
      { nodes: [], select: { pools: [77] } },
      { reason: 'not_found', field: 'select.pools' },
    ],
  ];
  for (const [change, refusal] of wrong) {
    const request = { ...again, set: { zone: 'x' }, ...change };
    await refused(t, call(inventory.labelNodes, request as never), refusal, JSON.stringify(change));
  }
  t.strictSame(await labelsOf(1), { canary: '', role: 'web', zone: 'd' }, 'nothing changed');

  const many = Object.fromEntries(Array.from({ length: 62 }, (_, n) => [`k${n}`, '']));
  const tooMany = { nodes: [3, 1], set: many, remove: [] };
  await refused(t, call(inventory.labelNodes, tooMany), {
    reason: 'too_long',
    field: 'set',
    message: /node 1 would have 65/,
  });
  t.strictSame(await labelsOf(3), { tier: 'front', zone: 'a' });

  const selected = {
    nodes: [],
    select: { pools: ['shop'], labels: '!role' },
    set: { new: 'yes' },
    remove: [],
  };
  t.strictSame(
    await call(inventory.labelNodes, selected),
    { nodes: 1, changed: 1 },
    'also one without an address',
  );
});

t.test('a selection chooses in an order of its own', async (t) => {
  const { ids } = await call(inventory.addNodes, {
    pool_id: plain.id,
    nodes: ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4'],
    labels: { role: 'db' },
  });
  const [a, b, c, d] = ids as [number, number, number, number];
  for (const [id, zone] of [
    [a, 'b'],
    [b, 'a'],
    [d, 'B'],
  ] as const)
    await call(inventory.labelNodes, { nodes: [id], set: { zone }, remove: [] });
  const chosen = async (select: object) => {
    const { targets, without_address } = await call(inventory.selectTargets, { select });
    return [targets.map(({ node_id }) => node_id), without_address.map(({ node_id }) => node_id)];
  };
  t.strictSame(await chosen({ labels: 'role=db' }), [[a, b, c, d], []]);
  t.strictSame(await chosen({ labels: 'role=db', order: 'label:zone' }), [[d, b, a, c], []]);
  t.strictSame(await chosen({ labels: 'role=db', order: 'label:zone', limit: 2 }), [[d, b], []]);
  t.strictSame(await chosen({ labels: 'role=db,!zone', status: 'ok' }), [[c], []]);
  t.strictSame(await chosen({ labels: 'role=db', status: 'failed' }), [[], []]);
  t.strictSame(await chosen({ pools: ['shop', shop.id] }), [[1, 2], [3]]);
  t.strictSame(await chosen({ pools: [`${shop.id}`], status: 'not_ready' }), [[], [3]]);
  t.strictSame(await chosen({ pools: ['shop'], limit: 5 }), [[1, 2], []]);

  const listed = await call(inventory.selectNodes, { labels: 'zone in (a,B),role', limit: 10, count: true });
  t.strictSame([listed.rows.map(({ id }) => id), listed.total], [[b, d], 2]);
  await refused(t, call(inventory.selectNodes, { labels: 'zone in', limit: 10 }), {
    field: 'labels',
    reason: 'selector',
  });
});

t.test('nodes are removed by a selection within their pool', async (t) => {
  const remove = (request: object) =>
    call(inventory.removeNodes, { pool_id: plain.id, nodes: [], ...request });
  await refused(t, remove({ select: { pools: ['shop'] } }), { reason: 'not_of_pool', field: 'select' });
  await refused(
    t,
    remove({ select: { labels: 'tier' } }),
    { reason: 'no_nodes' },
    'that of the other pool is not meant',
  );
  await refused(t, remove({ nodes: [4], select: {} }), { reason: 'invalid', field: 'select' });
  await remove({ select: { labels: 'zone=B' } });
  t.equal((await call(inventory.getPool, plain)).node_count, 4);
});

t.test('SQL finds what the evaluation in memory finds', async (t) => {
  const key = fc.constantFrom('zone', 'role', 'canary', 'example.com/rack', 'constructor');
  const value = fc.constantFrom('a', 'b', 'c', '');
  const labels = fc
    .uniqueArray(fc.tuple(key, value), { selector: ([name]) => name })
    .map((pairs): Labels => Object.fromEntries(pairs));
  const values = fc
    .uniqueArray(value, { minLength: 1, maxLength: 3 })
    .filter((list) => list.join('') !== '')
    .map((list) => `(${list.join(',')})`);
  const condition = fc.oneof(
    key,
    key.map((name) => `!${name}`),
    fc.tuple(key, fc.constantFrom('=', '==', '!='), value).map((parts) => parts.join('')),
    fc.tuple(key, fc.constantFrom('in', 'notin'), values).map((parts) => parts.join(' ')),
  );
  const { id } = await call(inventory.createPool, { name: 'any', ...poolFields });
  const { ids } = await call(inventory.addNodes, {
    pool_id: id,
    nodes: Array.from({ length: 200 }, (_, n) => `10.7.0.${n}`),
  });
  const given = new Map(fc.sample(labels, 200).map((one, n) => [ids[n] as number, one]));
  const database = new pg.Client({ connectionString: servers.databaseUrl });
  await database.connect();
  t.teardown(() => database.end());
  for (const [node, set] of given) {
    if (Object.keys(set).length > 0) await call(inventory.labelNodes, { nodes: [node], set, remove: [] });
  }
  await database.query('ANALYZE inventory.nodes');
  await fc.assert(
    fc.asyncProperty(fc.array(condition, { minLength: 1, maxLength: 4 }), async (conditions) => {
      const text = conditions.join(',');
      const wanted = [...given]
        .filter(([, one]) => matches(parseSelector('labels', text), one))
        .map(([node]) => node);
      const { targets } = await call(inventory.selectTargets, { select: { pools: [id], labels: text } });
      const found = targets.map(({ node_id }) => node_id);
      if (JSON.stringify(found) !== JSON.stringify(wanted))
        throw new Error(`${text}: ${found} instead of ${wanted}`);
    }),
    { numRuns: 300 },
  );
});

t.test('the read tables follow from the events', (t) => assertReplayable(t, servers));
