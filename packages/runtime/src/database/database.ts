import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import pg from 'pg';
import type { Logger } from 'pino';
import { isPermissionDenied } from './database-errors.js';
import { measurePool } from './pool-metrics.js';
import { PreparingClient } from './prepared.js';

// int8 as number: ids, positions and milliseconds stay far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** How long one statement may take before PostgreSQL ends it. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** A process that stands still within a transaction keeps others from appending: PostgreSQL ends it after this time. */
const IDLE_IN_TRANSACTION_MS = 8_000;
const CONNECT_TIMEOUT_MS = 4_000;
/**
 * An unused connection is closed after this time. Opening one costs PostgreSQL more than a hundred statements, and each
 * new one plans its prepared statements again. A burst of work finds the connections of the last burst.
 */
const IDLE_TIMEOUT_MS = 5 * 60_000;
const RETRY_MS = 500;
const DEFAULT_CONNECTIONS = 10;

/**
 * Builds a pool whose connections see one schema only (their search_path).
 * @param settings of PostgreSQL, for these connections.
 */
export function createPool(
  url: string,
  schema: string,
  log: Logger,
  max = DEFAULT_CONNECTIONS,
  settings: Record<string, string> = {},
): pg.Pool {
  const pool = new pg.Pool({
    Client: PreparingClient,
    connectionString: url,
    max,
    application_name: `rigel-${schema}`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    // Statements are short: compiling them never pays. It costs 200 ms if some plans are disabled (see `openCommits`):
    // up to version 17 PostgreSQL then considers every other plan expensive enough to compile.
    options: Object.entries({ search_path: schema, jit: 'off', ...settings })
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    keepAlive: true,
  });
  // Without a listener an idle connection that breaks ends the process.
  pool.on('error', (error) =>
    log.warn({ err: error }, 'an idle connection to PostgreSQL broke, the next statement opens another one'),
  );
  // The same for a connection in use, between two statements of a transaction. The next statement reports the error.
  pool.on('connect', (client) => client.on('error', () => undefined));
  measurePool(pool);
  return pool;
}

/** Waits until the database answers, and logs every 5 s why it waits. */
async function waitForDatabase(db: Kysely<unknown>, log: Logger, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await sql`SELECT 1`.execute(db);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (attempt % 10 === 0) log.warn({ err: error }, 'PostgreSQL does not answer, waiting for it');
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}

/**
 * Opens a service's own schema. Waits for the database. Then it either creates the schema if it is missing and applies
 * the missing migrations (several replicas may do this at once), or waits until `rigel database migrate` has done so.
 *
 * @param migrations by name, in the order in which they are applied. A released migration is never edited.
 */
export async function openDatabase<Tables>(options: {
  url: string;
  schema: string;
  migrations: Record<string, Migration>;
  log: Logger;
  signal: AbortSignal;
  /** `apply` migrations, or `check`: wait for them, for a role that may not change the schema. */
  migrate?: 'apply' | 'check';
  /** Connections at most. */
  max?: number;
}): Promise<Kysely<Tables>> {
  const { url, schema, migrations, log, signal } = options;
  const db = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: createPool(url, schema, log, options.max) }),
  });
  try {
    await waitForDatabase(db as Kysely<unknown>, log, signal);
    if (options.migrate === 'check') {
      await waitForMigrations(db as Kysely<unknown>, { schema, migrations, log, signal });
    } else await migrateSchema(db as Kysely<unknown>, { schema, migrations, log });
    return db;
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

/** Creates the schema if it is missing, and applies the missing migrations. */
export async function migrateSchema(
  db: Kysely<unknown>,
  { schema, migrations, log }: { schema: string; migrations: Record<string, Migration>; log: Logger },
): Promise<void> {
  await createSchema(db, schema);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    migrationTableSchema: schema,
  });
  const { error, results } = await migrator.migrateToLatest();
  for (const result of results ?? [])
    log.info({ migration: result.migrationName, status: result.status }, 'applied a migration of the schema');
  if (error) throw error;
}

/**
 * Waits until the schema has all migrations of this program. It may have more: during an upgrade the old program works
 * with the new schema.
 */
