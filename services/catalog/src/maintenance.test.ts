import { catalog } from '@rigel/contracts';
import { describeDifference, rebuildHistory, verifyHistory } from '@rigel/event-store/maintenance';
import { openExisting } from '@rigel/runtime/database';
import { silentLogger, startTestServers } from '@rigel/testing';
import { sql } from 'kysely';
import t, { type Test } from 'tap';
import { catalogHistory } from './maintenance.js';
import { migrations } from './migrations/index.js';
import { startCatalogForTest } from './testing/catalog.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call, stop } = await startCatalogForTest(servers);
t.teardown(stop);
const db = await openExisting({
  url: servers.databaseUrl,
  schema: 'catalog',
  migrations,
  log: silentLogger,
});
t.teardown(() => db.destroy());

async function differences(): Promise<string[]> {
  const found: string[] = [];
  await verifyHistory(db, catalogHistory, {
    headOf: async () => 0,
    onDifference: (difference) => found.push(describeDifference(difference)),
  });
  return found;
}

/** An action with an implementation, a remote step and a template, all of one name. */
async function make(name: string) {
  const action = await call(catalog.createAction, { name, desc: '', params: { word: 'string' } });
  await call(catalog.createActionImpl, {
    type: 'ansible',
    action_id: action.id,
    template: { action: { module: 'shell', args: 'echo {{word}}' } },
  });
  const step = await call(catalog.createRemoteStep, { name, desc: '', actions: [name] });
  const template = await call(catalog.createTemplate, {
    name,
    desc: '',
    steps: [{ name, param_values: { word: 'x' }, retry: { retry_times: 1, ignore_error: false } }],
  });
  return { action, step, template };
}
await make('a');
const b = await make('b');
await call(catalog.deleteTemplate, b.template);

async function tamper(t: Test, statement: string, expected: (string | RegExp)[]): Promise<void> {
  await sql.raw(statement).execute(db);
  const found = await differences();
  t.match(found, expected, `${statement}: ${found.join(' | ')}`);
  t.equal(found.length, expected.length, statement);
  await rebuildHistory(db, catalogHistory);
  t.strictSame(await differences(), [], 'repaired');
}

t.test('each change to a read table is named exactly, and a rebuild repairs it', async (t) => {
  t.strictSame(await differences(), []);
  await tamper(t, `UPDATE actions SET params = '{}' WHERE id = 1`, [
    'actions id=1: params is {}, by the events {"word":"string"}',
  ]);
  await tamper(t, `UPDATE actimpls SET type = 'x' WHERE id = 2`, [
    'actimpls id=2: type is "x", by the events "ansible"',
  ]);
  await tamper(t, `UPDATE remote_steps SET actions = '{c}' WHERE id = 1`, [
    'remote_steps id=1: actions is ["c"], by the events ["a"]',
  ]);
  await tamper(t, `UPDATE templates SET steps = '[]'`, [
    /^templates id=1: steps is \[\], by the events \[\{/,
  ]);
  await tamper(t, `DELETE FROM template_steps`, [
    'template_steps template_id=1 remote_step="a": there is no row, by the events {"remote_step":"a","template_id":1}',
  ]);
  await tamper(t, `INSERT INTO template_steps VALUES (1, 'b')`, [
    'template_steps template_id=1 remote_step="b": there is a row, by the events there is none',
  ]);
  await tamper(t, `DELETE FROM templates`, [
    /^templates id=1: there is no row/,
    /^template_steps template_id=1/,
  ]);
  await tamper(t, `DELETE FROM actions WHERE id = 2`, [/^actions id=2: there is no row/, /^actimpls id=2/]);
  await tamper(t, `INSERT INTO actions VALUES (9, 'z', '', '{}')`, [
    'actions id=9: there is a row, by the events there is none',
  ]);
});

t.test('a missing event is named, and nothing is rebuilt without it', async (t) => {
  await sql`CREATE TEMPORARY TABLE kept AS SELECT * FROM events WHERE stream = 'template-2' AND version = 1`.execute(
    db,
  );
  await sql`DELETE FROM events WHERE stream = 'template-2' AND version = 1`.execute(db);
  t.match(await differences(), [
    /^events: position \d+ missing, the head is \d+$/,
    'events: template-2 lacks version 1, so its rows are not compared',
  ]);
  await t.rejects(rebuildHistory(db, catalogHistory), { name: 'HistoryDamaged' });
  await sql`INSERT INTO events SELECT * FROM kept`.execute(db);
  t.strictSame(await differences(), []);
});

t.test(
  'rebuilding again and again while everything is edited: no edit fails, and nothing differs',
  async (t) => {
    let editing = true;
    const edit = async (editor: number): Promise<void> => {
      for (let n = 0; n < 10; n++) {
        const made = await make(`${editor}-${n}`);
        await call(catalog.updateTemplate, { id: made.template.id, desc: 'edited' });
        t.match(await call(catalog.getTemplate, made.template), { desc: 'edited' });
        if (n % 2 === 0) continue;
        await call(catalog.deleteTemplate, made.template);
        await call(catalog.deleteRemoteStep, made.step);
        await call(catalog.deleteAction, made.action);
      }
    };
    const all = Promise.all([1, 2, 3].map(edit)).finally(() => {
      editing = false;
    });
    let rebuilds = 0;
    for (; editing; rebuilds++) {
      await rebuildHistory(db, catalogHistory);
      t.strictSame(await differences(), [], 'while it runs');
    }
    await all;
    t.strictSame(await differences(), []);
    t.ok(rebuilds > 0, `${rebuilds} rebuilds`);
  },
);
