import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownerRole, runtimeRole } from '@rigel/contracts';
import { run as rigel } from '@rigel/database-cli';
import { startTestServers } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';

/*
 * The attacker has the password of one role at the database: what a service runs as, or the owner of its schema, as somebody has who
 * took over that service. The database, its roles and its tables are those that `rigel database prepare` and `migrate` make. What
 * the attacker does not get is anything of another service, and no way to stop one.
 */

const SERVICES = ['inventory', 'catalog', 'scheduler', 'access'] as const;
type Service = (typeof SERVICES)[number];

const folder = await mkdtemp(join(tmpdir(), 'rigel-test-'));
t.teardown(() => rm(folder, { recursive: true, force: true }));
const servers = await startTestServers();
t.teardown(() => servers.stop());
const told: string[] = [];
for (const command of ['prepare', 'migrate']) {
  const output = {
    out: (line: string) => void told.push(line),
    note: (line: string) => void told.push(line),
  };
  const status = await rigel(
    ['database', command, '--passwords', folder],
    { DATABASE_URL: servers.databaseUrl },
    output,
  );
  if (status !== 0) throw new Error(`rigel database ${command}: ${told.join('\n')}`);
}
const admin = new pg.Client(servers.databaseUrl);
await admin.connect();
t.teardown(() => admin.end());

async function connectAs(role: string): Promise<pg.Client> {
  const url = new URL(servers.databaseUrl);
  url.username = role;
  url.password = await readFile(join(folder, role), 'utf8');
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  return client;
}

/** Every role that an attacker may have, and whose it is. */
const ROLES = SERVICES.flatMap((service) => [
  { service, role: runtimeRole(service), owns: false },
  { service, role: ownerRole(service), owns: true },
]);

const sessions = new Map(
  await Promise.all(ROLES.map(async ({ role }) => [role, await connectAs(role)] as const)),
);
t.teardown(() => Promise.all([...sessions.values()].map((session) => session.end())));
const sessionOf = (role: string): pg.Client => {
  const session = sessions.get(role);
  if (!session) throw new Error(`no session of ${role}`);
  return session;
};

const DENIED = '42501';

/** What the database says to a statement: `done`, or the code of its refusal. Nothing of it stays. */
async function outcomeOf(role: string, statement: string): Promise<string> {
  const session = sessionOf(role);
  // What is for outside of transactions is refused, or the test fails.
  const alone = /^(ALTER SYSTEM|CREATE DATABASE)/.test(statement);
  try {
    await session.query(alone ? statement : `BEGIN; ${statement}; ROLLBACK`);
    return 'done';
  } catch (error) {
    if (!alone) await session.query('ROLLBACK');
    return (error as { code?: string }).code ?? String(error);
  }
}

/** For each role, the statements that were not refused as they must be. */
async function notDenied(
  statementsFor: (whose: { service: Service; role: string; owns: boolean }) => readonly string[],
): Promise<string[]> {
  const wrong: string[] = [];
  let tried = 0;
  const tryAll = async (whose: (typeof ROLES)[number]): Promise<void> => {
    for (const statement of statementsFor(whose)) {
      tried++;
      const outcome = await outcomeOf(whose.role, statement);
      if (outcome !== DENIED) wrong.push(`${whose.role}: ${statement}: ${outcome}`);
    }
  };
  await Promise.all(ROLES.map(tryAll));
  if (tried === 0) throw new Error('nothing was tried');
  return wrong.sort();
}

const othersOf = (service: Service): Service[] => SERVICES.filter((other) => other !== service);

const { rows: tables } = await admin.query<{ schema: Service; name: string; kind: string }>(
  `SELECT relnamespace::regnamespace::text AS schema, relname AS name, relkind AS kind FROM pg_class
   WHERE relnamespace::regnamespace::text = ANY($1) AND relkind IN ('r', 'p', 'S')`,
  [SERVICES],
);
const namesOf = (service: Service, ...kinds: string[]): string[] =>
  tables
    .filter(({ schema, kind }) => schema === service && kinds.includes(kind))
    .map(({ name }) => `${service}.${name}`);

