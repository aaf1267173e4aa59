import { inventory, overview, search } from '@rigel/contracts';
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
  INSERT INTO nodes SELECT n, CASE WHEN n <= 50000 THEN 1 ELSE 2 + n % 1000 END,
    '10.' || (n >> 16) || '.' || (n >> 8 & 255) || '.' || (n & 255), '', 1, 2, 'manual' FROM generate_series(1, 100000) n;
  SELECT setval('node_ids', 100000);
`);
// Not in one go with the rest: VACUUM wants no transaction around it.
await database.query('VACUUM ANALYZE');

const BIG = ['clusters', 'services', 'nodes'];
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
  const walk = { text: `SELECT * FROM nodes WHERE node_type = $1`, values: ['x'] };
  t.strictSame(await walksOf(database, walk, BIG), ['Seq Scan of nodes']);
  const hidden = {
    text: 'SELECT * FROM nodes WHERE strpos(vm_id, $1) > 0 ORDER BY id LIMIT 1',
    values: ['x'],
  };
  t.match(await walksOf(database, hidden, BIG), [/^(Seq Scan|Index Scan) of nodes/]);
});
