import { inventory, schedules, tasks } from '@rigel/contracts';
import { openExisting } from '@rigel/runtime/database';
import { silentLogger, startTestServers, waitFor } from '@rigel/testing';
import fc from 'fast-check';
import type { Kysely } from 'kysely';
import pg from 'pg';
import pino from 'pino';
import t from 'tap';
import { migrations } from '../migrations/index.js';
import type { InventoryTables } from '../tables.js';
import { assertReplayable, startInventoryForTest } from '../testing/inventory.js';
import { findCollisions } from './collisions.js';

/*
 * One machine in several spellings: entered, looked for and removed; and what earlier releases took for several
 * machines.
 */

const servers = await startTestServers();
t.teardown(() => servers.stop());
const first = await startInventoryForTest(servers);
t.teardown(() => first.stop());
await first.startReplica();
const { call, bus } = first;
bus.serve(tasks.reserveNodes, async () => ({}));
bus.serve(schedules.reservePool, async () => ({}));
const database = new pg.Client({ connectionString: servers.databaseUrl });
await database.connect();
t.teardown(() => database.end());
await database.query('SET search_path = inventory');
const untyped = await openExisting({
  url: servers.databaseUrl,
  schema: 'inventory',
  migrations,
  log: silentLogger,
});
t.teardown(() => untyped.destroy());
const db = untyped as unknown as Kysely<InventoryTables>;

const cluster = await call(inventory.createCluster, { name: 'c', desc: '', biz: '' });
const service = await call(inventory.createService, {
  name: 's',
  desc: '',
  service_type: '',
  docker_image: '-',
  cluster_id: cluster.id,
});
const newPool = async (name: string) =>
  (
    await call(inventory.createPool, {
      name,
      desc: '',
      vm_type: 1,
      sd_id: 1,
      service_id: service.id,
      tasks: {},
    })
  ).id;
const pool = await newPool('p');
const other = await newPool('other');
const add = (nodes: string[], pool_id = pool) => call(inventory.addNodes, { pool_id, nodes });
const addresses = async (pool_id = pool) =>
  (await call(inventory.listNodes, { pool_id, page: 1, page_size: 10_000 })).rows.map(({ ip }) => ip);

/** Each: spellings of one machine, where the default port is 22. */
const MACHINES = [
  ['127.0.15.2', '127.0.15.2:22', '[::ffff:127.0.15.2]', '::FFFF:7f00:f02'],
  ['[::1]', '::1', '0:0:0:0:0:0:0:1', '[::1]:22'],
  ['localhost:22', 'LOCALHOST', 'localhost'],
  ['fe80::1%eth0', '[FE80::1%eth0]'],
];

t.test('each machine is entered once, and is found and removed by every spelling', async (t) => {
  for (const [entered = '', ...others] of MACHINES) {
    const { ids } = await add([entered]);
    for (const spelling of [entered, ...others]) {
      const conflict = { code: 'conflict', field: 'nodes' };
      const known =
        spelling === entered
          ? /: [^(]*$/
          : new RegExp(`\\(node ${ids[0]}, entered as ${entered.replace(/[[\]]/g, '\\$&')}\\)`);
      await t.rejects(add(['10.9.9.9', spelling]), { ...conflict, message: known }, `${spelling} again`);
      await t.rejects(add([spelling], other), conflict, `${spelling} into another pool`);
      t.strictSame((await call(inventory.findPools, { ips: [spelling] })).pools, { [spelling]: pool });
      t.match(await call(inventory.findTargets, { ips: [spelling] }), {
        targets: [{ node_id: ids[0], ip: entered, same_machine: undefined }],
        unknown: [],
      });
    }
    const { targets } = await call(inventory.findTargets, { ips: [entered, ...others] });
    t.equal(targets.length, 1, 'all of them are one node');
    t.strictSame(await addresses(), [entered], 'it is shown as it was entered');
    await t.rejects(add([others[0] ?? '', others[1] ?? entered], other), { code: 'conflict' });
    for (const spelling of others) {
      await call(inventory.removeNodes, { pool_id: pool, nodes: [spelling, entered] });
      t.strictSame(await addresses(), []);
      await add([entered]);
    }
    await call(inventory.removeNodes, { pool_id: pool, nodes: [entered] });
  }
  await add(['127.0.15.2', '127.0.15.2:2222'], other);
  t.equal((await addresses(other)).length, 2, 'another port is another machine');
});

t.test('of ten that enter one machine in different spellings at once one wins', async (t) => {
  for (let round = 0; round < 5; round++) {
    const host = `10.1.${round}.1`;
    const spellings = [host, `${host}:22`, `[::ffff:${host}]`, `::FFFF:${host}`, `[::ffff:${host}]:22`];
    const results = await Promise.allSettled(
      [...spellings, ...spellings].map((spelling, n) =>
        add([spelling, `10.2.${round}.${n}`], n % 2 ? pool : other),
      ),
    );
    const refused = results.filter((one): one is PromiseRejectedResult => one.status === 'rejected');
    t.equal(refused.length, 9);
    for (const { reason } of refused) t.match(reason, { code: 'conflict', field: 'nodes' });
  }
  t.equal((await addresses()).length + (await addresses(other)).length, 2 + 10);
});

t.test('property: whatever is entered at once, no machine stands there twice', async (t) => {
  const spelling = fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.constantFrom('', ':22', ':23'), fc.boolean())
    .map(([n, port, mapped]) => (mapped ? `[::ffff:10.3.0.${n}]${port}` : `10.3.0.${n}${port}`));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(spelling, { minLength: 1, maxLength: 3 }), { maxLength: 8 }),
      async (calls) => {
        await Promise.allSettled(calls.map((nodes) => add(nodes)));
        const collisions = await findCollisions(db, 22);
        const entered = (await addresses()).filter((ip) => ip.includes('10.3.0.'));
        if (entered.length > 0) await call(inventory.removeNodes, { pool_id: pool, nodes: entered });
        return collisions.length === 0;
      },
    ),
    { numRuns: 30 },
  );
  t.pass();
});