t.test('A role cannot read, write, lock or empty one table of another service', async (t) => {
  t.ok(tables.length > 20, `${tables.length} tables and sequences`);
  t.same(
    await notDenied(({ service }) =>
      othersOf(service).flatMap((other) =>
        namesOf(other, 'r', 'p').flatMap((table) => [
          `SELECT FROM ${table}`,
          `INSERT INTO ${table} DEFAULT VALUES`,
          `DELETE FROM ${table}`,
          `TRUNCATE ${table}`,
          `LOCK TABLE ${table} IN ACCESS SHARE MODE`,
          `LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`,
          `COPY ${table} TO STDOUT`,
        ]),
      ),
    ),
    [],
  );
});

t.test('A role cannot use up the numbers of another service', async (t) => {
  t.same(
    await notDenied(({ service }) =>
      othersOf(service).flatMap((other) =>
        namesOf(other, 'S').flatMap((sequence) => [
          `SELECT nextval('${sequence}')`,
          `SELECT setval('${sequence}', 1000000)`,
          `SELECT last_value FROM ${sequence}`,
        ]),
      ),
    ),
    [],
  );
});

t.test('A role cannot change the schema of another service, or leave anything in it', async (t) => {
  t.same(
    await notDenied(({ service }) =>
      othersOf(service).flatMap((other) => [
        `CREATE TABLE ${other}.mine (a int)`,
        `CREATE VIEW ${other}.mine AS SELECT 1`,
        `CREATE FUNCTION ${other}.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
        `CREATE TRIGGER mine BEFORE INSERT ON ${other}.events EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
        `ALTER TABLE ${other}.events ADD COLUMN mine int`,
        `DROP TABLE ${other}.events`,
        `DROP SCHEMA ${other} CASCADE`,
        `ALTER SCHEMA ${other} RENAME TO mine`,
        `GRANT USAGE ON SCHEMA ${other} TO PUBLIC`,
        `COMMENT ON SCHEMA ${other} IS 'mine'`,
      ]),
    ),
    [],
  );
});

t.test('A role cannot become another one, or give itself more', async (t) => {
  t.same(
    await notDenied(({ role }) => [
      ...ROLES.filter((other) => other.role !== role).flatMap((other) => [
        `SET ROLE ${other.role}`,
        `SET SESSION AUTHORIZATION ${other.role}`,
        `ALTER ROLE ${other.role} PASSWORD 'mine-mine'`,
        `GRANT ${other.role} TO ${role}`,
        `DROP ROLE ${other.role}`,
      ]),
      `ALTER ROLE ${role} SUPERUSER`,
      `ALTER ROLE ${role} CREATEDB`,
      'CREATE ROLE mine',
      `GRANT pg_read_all_data TO ${role}`,
    ]),
    [],
  );
});

t.test(
  'A role cannot take the locks that give a scheduler its partitions, or hold up migrations by them',
  async (t) => {
    t.notMatch(told.join('\n'), /advisory/, 'the administrator could close them');
    const locks = [
      'pg_advisory_lock(1)',
      'pg_advisory_lock(1, 1)',
      'pg_advisory_lock_shared(1)',
      'pg_advisory_lock_shared(1, 1)',
      'pg_advisory_xact_lock(3853314791062309107)',
      'pg_advisory_xact_lock(1, 1)',
      'pg_advisory_xact_lock_shared(1)',
      'pg_advisory_xact_lock_shared(1, 1)',
      'pg_try_advisory_lock(1)',
      'pg_try_advisory_lock(1, 1)',
      'pg_try_advisory_lock_shared(1)',
      'pg_try_advisory_lock_shared(1, 1)',
      'pg_try_advisory_xact_lock(1)',
      'pg_try_advisory_xact_lock(1, 1)',
      'pg_try_advisory_xact_lock_shared(1)',
      'pg_try_advisory_xact_lock_shared(1, 1)',
      'pg_advisory_unlock(1)',
      'pg_advisory_unlock_all()',
    ].map((call) => `SELECT ${call}`);
    // Owners apply migrations under such a lock, and nobody runs as one of them.
    t.same(await notDenied(({ service, owns }) => (owns || service === 'scheduler' ? [] : locks)), []);
    t.equal(
      await outcomeOf(runtimeRole('scheduler'), 'SELECT pg_try_advisory_lock(1, 1)'),
      'done',
      'who needs them has them',
    );
    t.equal(await outcomeOf(ownerRole('catalog'), 'SELECT pg_advisory_xact_lock(1)'), 'done');
    await sessionOf(runtimeRole('scheduler')).query('SELECT pg_advisory_unlock_all()');
  },
);

