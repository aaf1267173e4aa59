import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  catalog,
  health,
  inventory,
  readEvents,
  ServiceError,
  schedules,
  show,
  tasks,
} from '@rigel/contracts';
import { startTestServers, waitFor } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';
import { assertReplayable, startInventoryForTest } from './testing/inventory.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call: callWithStamps, bus, stop } = await startInventoryForTest(servers);
/** Tested elsewhere: who changed a thing (versions.test.ts), what tasks did to a node (node/scheduler-events.test.ts), labels (node/). */
const BESIDE = ['version', 'updated_at', 'updated_by', 'protected', 'last_reason', 'version_tag', 'labels'];
const call: typeof callWithStamps = async (rpc, request) =>
  JSON.parse(JSON.stringify(await callWithStamps(rpc, request)), (_, value) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).filter(([name]) => !BESIDE.includes(name)))
      : value,
  );
t.teardown(stop);

/** Stands where the scheduler does: says which nodes are busy. */
const busy = new Set<number>();
const stopScheduler = bus.serve(tasks.reserveNodes, async ({ node_ids, ttl_ms }) => {
  t.equal(ttl_ms, 60_000);
  const held = node_ids.filter((id) => busy.has(id));
  if (held.length > 0) throw new ServiceError('in_use', `node ${held[0]} is held by task 1`, 'nodes');
  return {};
});

/** Pools that scheduled tasks need, and what was reserved for a deletion. */
const scheduled = new Set<number>();
const reserved: number[] = [];
bus.serve(schedules.reservePool, async ({ pool_id, ttl_ms }) => {
  t.equal(ttl_ms, 60_000);
  if (scheduled.has(pool_id))
    throw new ServiceError('conflict', 'the scheduled task of pool 9 depends on it');
  reserved.push(pool_id);
  return {};
});

/** Templates that were deleted, and what is done about holds at the catalog. */
const deleted = new Set<number>();
const holds: string[] = [];
bus.serve(catalog.holdTemplates, async ({ ids, hold, ttl_ms }) => {
  t.equal(ttl_ms, 60_000);
  holds.push(`hold ${ids.join()}`, hold);
  return { deleted: ids.filter((id) => deleted.has(id)) };
});
bus.serve(catalog.releaseTemplates, async ({ hold }) => {
  holds.push(holds.includes(hold) ? 'release' : 'release of what was not held');
  return {};
});
const holdsOf = (): string[] => holds.splice(0).filter((line) => /^(hold|release)/.test(line));

const all = { page: 1, page_size: 10_000 };
const ids = { cluster: 0, service: 0, pool: 0 };

