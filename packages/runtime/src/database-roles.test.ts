import { setTimeout as sleep } from 'node:timers/promises';
import { ownerRole, runtimeRole } from '@rigel/contracts';
import { silentLogger, startTestServers } from '@rigel/testing';
import { Kysely, PostgresDialect, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import pg from 'pg';
import t from 'tap';
import { createPool, grantRuntime, migrateSchema, openDatabase, prepareRoles } from './database-entry.js';

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
