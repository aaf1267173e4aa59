import { silentLogger, startTestServers } from '@rigel/testing';
import { Kysely, PostgresDialect } from 'kysely';
import t from 'tap';
import { createPool } from './database.js';
import { readPage } from './page.js';
import { prepared, preparedQuery, runPrepared } from './prepared.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());

const DECLARED = prepared('SELECT $1::int + 1 AS next');

t.test('a declared statement is planned once in a connection, others are not kept', async (t) => {
  const pool = createPool(servers.databaseUrl, 'public', silentLogger, 1);
  t.teardown(() => pool.end());
  for (const n of [1, 2, 3]) t.strictSame((await pool.query(DECLARED, [n])).rows, [{ next: n + 1 }]);
  // Declared again, as by a second module: it stays the same one.
  t.strictSame((await pool.query(prepared(DECLARED), [4])).rows, [{ next: 5 }]);
  t.strictSame((await pool.query('SELECT $1::int + 2 AS next', [1])).rows, [{ next: 3 }]);
  t.strictSame((await pool.query('SELECT 4 AS next')).rows, [{ next: 4 }], 'without values');
  const named = await pool.query({ name: 'by-hand', text: 'SELECT $1::int + 3 AS next', values: [1] });
  t.strictSame(named.rows, [{ next: 4 }], 'a name of its own stays');
  const { rows } = await pool.query(
    'SELECT statement, generic_plans + custom_plans AS runs FROM pg_prepared_statements ORDER BY 1',
  );
  t.strictSame(rows, [
    { statement: DECLARED, runs: 4 },
    { statement: 'SELECT $1::int + 3 AS next', runs: 1 },
  ]);
});

t.test('queries and pages that are prepared answer like others', async (t) => {
  const pool = createPool(servers.databaseUrl, 'public', silentLogger, 1);
  const db = new Kysely<{ things: { id: number; name: string } }>({ dialect: new PostgresDialect({ pool }) });
  t.teardown(() => db.destroy());
  await pool.query(
    `CREATE TABLE things AS SELECT n AS id, 'thing ' || n AS name FROM generate_series(1, 25) n`,
  );
  const things = db.selectFrom('things').select(['id', 'name']).orderBy('id', 'desc');
  const preparedIn = db as unknown as Kysely<never>;
  for (const page of [1, 3, 4]) {
    const wanted = { page, page_size: 10 };
    t.strictSame(await readPage(things, wanted, { preparedIn }), await readPage(things, wanted));
  }
  for (const id of [7, 8]) {
    t.strictSame(await runPrepared(preparedIn, things.where('id', '=', id)), [{ id, name: `thing ${id}` }]);
  }
  const { rows } = await pool.query(
    'SELECT generic_plans + custom_plans AS runs FROM pg_prepared_statements',
  );
  // Two rows; the count for the page after the end, and three pages: each twice, for a declared text is recognised.
  t.strictSame(rows.map(({ runs }) => runs).sort(), [2, 2, 6]);
});

t.test('a prepared query is made once, and takes only values', async (t) => {
  const pool = createPool(servers.databaseUrl, 'public', silentLogger, 1);
  const db = new Kysely<{ kinds: { id: number; name: string } }>({ dialect: new PostgresDialect({ pool }) });
  t.teardown(() => db.destroy());
  await pool.query('CREATE TABLE kinds (id int, name text)');
  let made = 0;
  const insert = preparedQuery((to: typeof db, { id, name }: { id: number; name: string }) => {
    made++;
    return to.insertInto('kinds').values({ id, name });
  });
  await t.rejects(insert(db, { id: 'x' as unknown as number, name: 'wrong' }), { code: '22P02' });
  await insert(db, { id: 1, name: 'one' });
  await db.transaction().execute((trx) => insert(trx, { id: 2, name: "'; DROP TABLE kinds" }));
  t.equal(made, 1);
  const read = preparedQuery((from: typeof db, { least }: { least: number }) =>
    from.selectFrom('kinds').selectAll().where('id', '>=', least).orderBy('id', 'desc'),
  );
  t.strictSame(await read(db, { least: 1 }), [
    { id: 2, name: "'; DROP TABLE kinds" },
    { id: 1, name: 'one' },
  ]);
  t.strictSame(await read(db, { least: 2 }), [{ id: 2, name: "'; DROP TABLE kinds" }]);
  const fixed = preparedQuery((from: typeof db, { least }: { least: number }) =>
    from.selectFrom('kinds').selectAll().where('id', '>', least).limit(3),
  );
  await t.rejects(fixed(db, { least: 1 }), { message: /was made of the value 3$/ });
});

t.test('statements are not compiled, whatever the server does by itself', async (t) => {
  const database = createPool(servers.databaseUrl, 'public', silentLogger, 1, { jit: 'on' });
  await database.query(
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET jit = on', current_database()); END $$`,
  );
  await database.end();
  const pool = createPool(servers.databaseUrl, 'public', silentLogger, 1);
  t.teardown(() => pool.end());
  t.strictSame((await pool.query('SHOW jit')).rows, [{ jit: 'off' }]);
});

t.test('an error of a declared statement reaches who sent it, and the connection goes on', async (t) => {
  const pool = createPool(servers.databaseUrl, 'public', silentLogger, 1);
  t.teardown(() => pool.end());
  await t.rejects(pool.query(DECLARED, ['x']), { code: '22P02' });
  t.strictSame((await pool.query(DECLARED, [1])).rows, [{ next: 2 }]);
});
