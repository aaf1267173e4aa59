import { waitFor } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';
import type { ApiClient } from '../support/api.js';
import { Fleet, loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';

/* The services verify their own tables while they work; on a secured system each with nothing but the rights of its role. */

interface Verification {
  verified_at: string | null;
  events: number;
  differences: number;
  services: {
    service: string;
    running: object | null;
    last: { by: string; events: number; differences: number; reason: string } | null;
  }[];
  found: { service: string; kind: string; table: string; row: string; column: string; text: string }[];
  missing: object[];
}

const rig = await startRig({
  executors: 1,
  fastDatabase: true,
  env: { gateway: { RIGEL_ACCESS: 'on' } },
  secured: true,
});
t.teardown(() => rig.stop());
const clientOf = async (role: string): Promise<ApiClient> =>
  rig.client(`Bearer ${(await createToken(rig.stack.databaseUrl, role, role)).token}`);
const [admin, operator, viewer] = [
  await clientOf('admin'),
  await clientOf('operator'),
  await clientOf('viewer'),
];
const database = new pg.Client({ connectionString: rig.stack.databaseUrl });
await database.connect();
t.teardown(() => database.end());

const get = async (): Promise<Verification> =>
  (await viewer.call<Verification>('/verification', undefined, 'GET')).data;

async function verified(): Promise<Verification> {
  t.match(await admin.ok('/verification', {}), {
    begun: ['inventory', 'catalog', 'scheduler', 'access'],
    running: [],
    missing: [],
  });
  return waitFor(
    async () => {
      const all = await get();
      return all.services.every(({ running }) => running === null) ? all : undefined;
    },
    { what: 'the end of the verification', timeoutMs: 120_000 },
  );
}

t.test('every service verifies its own tables, for an admin', async (t) => {
  const before = await get();
  t.match(before, { verified_at: null, events: 0, differences: 0, found: [], missing: [] });
  t.equal(before.services.length, 4);
  t.equal((await operator.call('/verification', {})).code, 403);
  const fleet = new Fleet(admin);
  const nodes = loopbackNodes(2, rig.sshd.port);
  await fleet.pool(nodes);
  const template = await fleet.template({ one: { command: 'echo one' } });
  t.equal((await fleet.ended(await fleet.startTask(template, nodes))).state, 2);

  const all = await verified();
  t.match(all, { verified_at: /^2\d{3}-.*Z$/, differences: 0, found: [] });
  for (const { service, last } of all.services) {
    t.match(last, { by: 'admin', reason: '', differences: 0 }, service);
    t.ok((last?.events ?? 0) > 0, service);
  }
  t.equal(
    all.events,
    all.services.reduce((sum, { last }) => sum + (last?.events ?? 0), 0),
  );
});

t.test('a row that was edited by hand is named with table, row and what the events say', async (t) => {
  await database.query(`UPDATE inventory.nodes SET version_tag = 'wrong:1' WHERE id = 1`);
  await database.query('UPDATE scheduler.tasks SET state = 3 WHERE id = 1');
  await database.query(`UPDATE access.tokens SET hash = repeat('0', 64), name = 'eve' WHERE name = 'viewer'`);
  t.teardown(() => database.query(`UPDATE access.tokens SET name = 'viewer' WHERE name = 'eve'`));
  const asAdmin = async () => (await admin.call<Verification>('/verification', undefined, 'GET')).data;
  await admin.ok('/verification', {});
  const all = await waitFor(
    async () => {
      const now = await asAdmin();
      return now.services.every(({ running }) => running === null) && now.differences > 0 ? now : undefined;
    },
    { what: 'the end of the verification', timeoutMs: 120_000 },
  );
  t.equal(all.differences, 4);
  const of = (service: string) => all.found.filter((one) => one.service === service);
  t.match(of('inventory'), [
    {
      kind: 'value',
      table: 'nodes',
      row: 'id=1',
      column: 'version_tag',
      text: 'nodes id=1: version_tag is "wrong:1", by the events ""',
    },
  ]);
  t.match(of('scheduler'), [{ text: 'tasks id=1: state is 3, by the events 2' }]);
  t.match(of('access'), [
    { table: 'tokens', column: 'hash', value: '', expected: '', text: /rigel verify/ },
    { table: 'tokens', column: 'name', value: '', expected: '' },
  ]);
  t.notMatch(JSON.stringify(all), /0{64}/, 'no hash is told');
  const { rows } = await database.query('SELECT state FROM scheduler.tasks WHERE id = 1');
  t.same(rows, [{ state: 3 }], 'verifying repairs nothing');
});
