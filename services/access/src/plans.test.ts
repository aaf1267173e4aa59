import { access, type RpcRequest, sessions } from '@rigel/contracts';
import { openDatabase } from '@rigel/runtime/database';
import { silentLogger, startTestServers, statementsOf, walksOf } from '@rigel/testing';
import { CompiledQuery } from 'kysely';
import t from 'tap';
import { migrations } from './migrations/index.js';
import { startAccessForTest } from './testing/access.js';

/*
 * An audit of 100,000 lines, and tokens and sessions by the thousand. What is looked at are the plans of the statements that the
 * service really sends.
 */

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call, stop } = await startAccessForTest(servers);
t.teardown(stop);
const db = await openDatabase<unknown>({
  ...{ url: servers.databaseUrl, schema: 'access', migrations, log: silentLogger },
  signal: AbortSignal.timeout(60_000),
});
t.teardown(() => db.destroy());
/** As much of a client of PostgreSQL as `walksOf` needs. */
const database = {
  query: (text: string, values: readonly unknown[] = []) =>
    db.executeQuery(CompiledQuery.raw(text, [...values])),
};
const client = database as unknown as Parameters<typeof walksOf>[0];

await database.query(`
  SET statement_timeout = 0;
  INSERT INTO audit (source, position, time, operator, action, target, name, client, correlation_id, outcome, status, reason)
    SELECT 'inventory', -n, n, 'operator ' || n % 100, CASE WHEN n % 10000 = 0 THEN 'verification.begin' ELSE 'pool.add_nodes' END,
      'node-' || n % 50000, '', '10.0.0.7', 'c' || n / 200,
      CASE WHEN n % 5000 = 0 THEN 'denied' WHEN n % 5000 = 1 THEN 'refused' ELSE 'done' END, 0, ''
    FROM generate_series(1, 100000) n;
  INSERT INTO tokens (id, name, role, hash, created, created_by, revoked_by)
    SELECT 1000 + n, 'token ' || n, 'viewer', lpad(n::text, 64, '0'), n, 'ann', '' FROM generate_series(1, 5000) n;
`);
// Not in one go with the rest: VACUUM wants no transaction around it.
await database.query('VACUUM ANALYZE');

const BIG = ['audit'];
const { rows: lines } = await database.query('SELECT id FROM access.audit WHERE time = 50000');
const before = Number((lines[0] as { id: number }).id);
const audit = (filter: Omit<RpcRequest<typeof access.listAudit>, 'page' | 'page_size'>) =>
  call(access.listAudit, { page: 1, page_size: 100, ...filter });

const reads: Record<string, () => Promise<unknown>> = {
  'the newest lines of the audit': () => audit({}),
  'lines of the audit after one': () => audit({ before }),
  'lines of an operator': () => audit({ operator: 'operator 7' }),
  'lines of an operator after one': () => audit({ operator: 'operator 7', before }),
  'lines about a node': () => audit({ target: 'node-7' }),
  'lines of a request': () => audit({ correlation_id: 'c77' }),
  'lines of a time': () => audit({ from: 5_000, to: 6_000 }),
  'lines of an action that is rare': () => audit({ action: 'verification.begin' }),
  'lines of an action that is rare, after one': () => audit({ action: 'verification.begin', before }),
  'denied requests': () => audit({ outcome: 'denied' }),
  'denied requests of an operator': () => audit({ outcome: 'denied', operator: 'operator 0' }),
  'refused requests after one': () => audit({ outcome: 'refused', before }),
  tokens: () => call(access.listTokens, { page: 1, page_size: 100 }),
  'open sessions': () => call(sessions.list, { ended: false, limit: 100 }),
  'all sessions': () => call(sessions.list, { ended: true, limit: 100 }),
};

for (const [what, read] of Object.entries(reads)) {
  t.test(what, async (t) => {
    const statements = await statementsOf(read);
    const selects = statements.filter(({ text }) => /^\s*(select|with)/i.test(text));
    t.ok(selects.length > 0, 'statements were sent');
    for (const statement of selects) {
      t.strictSame(
        // Denied requests are summed up, so there are few of them in all.
        (await walksOf(client, statement, BIG)).filter((walk) => !walk.includes('by audit_denied')),
        [],
        statement.text,
      );
    }
  });
}

t.test('a page of a rare action is found, not looked for', async (t) => {
  t.match(await audit({ action: 'verification.begin' }), { total: 10 });
  t.match(await audit({ outcome: 'denied' }), { total: 20 });
});