t.test('clusters', async (t) => {
  const a = await call(inventory.createCluster, { name: ' prod_1 ', desc: 'd', biz: '1' });
  const b = await call(inventory.createCluster, { name: 'prod%2', desc: '', biz: '' });
  t.strictSame([a, b], [{ id: 1 }, { id: 2 }], 'ids count from 1');
  ids.cluster = a.id;
  t.strictSame(await call(inventory.getCluster, a), { id: 1, name: 'prod_1', desc: 'd', biz: '1' });

  await call(inventory.updateCluster, { id: 2, name: 'prod%two' });
  const newestFirst = [
    { id: 2, name: 'prod%two', desc: '', biz: '' },
    { id: 1, name: 'prod_1', desc: 'd', biz: '1' },
  ];
  t.strictSame(await call(inventory.listClusters, { page: 1, page_size: 10 }), {
    rows: newestFirst,
    total: 2,
  });
  t.strictSame(await call(inventory.listClusters, { page: 2, page_size: 1, name: '' }), {
    rows: newestFirst.slice(1),
    total: 2,
  });
  t.strictSame(await call(inventory.listClusters, { page: Number.MAX_SAFE_INTEGER, page_size: 10_000 }), {
    rows: [],
    total: 2,
  });
  const named = async (name: string) =>
    (await call(inventory.listClusters, { ...all, name })).rows.map((c) => c.id);
  t.strictSame(
    [await named('prod'), await named('_'), await named('%'), await named('x')],
    [[2, 1], [1], [2], []],
  );

  await t.rejects(call(inventory.createCluster, { name: 'prod_1  ', desc: '', biz: '' }), {
    code: 'conflict',
    field: 'name',
    message: 'another cluster is named prod_1',
  });
  await t.rejects(call(inventory.updateCluster, { id: 2, name: 'prod_1' }), {
    code: 'conflict',
    field: 'name',
  });
  await t.rejects(call(inventory.createCluster, { name: ' ', desc: '', biz: '' }), {
    code: 'invalid',
    field: 'name',
  });
  await t.rejects(call(inventory.listClusters, { ...all, name: 'a\0' }), { code: 'invalid', field: 'name' });
  for (const rpc of [inventory.getCluster, inventory.updateCluster, inventory.deleteCluster] as const) {
    await t.rejects(call(rpc, { id: 99 }), { code: 'not_found', message: 'cluster 99 does not exist' });
  }
  await call(inventory.deleteCluster, { id: 2 });
  await t.rejects(call(inventory.getCluster, { id: 2 }), { code: 'not_found' });
  t.ok(
    (await call(inventory.createCluster, { name: 'prod%two', desc: '', biz: '' })).id > 2,
    'the name is free, the id is not',
  );
});

t.test('services', async (t) => {
  const image = { desc: '', service_type: 'Java', docker_image: 'r/web:1' };
  const a = await call(inventory.createService, { name: 'web', ...image, cluster_id: ids.cluster });
  const b = await call(inventory.createService, { name: 'api', ...image, cluster_id: ids.cluster });
  ids.service = a.id;
  const rows = [
    { id: a.id, name: 'web', ...image, cluster_id: ids.cluster },
    { id: b.id, name: 'api', ...image, cluster_id: ids.cluster },
  ];
  t.strictSame(await call(inventory.getService, a), rows[0]);
  t.strictSame(await call(inventory.listServices, all), { rows, total: 2 }, 'oldest first');
  t.strictSame(await call(inventory.listServices, { ...all, cluster_id: ids.cluster, name: 'ap' }), {
    rows: rows.slice(1),
    total: 1,
  });
  const missing = { code: 'not_found', field: 'cluster_id' };
  await t.rejects(call(inventory.listServices, { ...all, cluster_id: 99 }), missing);
  await t.rejects(call(inventory.createService, { name: 'x', ...image, cluster_id: 99 }), missing);
  await t.rejects(call(inventory.updateService, { id: b.id, cluster_id: 99 }), missing);
  await t.rejects(call(inventory.createService, { name: 'web', ...image, cluster_id: ids.cluster }), {
    code: 'conflict',
    field: 'name',
  });
  await t.rejects(call(inventory.deleteCluster, { id: ids.cluster }), {
    code: 'in_use',
    message: `cluster ${ids.cluster} still has services`,
  });
  const other = await call(inventory.createCluster, { name: 'other', desc: '', biz: '' });
  await call(inventory.updateService, { id: b.id, cluster_id: other.id, docker_image: 'r/api:2' });
  t.match(await call(inventory.getService, b), {
    cluster_id: other.id,
    docker_image: 'r/api:2',
    name: 'api',
  });
  await call(inventory.deleteService, b);
  await call(inventory.deleteCluster, other);
  for (const rpc of [inventory.getService, inventory.updateService, inventory.deleteService] as const) {
    await t.rejects(call(rpc, b), { code: 'not_found' });
  }
});

