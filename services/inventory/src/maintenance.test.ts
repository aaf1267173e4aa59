import { catalog, inventory, schedules, tasks } from '@rigel/contracts';
import { describeDifference, rebuildHistory, verifyHistory } from '@rigel/event-store/maintenance';
import { openExisting } from '@rigel/runtime/database';
import { silentLogger, startTestServers } from '@rigel/testing';
import { type Kysely, sql } from 'kysely';
import t, { type Test } from 'tap';
import { inventoryHistory } from './maintenance.js';
import { migrations } from './migrations/index.js';
import { startInventoryForTest } from './testing/inventory.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call, bus, stop } = await startInventoryForTest(servers);
t.teardown(stop);
bus.serve(tasks.reserveNodes, async () => ({}));
bus.serve(schedules.reservePool, async () => ({}));
bus.serve(catalog.holdTemplates, async () => ({ deleted: [] }));
bus.serve(catalog.releaseTemplates, async () => ({}));
const open = (): Promise<Kysely<unknown>> =>
  openExisting({ url: servers.databaseUrl, schema: 'inventory', migrations, log: silentLogger });
const db = await open();
t.teardown(() => db.destroy());

const cluster = (name: string) => call(inventory.createCluster, { name, desc: '', biz: '' });
const service = (name: string, cluster_id: number) =>
  call(inventory.createService, { name, desc: '', service_type: '', docker_image: '-', cluster_id });
const pool = (name: string, service_id: number) =>
  call(inventory.createPool, { name, desc: '', vm_type: 1, sd_id: 1, service_id, tasks: { deploy: 3 } });

async function differences(): Promise<string[]> {
  const found: string[] = [];
  await verifyHistory(db, inventoryHistory, {
    headOf: async () => 0,
    onDifference: (difference) => found.push(describeDifference(difference)),
  });
  return found;
}

const c = await cluster('c');
const s = await service('s', c.id);
const p = await pool('p', s.id);
await call(inventory.addNodes, { pool_id: p.id, nodes: ['10.0.0.1', '10.0.0.2', '[::FFFF:10.0.0.3]'] });
await call(inventory.updateCluster, { id: c.id, desc: 'changed' });

async function tamper(t: Test, statement: string, expected: (string | RegExp)[]): Promise<void> {
  await sql.raw(statement).execute(db);
  const found = await differences();
  t.match(found, expected, `${statement}: ${found.join(' | ')}`);
  t.equal(found.length, expected.length, statement);
  await rebuildHistory(db, inventoryHistory);
  t.strictSame(await differences(), [], 'repaired');
}

t.test('each change to a read table is named exactly, and a rebuild repairs it', async (t) => {
  t.strictSame(await differences(), []);
  for (const table of ['clusters', 'services', 'pools']) {
    await tamper(t, `UPDATE ${table} SET name = 'x' WHERE id = 1`, [
      `${table} id=1: name is "x", by the events "${table[0]}"`,
    ]);
  }
  await tamper(t, `UPDATE pools SET tasks = '{}'`, ['pools id=1: tasks is {}, by the events {"deploy":3}']);
  await tamper(t, `UPDATE nodes SET state = 3, ip = '-' WHERE id = 2`, [
    'nodes id=2: ip is "-", by the events "10.0.0.2"',
    'nodes id=2: state is 3, by the events 0',
  ]);
  await tamper(t, 'UPDATE nodes SET machine = NULL WHERE id = 3', [
    'nodes id=3: machine is null, by the events "10.0.0.3"',
  ]);
  await tamper(t, `INSERT INTO clusters VALUES (50, 'new', '', '')`, [
    'clusters id=50: there is a row, by the events there is none',
  ]);
  await tamper(t, 'DELETE FROM nodes WHERE id = 1', [
    'nodes id=1: there is no row, by the events {"id":1,"ip":"10.0.0.1","state":0,"vm_id":"","labels":{},"status":1,"machine":null,"pool_id":1,"last_task":null,"node_type":"manual","last_reason":"","version_tag":""}',
  ]);
  await tamper(t, 'DELETE FROM nodes; DELETE FROM pools; DELETE FROM services; DELETE FROM clusters', [
    /^clusters id=1: there is no row/,
    /^services id=1/,
    /^pools id=1/,
    /^nodes id=1/,
    /^nodes id=2/,
    /^nodes id=3/,
  ]);
  await tamper(t, 'UPDATE nodes SET id = id + 100', [
    /^nodes id=1: there is no row/,
    /^nodes id=2: there is no row/,
    /^nodes id=3: there is no row/,
    'nodes id=101: there is a row, by the events there is none',
    'nodes id=102: there is a row, by the events there is none',
    'nodes id=103: there is a row, by the events there is none',
  ]);
});

t.test('a missing event is named, and nothing is rebuilt without it', async (t) => {
  const { rows } = await sql<{ position: number }>`
    SELECT position FROM events WHERE stream = 'cluster-1' AND version = 1`.execute(db);
  await sql`CREATE TEMPORARY TABLE kept AS SELECT * FROM events WHERE position = 1`.execute(db);
  await sql`DELETE FROM events WHERE position = ${rows[0]?.position}`.execute(db);
  t.match(await differences(), [
    /^events: position 1 missing, the head is \d+$/,
    'events: cluster-1 lacks version 1, so its rows are not compared',
  ]);
  await t.rejects(rebuildHistory(db, inventoryHistory), {
    name: 'HistoryDamaged',
    message: /nothing was changed/,
  });
  await sql`INSERT INTO events SELECT * FROM kept`.execute(db);
  t.strictSame(await differences(), []);
});

t.test('ids go on after a rebuild, and checkpoints stay', async (t) => {
  const checkpoints = () => sql`SELECT * FROM event_checkpoints`.execute(db);
  const before = (await checkpoints()).rows;
  await rebuildHistory(db, inventoryHistory);
  t.strictSame((await checkpoints()).rows, before);
  t.equal((await cluster('next')).id, 2);
});

t.test(
  'rebuilding again and again while everything is edited: no edit fails, and nothing differs',
  async (t) => {
    let editing = true;
    const edit = async (editor: number): Promise<void> => {
      for (let n = 0; n < 12; n++) {
        const name = `${editor}-${n}`;
        const made = await cluster(name);
        const below = await pool(name, (await service(name, made.id)).id);
        await call(inventory.addNodes, { pool_id: below.id, nodes: [`${name}.a`, `${name}.b`] });
        await call(inventory.updatePool, { id: below.id, desc: 'edited' });
        await call(inventory.removeNodes, { pool_id: below.id, nodes: [`${name}.a`] });
        const { rows } = await call(inventory.listNodes, { pool_id: below.id, page: 1, page_size: 10 });
        t.match(rows, [{ ip: `${name}.b` }], 'whoever reads sees what was acknowledged');
      }
    };
    const all = Promise.all([1, 2, 3].map(edit)).finally(() => {
      editing = false;
    });
    let rebuilds = 0;
    const rebuilding = (async () => {
      const other = await open();
      t.teardown(() => other.destroy());
      for (; editing; rebuilds++) await rebuildHistory(other, inventoryHistory);
    })();
    let checks = 0;
    const checking = (async () => {
      for (; editing; checks++) t.strictSame(await differences(), [], 'while it runs');
    })();
    await Promise.all([all, rebuilding, checking]);
    t.strictSame(await differences(), []);
    t.ok(rebuilds > 0 && checks > 0, `${rebuilds} rebuilds, ${checks} checks`);
  },
);