t.test('A role cannot end the sessions of another one, or see what it asks', async (t) => {
  t.same(
    await notDenied(({ role }) =>
      ROLES.filter((other) => other.role !== role).flatMap((other) => {
        const pid = `(SELECT pid FROM pg_stat_activity WHERE usename = '${other.role}' LIMIT 1)`;
        return [`SELECT pg_terminate_backend(${pid})`, `SELECT pg_cancel_backend(${pid})`];
      }),
    ),
    [],
  );
  await sessionOf(runtimeRole('access')).query(`SELECT 'a secret of another service'`);
  const { rows } = await sessionOf(runtimeRole('catalog')).query<{ query: string }>(
    'SELECT query FROM pg_stat_activity WHERE usename = $1',
    [runtimeRole('access')],
  );
  t.same(new Set(rows.map(({ query }) => query)), new Set(['<insufficient privilege>']));
});

t.test('A role cannot reach the machine of the database, or what is for administrators', async (t) => {
  t.same(
    await notDenied(() => [
      `COPY (SELECT 1) TO PROGRAM 'id'`,
      `COPY (SELECT 1) TO '/tmp/rigel-attack'`,
      `SELECT pg_read_file('/etc/passwd')`,
      `SELECT pg_ls_dir('/')`,
      `SELECT lo_import('/etc/passwd')`,
      'SELECT FROM pg_authid',
      'SELECT FROM pg_hba_file_rules',
      'SELECT pg_reload_conf()',
      'CREATE FOREIGN DATA WRAPPER mine',
      `ALTER SYSTEM SET max_connections = 1`,
      'CREATE DATABASE mine',
      'CREATE SCHEMA mine',
      'CREATE TABLE public.mine (a int)',
      'CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION suppress_redundant_updates_trigger()',
      `SET session_replication_role = 'replica'`,
      `CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE c AS 'x'`,
    ]),
    [],
  );
});

t.test('What a service runs as can only add to what has happened, and changes no table', async (t) => {
  t.same(
    await notDenied(({ service, owns }) =>
      owns
        ? []
        : [
            `UPDATE ${service}.events SET data = '{}'`,
            `DELETE FROM ${service}.events`,
            `TRUNCATE ${service}.events`,
            `DROP TABLE ${service}.events`,
            `ALTER TABLE ${service}.events DISABLE TRIGGER ALL`,
            `CREATE TABLE ${service}.mine (a int)`,
            `INSERT INTO ${service}.kysely_migration VALUES ('9999', '')`,
            `DELETE FROM ${service}.kysely_migration`,
          ],
    ),
    [],
  );
});

t.test('Each role still does what it is for', async (t) => {
  for (const { service, role, owns } of ROLES) {
    t.equal(await outcomeOf(role, `SELECT FROM ${service}.events`), 'done', role);
    if (owns) t.equal(await outcomeOf(role, `CREATE TABLE ${service}.mine (a int)`), 'done', role);
    else t.equal(await outcomeOf(role, `UPDATE ${service}.event_head SET position = position`), 'done', role);
  }
});
