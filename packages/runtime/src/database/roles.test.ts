import { setTimeout as sleep } from 'node:timers/promises';
import { ownerRole, runtimeRole } from '@rigel/contracts';
import { silentLogger, startTestServers } from '@rigel/testing';
import { Kysely, PostgresDialect, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import pg from 'pg';
import t from 'tap';
import { createPool, grantRuntime, migrateSchema, openDatabase, prepareRoles } from './index.js';

const SCHEMA = 'trial';
/** Several times what a service that waits for its migrations lets pass between two looks. */
const LONG_MS = 1_800;

const servers = await startTestServers();
t.teardown(() => servers.stop());
const admin = new pg.Client(servers.databaseUrl);
await admin.connect();
t.teardown(() => admin.end());
await prepareRoles(admin, [SCHEMA], (role) => `password-of-${role}`);

function urlOf(role: string): string {
  const url = new URL(servers.databaseUrl);
  url.username = role;
  url.password = `password-of-${role}`;
  return url.href;
}

const creates = (table: string): Migration => ({
  up: async (db) => {
    await sql`CREATE TABLE ${sql.table(table)} (id bigserial PRIMARY KEY)`.execute(db);
  },
});
const first = { '0001-events': creates(`${SCHEMA}.events`) };
const second = { ...first, '0002-more': creates(`${SCHEMA}.more`) };

async function migrate(migrations: Record<string, Migration>): Promise<void> {
  const pool = createPool(urlOf(ownerRole(SCHEMA)), SCHEMA, silentLogger, 1);
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  await migrateSchema(db, { schema: SCHEMA, migrations, log: silentLogger }).finally(() => db.destroy());
}

async function grant(): Promise<void> {
  const owner = new pg.Client(urlOf(ownerRole(SCHEMA)));
  await owner.connect();
  await grantRuntime(owner, SCHEMA).finally(() => owner.end());
}

/** Opens the schema as a service does that waits for its migrations. */
function open(migrations: Record<string, Migration>) {
  const opening = { done: false, db: undefined as unknown as Promise<Kysely<unknown>> };
  opening.db = openDatabase<unknown>({
    url: urlOf(runtimeRole(SCHEMA)),
    schema: SCHEMA,
    migrations,
    log: silentLogger,
    signal: AbortSignal.timeout(30_000),
    migrate: 'check',
  }).finally(() => {
    opening.done = true;
  });
  return opening;
}

t.test('a service waits until it may use what the migrations have made', async (t) => {
  for (const [what, migrations, insert] of [
    ['the first ones', first, sql`INSERT INTO events DEFAULT VALUES`],
    ['one more', second, sql`INSERT INTO more DEFAULT VALUES`],
  ] as const) {
    const opening = open(migrations);
    await migrate(migrations);
    await sleep(LONG_MS);
    t.notOk(opening.done, `${what}: made, and not granted yet`);
    await grant();
    const db = await opening.db;
    await insert.execute(db);
    t.pass(`${what}: granted`);
    await db.destroy();
  }
});

t.test('what has happened can be added to only, also while it is granted again', async (t) => {
  const db = await open(second).db;
  t.teardown(() => db.destroy());
  let granting = true;
  const granted = (async () => {
    for (let round = 0; round < 20; round++) await grant();
    granting = false;
  })();
  const outcomes: unknown[] = [];
  while (granting) {
    outcomes.push(
      await sql`UPDATE events SET id = id`.execute(db).then(
        () => 'changed',
        (error: { code?: string }) => error.code,
      ),
    );
  }
  await granted;
  t.ok(outcomes.length > 20);
  t.same([...new Set(outcomes)], ['42501'], 'permission denied each time');
});

t.test('an administrator who is no superuser makes roles, and is told what is still open', async (t) => {
  await admin.query("CREATE ROLE modest LOGIN CREATEROLE PASSWORD 'modest-modest'");
  await admin.query('CREATE DATABASE elsewhere OWNER modest');
  const url = new URL(servers.databaseUrl);
  url.username = 'modest';
  url.password = 'modest-modest';
  url.pathname = '/elsewhere';
  const modest = new pg.Client(url.href);
  await modest.connect();
  t.teardown(() => modest.end());
  const prepare = (client: pg.Client) => prepareRoles(client, ['other'], (role) => `password-of-${role}`);
  t.match(await prepare(modest), [/may take advisory locks/]);
  t.match(await prepare(modest), [/may take advisory locks/], 'repeated');
  const asSuperuser = new URL(servers.databaseUrl);
  asSuperuser.pathname = '/elsewhere';
  const powerful = new pg.Client(asSuperuser.href);
  await powerful.connect();
  t.teardown(() => powerful.end());
  t.strictSame(await prepare(powerful), []);
  t.strictSame(await prepare(modest), [], 'what is closed stays closed');
  url.username = runtimeRole('other');
  url.password = `password-of-${runtimeRole('other')}`;
  const service = new pg.Client(url.href);
  await service.connect();
  t.teardown(() => service.end());
  await t.rejects(service.query('SELECT pg_advisory_lock(1)'), { code: '42501' });
});

t.test('a role that has come to more than a service needs loses it', async (t) => {
  const role = runtimeRole(SCHEMA);
  await admin.query(`ALTER ROLE ${role} SUPERUSER CREATEDB`);
  await prepareRoles(admin, [SCHEMA], (name) => `password-of-${name}`);
  const { rows } = await admin.query(
    'SELECT rolsuper, rolcreatedb, rolcreaterole, rolcanlogin FROM pg_roles WHERE rolname = $1',
    [role],
  );
  t.strictSame(rows, [{ rolsuper: false, rolcreatedb: false, rolcreaterole: false, rolcanlogin: true }]);
});
