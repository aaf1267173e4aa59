import { inventory, machinesOfNodes, overview, search } from '@rigel/contracts';
import { startTestServers, statementsOf, walksOf } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';
import { startInventoryForTest } from './testing/inventory.js';

/*
 * A fleet of 100,000 nodes: half of them in one pool, the others in 1,000 pools. What is looked at are the plans of the
 * statements that the service really sends.
 */

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call, stop } = await startInventoryForTest(servers);
t.teardown(stop);
const database = new pg.Client({ connectionString: servers.databaseUrl });
await database.connect();
t.teardown(() => database.end());

await database.query(`
  SET search_path = inventory;
  INSERT INTO clusters SELECT n, 'cluster ' || n, '', '' FROM generate_series(1, 5000) n;
  INSERT INTO services SELECT n, 'service ' || n, '', '', '-', CASE WHEN n <= 2500 THEN 1 ELSE n END
    FROM generate_series(1, 5000) n;
  INSERT INTO pools SELECT n, 'pool ' || n, '', 1, 1, CASE WHEN n <= 500 THEN 1 ELSE n END, '{}', 50
    FROM generate_series(1, 1001) n;
  UPDATE pools SET node_count = 50000 WHERE id = 1;
  INSERT INTO nodes (id, pool_id, ip, vm_id, status, state, node_type) SELECT n, CASE WHEN n <= 50000 THEN 1 ELSE 2 + n % 1000 END,
    '10.' || (n >> 16) || '.' || (n >> 8 & 255) || '.' || (n & 255), CASE WHEN n % 10 = 0 THEN 'i-' || n ELSE '' END,
    CASE WHEN n % 1000 = 0 THEN 3 ELSE 1 END, 2, CASE WHEN n % 500 = 0 THEN 'crontab' ELSE 'manual' END
    FROM generate_series(1, 100000) n;
  UPDATE nodes SET version_tag = 'shop:' || id % 100 WHERE id % 2 = 0;
  UPDATE nodes SET labels = jsonb_build_object('zone', 'z' || id % 3, 'rack', 'r' || id % 500) WHERE id % 2 = 0;
  INSERT INTO events SELECT n, 'pool-' || n, 1, 'PoolCreated', 1, '{}', '{"actor": "ann", "correlationId": "c"}', n
    FROM generate_series(1, 1001) n;
  INSERT INTO events SELECT 2000 + n, 'node-' || n, 1, 'NodeAdded', 1,
    jsonb_build_object('id', n, 'pool_id', CASE WHEN n <= 50000 THEN 1 ELSE 2 + n % 1000 END, 'ip', n::text),
    jsonb_build_object('actor', 'ann', 'correlationId', n / 200), n / 200 FROM generate_series(1, 100000) n;
  INSERT INTO events SELECT 110000 + n, 'cluster-' || n, 1, 'ClusterCreated', 1, '{}', '{"actor": "ann", "correlationId": "c"}', n
    FROM generate_series(1, 5000) n;
  INSERT INTO events SELECT 120000 + n, 'service-' || n, 1, 'ServiceCreated', 1, '{}', '{"actor": "ann", "correlationId": "c"}', n
    FROM generate_series(1, 5000) n;
  UPDATE event_head SET position = 200000;
  SELECT setval('node_ids', 100000);
`);
// Not in one go with the rest: VACUUM wants no transaction around it.
await database.query('VACUUM ANALYZE');

const BIG = ['clusters', 'services', 'nodes', 'events'];
const addresses = Array.from({ length: 1_000 }, (_, n) => `10.0.${n % 256}.${(n * 7) % 251}`);
const first = { page: 1, page_size: 10 };