t.test(
  'nodes that an earlier release took for several machines keep their ids and are told of',
  async (t) => {
    const { ids } = await add(['10.4.0.1', '10.4.0.2', '10.4.0.3', '10.4.0.4']);
    const [one = 0, two = 0, three = 0, four = 0] = ids;
    /** As the earlier release wrote it: the column is not filled in. */
    const enteredAs = async (id: number, ip: string) => {
      await database.query('UPDATE nodes SET ip = $2, machine = NULL WHERE id = $1', [id, ip]);
      await database.query(
        `UPDATE events SET data = jsonb_set(data, '{ip}', to_jsonb($2::text)) WHERE stream = $1`,
        [`node-${id}`, ip],
      );
    };
    await enteredAs(two, '[::FFFF:10.4.0.1]');
    await enteredAs(three, '10.4.0.1:22');
    const lines: { msg: string; nodes?: number[] }[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    await first.startReplica(log);
    await waitFor(async () => lines.length > 0, { what: 'the collision is told of' });
    t.match(lines, [
      {
        machine: '10.4.0.1',
        nodes: [one, two, three],
        msg: `one machine stands in the inventory as 3 nodes: node ${one} (10.4.0.1, pool p), node ${two} ([::FFFF:10.4.0.1], pool p), node ${three} (10.4.0.1:22, pool p); tasks get it one at a time; remove all but one of them from their pools`,
      },
    ]);
    const same = (...nodes: [number, string][]) => nodes.map(([node_id, ip]) => ({ node_id, ip }));
    const spelled = (spelling: string, node_id: number, same_machine: object) =>
      call(inventory.findTargets, { ips: [spelling] }).then(({ targets }) =>
        t.match(targets, [{ node_id, same_machine }], spelling),
      );
    const [a, b, c] = [
      [one, '10.4.0.1'],
      [two, '[::FFFF:10.4.0.1]'],
      [three, '10.4.0.1:22'],
    ] as [[number, string], [number, string], [number, string]];
    await spelled('10.4.0.1', one, same(b, c));
    await spelled('[::FFFF:10.4.0.1]', two, same(a, c));
    await spelled('10.4.0.1:22', three, same(a, b));
    await spelled('::ffff:10.4.0.1', one, same(b, c));
    t.match((await call(inventory.targetsById, { ids: [two, four] })).targets, [
      { node_id: two, same_machine: same(a, c) },
      { node_id: four, same_machine: undefined },
    ]);
    const { targets } = await call(inventory.poolTargets, { pool_id: pool });
    t.strictSame(
      targets.filter(({ same_machine }) => same_machine).map(({ node_id }) => node_id),
      [one, two, three],
    );
    await call(inventory.removeNodes, { pool_id: pool, nodes: ['10.4.0.1:22', two] });
    t.match((await call(inventory.findTargets, { ips: ['10.4.0.1:22'] })).targets, [
      { node_id: one, same_machine: undefined },
    ]);
  },
);

t.test('another default port makes other nodes one machine, at once and without a change', async (t) => {
  await add(['10.5.0.1', '10.5.0.1:2222']);
  t.strictSame(await findCollisions(db, 22), []);
  t.match(await findCollisions(db, 2222), [
    { machine: '127.0.15.2' },
    { machine: '10.5.0.1', nodes: [{ ip: '10.5.0.1' }, { ip: '10.5.0.1:2222' }] },
  ]);
});

t.test('the migration fills in what earlier releases have left', async (t) => {
  await add(['[2001:DB8::1]', 'UPPER.example.org:22', '10.6.0.1', '::ffff:10.6.0.2']);
  await database.query('ALTER TABLE nodes DROP COLUMN machine');
  await migrations['0006-machines']?.up(untyped);
  await assertReplayable(t, servers);
});

t.test('the read tables can be made again from the events', (t) => assertReplayable(t, servers));