t.test('pools', async (t) => {
  const fields = { desc: '', vm_type: 1, sd_id: 2, service_id: ids.service };
  const a = await call(inventory.createPool, { name: 'web', ...fields, tasks: {} });
  const b = await call(inventory.createPool, { name: 'web2', ...fields, tasks: { expand: 3 } });
  ids.pool = a.id;
  const rows = [
    { id: a.id, name: 'web', ...fields, tasks: {}, node_count: 0 },
    { id: b.id, name: 'web2', ...fields, tasks: { expand: 3 }, node_count: 0 },
  ];
  t.strictSame(await call(inventory.listPools, { ...all, service_id: ids.service }), { rows, total: 2 });
  t.strictSame(
    await call(inventory.listPools, { page: 1, page_size: 1 }),
    { rows: rows.slice(1), total: 2 },
    'newest first',
  );
  t.strictSame(await call(inventory.listPools, { ...all, name: 'b2' }), { rows: rows.slice(1), total: 1 });
  await call(inventory.updatePool, { id: b.id, service_id: ids.service, tasks: { deploy: 4 }, vm_type: 7 });
  t.match(await call(inventory.getPool, b), { vm_type: 7, sd_id: 2, tasks: { deploy: 4 } });
  await t.rejects(call(inventory.updatePool, { id: b.id, service_id: ids.service + 1 }), {
    code: 'invalid',
    field: 'service_id',
  });
  const missing = { code: 'not_found', field: 'service_id' };
  await t.rejects(call(inventory.listPools, { ...all, service_id: 99 }), missing);
  await t.rejects(call(inventory.createPool, { name: 'x', ...fields, service_id: 99, tasks: {} }), missing);
  await t.rejects(call(inventory.createPool, { name: 'web', ...fields, tasks: {} }), { code: 'conflict' });
  await t.rejects(call(inventory.createPool, { name: 'x', ...fields, vm_type: 1e300, tasks: {} }), {
    code: 'invalid',
    field: 'vm_type',
  });
  await t.rejects(call(inventory.deleteService, { id: ids.service }), { code: 'in_use' });
  scheduled.add(b.id);
  await t.rejects(call(inventory.deletePool, b), { code: 'conflict', message: /depends on it/ });
  scheduled.clear();
  await call(inventory.deletePool, b);
  t.strictSame(reserved, [b.id]);
  for (const rpc of [inventory.getPool, inventory.updatePool, inventory.deletePool] as const) {
    await t.rejects(call(rpc, b), { code: 'not_found' });
  }
});

t.test('the templates that a pool names', async (t) => {
  const fields = { desc: '', vm_type: 1, sd_id: 2, service_id: ids.service };
  holdsOf();
  const a = await call(inventory.createPool, {
    name: 'naming',
    ...fields,
    tasks: { expand: 5, deploy: 6, shrink: 6 },
  });
  t.strictSame(holdsOf(), ['hold 5,6', 'release']);
  const b = await call(inventory.createPool, { name: 'naming2', ...fields, tasks: { expand: 5 } });
  const naming = (template_id: number) => call(inventory.poolsNaming, { template_id });
  t.strictSame(await naming(6), {
    pools: [{ id: a.id, name: 'naming', kinds: ['deploy', 'shrink'] }],
    total: 1,
  });
  t.strictSame(await naming(5), {
    pools: [
      { id: a.id, name: 'naming', kinds: ['expand'] },
      { id: b.id, name: 'naming2', kinds: ['expand'] },
    ],
    total: 2,
  });
  t.strictSame(await naming(56), { pools: [], total: 0 });
  holdsOf();

  // One that was deleted is not come to be named; what a pool names already it may keep on being saved with.
  deleted.add(5).add(7);
  const refused = { code: 'invalid', field: 'tasks', message: 'tasks.deploy: template 7 was deleted' };
  await t.rejects(call(inventory.updatePool, { id: a.id, tasks: { expand: 5, deploy: 7 } }), refused);
  await t.rejects(call(inventory.createPool, { name: 'x', ...fields, tasks: { deploy: 7 } }), refused);
  t.strictSame(holdsOf(), ['hold 5,7', 'release', 'hold 7', 'release']);
  await call(inventory.updatePool, { id: a.id, desc: 'other', tasks: { expand: 5, deploy: 8 } });
  t.match(await call(inventory.getPool, a), { desc: 'other', tasks: { expand: 5, deploy: 8 } });
  await t.rejects(call(inventory.updatePool, { id: 99, tasks: { deploy: 7 } }), { code: 'not_found' });
  holdsOf();
  await call(inventory.updatePool, { id: a.id, desc: '' });
  await call(inventory.updatePool, { id: a.id, tasks: {} });
  t.strictSame(holdsOf(), [], 'nothing is held where nothing is named');
  await call(inventory.deletePool, a);
  await call(inventory.deletePool, b);
  t.strictSame(await naming(5), { pools: [], total: 0 });
  deleted.clear();
});

