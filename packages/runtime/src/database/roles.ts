import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { ownerRole, runtimeRole } from '@rigel/contracts';
import pg from 'pg';

/*
 * Each service has two roles: one owns its schema and applies migrations, the other is what the service runs as and may only
 * read and write rows there. Neither sees the schema of another service. Advisory locks are in no schema: whoever may take any may
 * take all of them, so only those may who need some.
 */

/** Services that use advisory locks while they run: the scheduler's partitions. Owners do while they apply migrations. */
const LOCKING = ['scheduler'];

const SCRAM_ITERATIONS = 4_096;
const PRINTABLE = /^[\x21-\x7e]{8,}$/;

/**
 * Creates, or puts right, the roles and schemas of services, as an administrator of the database. Tables that are there
 * already are handed to the owner of their schema. Repeating it changes nothing but the passwords.
 * @param passwordOf the password of a role: at least 8 printable ASCII characters without blanks.
 * @returns sentences about what the administrator had no right to do, and could be done without.
 * @throws Error when a password is none, or the administrator lacks rights.
 */
export async function prepareRoles(
  admin: pg.Client,
  schemas: readonly string[],
  passwordOf: (role: string) => string,
): Promise<string[]> {
  await admin.query('BEGIN');
  try {
    const { rows } = await admin.query<{ name: string }>('SELECT current_database() AS name');
    const database = pg.escapeIdentifier(rows[0]?.name ?? '');
    await admin.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
    await admin.query('REVOKE ALL ON SCHEMA public FROM PUBLIC');
    for (const schema of schemas) {
      const [owner, runtime] = [ownerRole(schema), runtimeRole(schema)];
      for (const role of [owner, runtime]) {
        await ensureRole(admin, role, passwordOf(role));
        await admin.query(`GRANT CONNECT ON DATABASE ${database} TO ${role}`);
      }
      // Comparing tables with the history needs temporary ones.
      await admin.query(`GRANT TEMPORARY ON DATABASE ${database} TO ${owner}`);
      await admin.query(`GRANT ${owner} TO CURRENT_USER`);
      const name = pg.escapeIdentifier(schema);
      await admin.query(`CREATE SCHEMA IF NOT EXISTS ${name} AUTHORIZATION ${owner}`);
      await admin.query(`ALTER SCHEMA ${name} OWNER TO ${owner}`);
      await handOver(admin, schema, owner);
      await admin.query(`REVOKE ALL ON SCHEMA ${name} FROM PUBLIC`);
      await admin.query(`GRANT USAGE ON SCHEMA ${name} TO ${runtime}`);
    }
    const closed = await closeAdvisoryLocks(admin);
    await admin.query('COMMIT');
    return closed
      ? []
      : [
          'every role of this database may take advisory locks, and so keep the schedulers from their partitions: only a ' +
            'superuser can change that, by repeating this command',
        ];
  } catch (error) {
    await admin.query('ROLLBACK');
    throw error;
  }
}

/** Leaves advisory locks to those roles of services that need them. @returns whether nobody else can take any. */
async function closeAdvisoryLocks(admin: pg.Client): Promise<boolean> {
  const { rows: roles } = await admin.query<{ name: string }>(
    `SELECT quote_ident(rolname) AS name FROM pg_roles WHERE rolname = ANY($1) OR rolname ~ $2`,
    [LOCKING.map(runtimeRole), `^${ownerRole('[a-z]+')}$`],
  );
  const functions = `pg_proc p WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '^pg_(try_)?advisory_'`;
  const { rows } = await admin.query<{ name: string; owned: boolean }>(
    `SELECT p.oid::regprocedure::text AS name, pg_has_role(proowner, 'USAGE') AS owned FROM ${functions}`,
  );
  // Where the database is run by somebody else, its administrator is no superuser.
  for (const { name } of rows.filter(({ owned }) => owned)) {
    for (const role of roles) await admin.query(`GRANT EXECUTE ON FUNCTION ${name} TO ${role.name}`);
    await admin.query(`REVOKE EXECUTE ON FUNCTION ${name} FROM PUBLIC`);
  }
  const { rows: open } = await admin.query(
    `SELECT FROM ${functions} AND has_function_privilege('public', p.oid, 'EXECUTE')`,
  );
  return open.length === 0;
}

async function ensureRole(admin: pg.Client, role: string, password: string): Promise<void> {
  if (!PRINTABLE.test(password))
    throw new Error(
      `the password of ${role} is not usable: it needs at least 8 printable ASCII characters without blanks`,
    );
  const { rows } = await admin.query<{ more: boolean }>(
    'SELECT rolsuper OR rolcreatedb OR rolcreaterole AS more FROM pg_roles WHERE rolname = $1',
    [role],
  );
  const [found] = rows;
  if (!found) await admin.query(`CREATE ROLE ${role}`);
  // Only a superuser may say so, also of a role that is none.
  if (found?.more) await admin.query(`ALTER ROLE ${role} NOSUPERUSER NOCREATEDB NOCREATEROLE`);
  // Sent as PostgreSQL keeps it: the statement may end up in the server's log.
  await admin.query(`ALTER ROLE ${role} LOGIN PASSWORD ${pg.escapeLiteral(scramVerifier(password))}`);
}

/** What PostgreSQL stores of a password (SCRAM-SHA-256, RFC 5802). */
function scramVerifier(password: string): string {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, SCRAM_ITERATIONS, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  const serverKey = hmac('Server Key').toString('base64');
  return `SCRAM-SHA-256$${SCRAM_ITERATIONS}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}

/** Makes the role the owner of every table and sequence in the schema. */
async function handOver(admin: pg.Client, schema: string, owner: string): Promise<void> {
  const { rows } = await admin.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c
     WHERE c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p', 'v', 'S')
       AND c.relowner <> to_regrole($2)
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0)`,
    [schema, owner],
  );
  for (const { name } of rows) await admin.query(`ALTER TABLE ${name} OWNER TO ${owner}`);
}

/**
 * Lets the service's own role read and write the rows of its schema, as the schema's owner and after migrations. What has
 * happened it can only add to. Nothing happens where there is no such role.
 */
export async function grantRuntime(owner: pg.Client, schema: string): Promise<void> {
  const role = runtimeRole(schema);
  const { rowCount } = await owner.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
  if (rowCount === 0) return;
  const name = pg.escapeIdentifier(schema);
  // At once, so that there is no moment when the role may change what has happened.
  await owner.query('BEGIN');
  try {
    await owner.query(`GRANT USAGE ON SCHEMA ${name} TO ${role}`);
    await owner.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${name} TO ${role}`);
    await owner.query(`GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${name} TO ${role}`);
    for (const table of ['kysely_migration', 'kysely_migration_lock']) {
      await owner.query(`REVOKE INSERT, UPDATE, DELETE ON ${name}.${table} FROM ${role}`);
    }
    await owner.query(`REVOKE UPDATE, DELETE ON ${name}.events FROM ${role}`);
    await owner.query('COMMIT');
  } catch (error) {
    await owner.query('ROLLBACK');
    throw error;
  }
}