const reads: Record<string, () => Promise<unknown>> = {
  'nodes of a pool': () => call(inventory.listNodes, { pool_id: 1, ...first }),
  'nodes of a pool, last page': () => call(inventory.listNodes, { pool_id: 1, page: 5_000, page_size: 10 }),
  'nodes of a pool, page past the end': () =>
    call(inventory.listNodes, { pool_id: 1, page: 50_000, page_size: 10 }),
  'nodes of a pool, the longest page': () =>
    call(inventory.listNodes, { pool_id: 1, page: 1, page_size: 10_000 }),
  'nodes of a pool, the longest last page': () =>
    call(inventory.listNodes, { pool_id: 1, page: 5, page_size: 10_000 }),
  'nodes of a pool by keyword': () => call(inventory.listNodes, { pool_id: 1, ip: '.77.1', ...first }),
  'nodes of a pool by a keyword that fits none': () =>
    call(inventory.listNodes, { pool_id: 1, ip: 'none', ...first }),
  'nodes of a small pool': () => call(inventory.listNodes, { pool_id: 7, ...first }),
  'nodes of a small pool by keyword': () => call(inventory.listNodes, { pool_id: 7, ip: '9', ...first }),
  'services of a cluster': () => call(inventory.listServices, { cluster_id: 1, ...first }),
  'services of a cluster, last page': () =>
    call(inventory.listServices, { cluster_id: 1, page: 250, page_size: 10 }),
  clusters: () => call(inventory.listClusters, first),
  'clusters, last page': () => call(inventory.listClusters, { page: 500, page_size: 10 }),
  'pools of a service': () => call(inventory.listPools, { service_id: 1, ...first }),
  'pools, the longest page': () => call(inventory.listPools, { page: 1, page_size: 10_000 }),
  'the pools of 1,000 addresses': () => call(inventory.findPools, { ips: addresses }),
  'the pools of 1,000 unknown addresses': () =>
    call(inventory.findPools, { ips: addresses.map((ip) => `x${ip}`) }),
  'the nodes of 1,000 addresses': () => call(inventory.findTargets, { ips: addresses }),
  'the nodes of 10,000 addresses': () =>
    call(inventory.findTargets, {
      ips: Array.from({ length: 10_000 }, (_, n) => `10.0.${n >> 8}.${n & 255}`),
    }),
  'the nodes of a pool, and which of them are one machine': () => call(inventory.poolTargets, { pool_id: 7 }),
  'the nodes of 1,000 ids, and which of them are one machine': () =>
    call(inventory.targetsById, { ids: Array.from({ length: 1_000 }, (_, n) => n * 90 + 1) }),
  'the overview': () => call(overview.fleet, {}),
  'a search for an address': () => call(search.inventory, { q: '10.0.7', kinds: ['node'] }),
  'a search for an id': () => call(search.inventory, { q: '77', kinds: ['node'] }),
  'a search that finds nothing': () => call(search.inventory, { q: 'nothing', kinds: ['node', 'pool'] }),
  'the first nodes of the fleet': () => call(inventory.selectNodes, { limit: 100 }),
  'nodes of the fleet after one': () => call(inventory.selectNodes, { after: 60_000, limit: 100 }),
  'failed nodes of the fleet': () => call(inventory.selectNodes, { status: [3], limit: 100, count: true }),
  'nodes of the fleet that are not ok': () => call(inventory.selectNodes, { status: [0, 3], limit: 100 }),
  'failed nodes of a service with 500 pools': () =>
    call(inventory.selectNodes, { service_id: 1, status: [3], limit: 100 }),
  'nodes of a cluster': () => call(inventory.selectNodes, { cluster_id: 1, limit: 100, count: true }),
  'nodes by the beginning of the address': () => call(inventory.selectNodes, { ip: '10.0.77.', limit: 100 }),
  'nodes of a network in a pool': () =>
    call(inventory.selectNodes, { ip: '10.0.64.0/18', pool_id: 1, limit: 100, count: true }),
  'the node of a machine': () => call(inventory.selectNodes, { vm_id: 'i-500', limit: 100 }),
  'which of 1,000 machines have a node': () =>
    call(machinesOfNodes, { vm_ids: Array.from({ length: 1_000 }, (_, n) => `i-${n}`) }),
  'nodes made by schedules': () => call(inventory.selectNodes, { node_type: 'crontab', limit: 100 }),
  'nodes with an image': () =>
    call(inventory.selectNodes, { version_tag: 'shop:6', limit: 100, count: true }),
  'nodes with a label': () =>
    call(inventory.selectNodes, { labels: 'rack=r40,zone notin (z1)', limit: 100, count: true }),
  'nodes with one of some labels in a pool': () =>
    call(inventory.selectNodes, { labels: 'rack in (r40,r42)', pool_id: 7, limit: 100 }),
  'nodes that a selection chooses': () =>
    call(inventory.selectTargets, {
      select: { labels: 'rack=r40', status: 'ok', order: 'label:zone', limit: 20 },
    }),
  'failed nodes without a label': () =>
    call(inventory.selectTargets, { select: { labels: '!rack', status: 'failed' } }),
  'the nodes of pools that a selection names': () =>
    call(inventory.selectTargets, { select: { pools: [7, 'pool 8'], labels: '!canary' } }),
  '10,000 nodes by their ids': () =>
    call(inventory.selectNodes, { ids: Array.from({ length: 10_000 }, (_, n) => n + 1), limit: 1_000 }),
  'one node': () => call(inventory.getNode, { id: 77_777 }),
  'the nodes of 1,000 pasted addresses': () => call(inventory.findNodes, { addresses }),
  'a small pool in numbers': () => call(inventory.poolSummary, { id: 7 }),
  'history of a pool with 50,000 nodes': () =>
    call(inventory.history, { kind: 'pool', id: 1, before: 100_000, limit: 100 }),
  'history of a cluster': () => call(inventory.history, { kind: 'cluster', id: 7, limit: 100 }),
  'history of a service': () => call(inventory.history, { kind: 'service', id: 7, limit: 100 }),
  'a part of the fleet in numbers': () => call(inventory.fleetSummary, { after: 300, limit: 100 }),
  'names of 1,000 pools': () =>
    call(inventory.poolNames, { ids: Array.from({ length: 1_000 }, (_, n) => n + 1) }),
  'pools that name a template': () => call(inventory.poolsNaming, { template_id: 7 }),
  'history of a node': () => call(inventory.history, { kind: 'node', id: 77_777, limit: 100 }),
  'pools with their versions': () => call(inventory.listPools, { page: 1, page_size: 1_000 }),
  'one pool': () => call(inventory.getPool, { id: 1 }),
  '1,000 nodes are added': () =>
    call(inventory.addNodes, { pool_id: 2, nodes: addresses.map((ip) => ip.replace('10.', '11.')) }),
};