t.test('what is in the way of a deletion is named', async (t) => {
  const service = { desc: '', service_type: '', docker_image: '-', cluster_id: ids.cluster };
  const made = [];
  for (const n of [1, 2, 3, 4]) {
    made.push(await call(inventory.createService, { ...service, name: `child${n}` }));
  }
  await t.rejects(call(inventory.deleteCluster, { id: ids.cluster }), {
    code: 'in_use',
    message: new RegExp(`^cluster ${ids.cluster} still has services: .* \\(id \\d+\\), .* and \\d more$`),
  });
  await t.rejects(call(inventory.deleteService, { id: ids.service }), {
    code: 'in_use',
    message: new RegExp(`^service ${ids.service} still has pools: web \\(id ${ids.pool}\\)`),
  });
  for (const { id } of made) await call(inventory.deleteService, { id });
});

t.test('nodes are entered all or none', async (t) => {
  const pool_id = ids.pool;
  const added = await call(inventory.addNodes, {
    pool_id,
    nodes: [' 10.0.0.1', '[::1]:2222 ', 'web_1'.replace('_', '-')],
  });
  t.strictSame(added.ids, [1, 2, 3]);
  const node = { vm_id: '', status: 1, state: 0, node_type: 'manual', pool_id };
  t.strictSame(await call(inventory.listNodes, { pool_id, page: 1, page_size: 2 }), {
    rows: [
      { id: 1, ip: '10.0.0.1', ...node },
      { id: 2, ip: '[::1]:2222', ...node },
    ],
    total: 3,
  });
  t.match(await call(inventory.listNodes, { ...all, pool_id, ip: 'eb-' }), { rows: [{ id: 3 }], total: 1 });
  t.equal((await call(inventory.getPool, { id: pool_id })).node_count, 3);

  const refused: [{ pool_id: number; nodes: string[] }, object][] = [
    [
      { pool_id: 99, nodes: [''] },
      { code: 'not_found', field: 'pool_id' },
    ],
    [
      { pool_id, nodes: [] },
      { code: 'invalid', field: 'nodes' },
    ],
    [
      { pool_id, nodes: ['10.0.0.9', ' '] },
      { code: 'invalid', message: 'entry 2 of nodes is blank' },
    ],
    [
      { pool_id, nodes: ['10.0.0.9', '10.0.0'] },
      { code: 'invalid', message: 'nodes: 10.0.0 is not an address' },
    ],
    [
      { pool_id, nodes: ['10.0.0.9', '10.0.0.9'] },
      { code: 'conflict', field: 'nodes' },
    ],
    [
      { pool_id, nodes: ['10.0.0.9', '10.0.0.1'] },
      { code: 'conflict', field: 'nodes', message: 'nodes: already the address of a node: 10.0.0.1' },
    ],
  ];
  for (const [request, error] of refused) {
    await t.rejects(call(inventory.addNodes, request), { name: 'ServiceError', ...error });
  }
  await t.rejects(call(inventory.listNodes, { ...all, pool_id: 99 }), {
    code: 'not_found',
    field: 'pool_id',
  });
  await t.rejects(call(inventory.deletePool, { id: pool_id }), {
    code: 'in_use',
    message: `pool ${pool_id} still has nodes`,
  });
  t.notOk(reserved.includes(pool_id), 'its scheduled tasks may be saved all the while');
  t.equal((await call(inventory.listNodes, { ...all, pool_id })).total, 3);
});