async function waitForMigrations(
  db: Kysely<unknown>,
  options: { schema: string; migrations: Record<string, Migration>; log: Logger; signal: AbortSignal },
): Promise<void> {
  const { schema, log, signal } = options;
  const known = Object.keys(options.migrations);
  for (let attempt = 0; ; attempt++) {
    const applied: string[] = await appliedMigrations(db, schema).catch((error: unknown): string[] => {
      if (error instanceof DatabaseNotUsable || isPermissionDenied(error)) return [];
      throw error;
    });
    const missing = known.filter((name) => !applied.includes(name));
    if (missing.length === 0 && (await mayUseTables(db, schema))) {
      const unknown = applied.filter((name) => !known.includes(name));
      if (unknown.length > 0)
        log.warn({ schema, unknown }, 'the schema has migrations of a newer release than this program');
      return;
    }
    if (attempt % 10 === 0)
      log.warn({ schema, missing }, 'waiting for migrations: run `rigel database migrate` as the owner');
    await sleep(RETRY_MS, undefined, { signal });
  }
}

/** Whether the owner has granted the use of its tables, which it does shortly after the migrations. */
async function mayUseTables(db: Kysely<unknown>, schema: string): Promise<boolean> {
  const { rows } = await sql<{ granted: boolean }>`
    SELECT NOT EXISTS (
      SELECT FROM pg_class made
      JOIN pg_class history
        ON history.relnamespace = made.relnamespace AND history.relname = 'kysely_migration' AND history.relowner = made.relowner
      WHERE made.relnamespace = to_regnamespace(${schema}) AND CASE
        WHEN made.relkind = 'S' THEN NOT has_sequence_privilege(made.oid, 'USAGE')
        WHEN made.relkind IN ('r', 'p') THEN NOT has_table_privilege(made.oid, 'SELECT')
        ELSE false
      END
    ) AS granted`.execute(db);
  return rows[0]?.granted === true;
}

/** The database of a service cannot be used as it is. The message says why, without a password. */
export class DatabaseNotUsable extends Error {
  override readonly name = 'DatabaseNotUsable';
}

/**
 * Opens a service's schema as it is, for a program other than the service: creates nothing and migrates nothing. It has
 * one connection, so that temporary tables stay visible.
 *
 * @throws DatabaseNotUsable if the database does not answer, the schema does not exist, or its migrations are not those
 *   of this program.
 */
export async function openExisting(options: {
  url: string;
  schema: string;
  migrations: Record<string, Migration>;
  log: Logger;
}): Promise<Kysely<unknown>> {
  const { url, schema, migrations, log } = options;
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: createPool(url, schema, log, 1) }) });
  try {
    const known = Object.keys(migrations).sort();
    const applied = await appliedMigrations(db, schema);
    if (applied.join() !== known.join()) {
      throw new DatabaseNotUsable(
        `the schema ${schema} has another version than this program: its migrations are ${applied.join(', ')}, those of the program ${known.join(', ')}`,
      );
    }
    return db;
  } catch (error) {
    await db.destroy();
    if (error instanceof DatabaseNotUsable) throw error;
    throw new DatabaseNotUsable(
      `the database of ${schema} cannot be used: ${(error as Error).message || String(error)}`,
    );
  }
}

async function appliedMigrations(db: Kysely<unknown>, schema: string): Promise<string[]> {
  const { rows: tables } = await sql<{ found: boolean }>`
    SELECT to_regclass(${`${schema}.kysely_migration`}) IS NOT NULL AS found`.execute(db);
  if (!tables[0]?.found) {
    throw new DatabaseNotUsable(
      `the database has no schema ${schema}: the service ${schema} makes it when it starts for the first time`,
    );
  }
  const { rows } = await sql<{ name: string }>`
    SELECT name FROM ${sql.id(schema, 'kysely_migration')} ORDER BY name`.execute(db);
  return rows.map(({ name }) => name);
}

async function createSchema(db: Kysely<unknown>, schema: string): Promise<void> {
  // A role that owns the schema may lack the right to create schemas, which IF NOT EXISTS needs even if the schema
  // exists.
  const { rows } = await sql<{
    found: boolean;
  }>`SELECT to_regnamespace(${schema}) IS NOT NULL AS found`.execute(db);
  if (rows[0]?.found) return;
  try {
    await sql`CREATE SCHEMA IF NOT EXISTS ${sql.id(schema)}`.execute(db);
  } catch (error) {
    // IF NOT EXISTS does not prevent the race of two replicas. The loser's error does no harm.
    const code = (error as { code?: string }).code;
    if (code !== '23505' && code !== '42P06') throw error;
  }
}

/** For health checks: `ok`, or the reason why the database cannot be used. */
export async function checkDatabase(db: Kysely<unknown>): Promise<string> {
  try {
    await Promise.race([
      sql`SELECT 1`.execute(db),
      sleep(1_500).then(() => {
        throw new Error('no answer within 1.5 s');
      }),
    ]);
    return 'ok';
  } catch (error) {
    return `the database does not answer: ${error instanceof Error ? error.message : String(error)}`;
  }
}