for (const [what, read] of Object.entries(reads)) {
  t.test(what, async (t) => {
    const statements = await statementsOf(read);
    const selects = statements.filter(({ text }) => /^\s*(select|with)/i.test(text));
    t.ok(selects.length > 0, 'statements were sent');
    for (const statement of selects) {
      t.strictSame(await walksOf(database, statement, BIG), [], statement.text);
    }
  });
}

t.test('nodes of a pool are not counted when nothing is looked for', async (t) => {
  const statements = await statementsOf(() => call(inventory.listNodes, { pool_id: 1, ...first }));
  t.notOk(statements.some(({ text }) => /count\(/.test(text)));
  t.equal((await call(inventory.listNodes, { pool_id: 1, ...first })).total, 50_000);
  t.equal((await call(inventory.listNodes, { pool_id: 1, ip: '.77.1', ...first })).total, 111);
});

t.test('the result of a task that succeeds touches no index of the nodes', async (t) => {
  const hot = async () => {
    await database.query('SELECT pg_stat_force_next_flush()');
    const { rows } = await database.query<{ all: string; hot: string }>(
      `SELECT n_tup_upd AS all, n_tup_hot_upd AS hot FROM pg_stat_user_tables WHERE schemaname = 'inventory' AND relname = 'nodes'`,
    );
    return { all: Number(rows[0]?.all), hot: Number(rows[0]?.hot) };
  };
  const before = await hot();
  await database.query(
    'UPDATE nodes SET state = 2, status = coalesce(1::smallint, status) WHERE id BETWEEN 60001 AND 61500 AND id % 3 = 0',
  );
  const after = await hot();
  t.equal(after.all - before.all, 500);
  t.equal(after.hot - before.hot, 500);
});

t.test('a walk through a table is noticed', async (t) => {
  const walk = { text: `SELECT * FROM nodes WHERE state = $1`, values: [9] };
  t.strictSame(await walksOf(database, walk, BIG), ['Seq Scan of nodes']);
  const hidden = {
    text: 'SELECT * FROM nodes WHERE strpos(vm_id, $1) > 0 ORDER BY id LIMIT 1',
    values: ['x'],
  };
  t.match(await walksOf(database, hidden, BIG), [/^(Seq Scan|Index Scan) of nodes/]);
});