t.test('nodes are found by address', async (t) => {
  const asked = ['web-1', '10.9.9.9', ' 10.0.0.1', '-', 'a\0b', '__proto__'];
  const { pools } = await call(inventory.findPools, { ips: asked });
  t.strictSame(
    asked.map((ip) => pools[ip]),
    [ids.pool, -1, ids.pool, -1, -1, -1],
  );
  const cluster = { id: 1, name: 'prod_1' };
  t.strictSame(await call(inventory.findTargets, { ips: ['web-1', '-', '10.0.0.1', 'web-1', '10.9.9.9'] }), {
    targets: [
      { node_id: 3, ip: 'web-1', vm_id: '', pool_id: ids.pool, pool_name: 'web', cluster, vm_type: 1 },
      { node_id: 1, ip: '10.0.0.1', vm_id: '', pool_id: ids.pool, pool_name: 'web', cluster, vm_type: 1 },
    ],
    unknown: ['-', '10.9.9.9'],
  });
});

t.test('nodes are removed all or none, and only when no task has them', async (t) => {
  const pool_id = ids.pool;
  const left = async () => (await call(inventory.listNodes, { ...all, pool_id })).rows.map(({ id }) => id);
  const { id: elsewhere } = await call(inventory.createPool, {
    name: 'elsewhere',
    desc: '',
    vm_type: 1,
    sd_id: 1,
    service_id: ids.service,
    tasks: {},
  });
  const missing = { code: 'not_found', field: 'nodes' };
  for (const entry of [99, '99', '10.9.9.9', '-', '', 'a\0', -1, 1e300, '9'.repeat(30)]) {
    await t.rejects(
      call(inventory.removeNodes, { pool_id, nodes: [1, entry] }),
      missing,
      `entry ${show(entry)}`,
    );
  }
  await t.rejects(call(inventory.removeNodes, { pool_id: elsewhere, nodes: [1] }), missing);
  await t.rejects(call(inventory.removeNodes, { pool_id: elsewhere, nodes: ['10.0.0.1'] }), missing);
  await t.rejects(call(inventory.removeNodes, { pool_id, nodes: [] }), { code: 'invalid', field: 'nodes' });
  await t.rejects(call(inventory.removeNodes, { pool_id: 99, nodes: [1] }), {
    code: 'not_found',
    field: 'pool_id',
  });
  busy.add(2);
  await t.rejects(call(inventory.removeNodes, { pool_id, nodes: [1, 2] }), {
    code: 'in_use',
    message: 'node 2 is held by task 1',
  });
  t.strictSame(await left(), [1, 2, 3]);
  busy.clear();
  await call(inventory.removeNodes, { pool_id, nodes: [' 10.0.0.1 ', '1', 1, 2] });
  t.strictSame(await left(), [3]);
  await t.rejects(call(inventory.removeNodes, { pool_id, nodes: [1] }), missing);
  const again = await call(inventory.addNodes, { pool_id, nodes: ['10.0.0.1'] });
  t.ok(
    again.ids.every((id) => id > 3),
    'the address is free, the id is not',
  );
});

t.test('without a scheduler nothing is removed', async (t) => {
  stopScheduler();
  await t.rejects(call(inventory.removeNodes, { pool_id: ids.pool, nodes: [3] }), { code: 'unavailable' });
  t.match(await call(inventory.findPools, { ips: ['web-1'] }), { pools: { 'web-1': ids.pool } });
});

