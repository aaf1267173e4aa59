import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { ownerRole, runtimeRole } from '@rigel/contracts';
import pg from 'pg';

/*
 * Each service has two roles: one owns its schema and applies migrations; the service runs as the other, which may only
 * read and write rows there. Neither sees the schema of another service. Advisory locks belong to no schema: a role
 * that may take one may take all. So only roles that need some have the right.
 */

/** Services that use advisory locks while they run: the scheduler, for partitions. Owners use them for migrations. */
const LOCKING = ['scheduler'];

const SCRAM_ITERATIONS = 4_096;
const PRINTABLE = /^[\x21-\x7e]{8,}$/;

/**
 * Creates or corrects the roles and schemas of services, as an administrator of the database. Existing tables get the
 * owner of their schema. Repeating it changes nothing but the passwords.
 * @param passwordOf the password of a role: at least 8 printable ASCII characters without blanks.
 * @returns sentences about dispensable changes for which the administrator lacked the rights.
 * @throws Error if a password is malformed, or the administrator lacks rights.
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
      // Verifying the read tables needs temporary tables: a service verifies its own, an owner does it by command. They
      // are seen by the session that makes them, and by no other.
      await admin.query(`GRANT TEMPORARY ON DATABASE ${database} TO ${owner}, ${runtime}`);
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

/** Allows advisory locks only to the roles that need them. @returns whether no other role can take any. */
async function closeAdvisoryLocks(admin: pg.Client): Promise<boolean> {
  const { rows: roles } = await admin.query<{ name: string }>(
    `SELECT quote_ident(rolname) AS name FROM pg_roles WHERE rolname = ANY($1) OR rolname ~ $2`,
    [LOCKING.map(runtimeRole), `^${ownerRole('[a-z]+')}$`],
  );
  const functions = `pg_proc p WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '^pg_(try_)?advisory_'`;
  const { rows } = await admin.query<{ name: string; owned: boolean }>(
    `SELECT p.oid::regprocedure::text AS name, pg_has_role(proowner, 'USAGE') AS owned FROM ${functions}`,
  );
  // In a managed database the administrator is no superuser.
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
  // Only a superuser may change these attributes, even of a role that has none of them.
  if (found?.more) await admin.query(`ALTER ROLE ${role} NOSUPERUSER NOCREATEDB NOCREATEROLE`);
  // As a hash, as PostgreSQL stores it: the server's log may contain the statement.
  await admin.query(`ALTER ROLE ${role} LOGIN PASSWORD ${pg.escapeLiteral(scramVerifier(password))}`);
}

/** The stored form of a password (SCRAM-SHA-256, RFC 5802). */
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
 * Grants the service's own role to read and write the rows of its schema; run as the schema's owner, after migrations.
 * Events can be added only, never changed. Without such a role nothing happens.
 */
export async function grantRuntime(owner: pg.Client, schema: string): Promise<void> {
  const role = runtimeRole(schema);
  const { rowCount } = await owner.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
  if (rowCount === 0) return;
  const name = pg.escapeIdentifier(schema);
  // In one transaction, so that the role can never change events, not even for a moment.
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