t.test('ten thousand nodes in one call', async (t) => {
  const pool_id = ids.pool;
  const nodes = Array.from({ length: 10_000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const added = await call(inventory.addNodes, { pool_id, nodes });
  t.equal(new Set(added.ids).size, 10_000);
  const { rows, total } = await call(inventory.listNodes, { ...all, pool_id, ip: '10.1.' });
  t.equal(total, 10_000);
  t.strictSame(
    rows.map(({ id, ip }) => [id, ip]),
    added.ids.map((id, i) => [id, nodes[i]]),
  );
  const { targets } = await call(inventory.findTargets, { ips: [...nodes].reverse() });
  t.strictSame(
    targets.map(({ node_id }) => node_id),
    [...added.ids].reverse(),
  );
  const serving = bus.serve(tasks.reserveNodes, async () => ({}));
  await call(inventory.removeNodes, { pool_id, nodes: added.ids });
  serving();
  t.equal((await call(inventory.listNodes, { ...all, pool_id, ip: '10.1.' })).total, 0);
});

t.test('what happened can be read from the history, with who asked for it', async (t) => {
  const { events } = await callWithStamps(readEvents('inventory'), { after: 0, limit: 3 });
  t.match(events, [
    {
      position: 1,
      stream: 'cluster-1',
      version: 1,
      type: 'ClusterCreated',
      data: { id: 1, name: 'prod_1', desc: 'd', biz: '1' },
      meta: { correlationId: 'test', actor: 'tester' },
    },
    { position: 2, stream: 'cluster-2', type: 'ClusterCreated' },
    { position: 3, stream: 'cluster-2', type: 'ClusterChanged', data: { id: 2, name: 'prod%two' } },
  ]);
});

t.test('health', async (t) => {
  t.strictSame(await call(health('inventory'), {}), {
    name: 'inventory',
    checks: { database: 'ok', nats: 'ok' },
  });
});

t.test('the read tables can be made again from the events', (t) => assertReplayable(t, servers));

t.test(
  'while the database is away requests are refused as unavailable, and afterwards all is well',
  async (t) => {
    await servers.stopPostgres();
    const away = { code: 'unavailable', message: 'the database does not answer' };
    await t.rejects(call(inventory.getCluster, { id: 1 }), away);
    await t.rejects(call(inventory.updateCluster, { id: 1, desc: 'x' }), away);
    t.match((await call(health('inventory'), {})).checks, {
      database: /^the database does not answer/,
      nats: 'ok',
    });
    await servers.startPostgres();
    await call(inventory.updateCluster, { id: 1, desc: 'back' });
    t.match(await call(inventory.getCluster, { id: 1 }), { desc: 'back' });
  },
);

t.test('whoever is being answered when the service ends gets the answer', async (t) => {
  const db = new pg.Client(servers.databaseUrl);
  await db.connect();
  t.teardown(() => db.end());
  // Another writer holds the history, so the request has to wait inside its transaction.
  await db.query('BEGIN; SELECT FROM inventory.event_head FOR UPDATE');
  const answer = call(inventory.createCluster, { name: 'last', desc: '', biz: '' });
  await waitFor(
    async () =>
      (await db.query(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`)).rowCount === 1,
    { what: 'the request to wait for the lock' },
  );
  const stopped = stop();
  await db.query('COMMIT');
  t.type((await answer).id, 'number');
  await stopped;
});

t.test('as a process of its own it serves, and ends cleanly when asked to', async (t) => {
  const process_ = spawn(process.execPath, [new URL('./main.js', import.meta.url).pathname], {
    env: {
      ...process.env,
      DATABASE_URL: servers.databaseUrl,
      NATS_URL: servers.natsUrl,
      RIGEL_SERVICE_NAME: 'inventory-7',
      RIGEL_LOG_LEVEL: 'fatal',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  t.teardown(() => process_.kill('SIGKILL'));
  t.match(
    await waitFor(() => call(health('inventory'), {}), { what: 'the process to serve', timeoutMs: 30_000 }),
    {
      name: 'inventory-7',
      checks: { database: 'ok', nats: 'ok' },
    },
  );
  t.match(await call(inventory.getCluster, { id: 1 }), { name: 'prod_1' });
  process_.kill('SIGTERM');
  t.strictSame(await once(process_, 'exit'), [0, null]);
});
