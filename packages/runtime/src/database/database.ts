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
/** A process that stands still in the middle of a transaction must not keep others from appending any longer. */
const IDLE_IN_TRANSACTION_MS = 8_000;
const CONNECT_TIMEOUT_MS = 4_000;
/**
 * A connection that nobody uses is closed after this long. Opening one costs PostgreSQL more than a hundred statements, and each
 * plans those that it keeps anew: what comes in bursts finds the connections of the last burst.
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
    // Statements here are short. Compiling them pays never, and costs 200 ms where PostgreSQL is talked out of a plan (see
    // `openCommits`): up to version 17 it then takes any other one for dear enough.
    options: Object.entries({ search_path: schema, jit: 'off', ...settings })
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    keepAlive: true,
  });
  // Without a listener an idle connection that breaks would end the process.
  pool.on('error', (error) =>
    log.warn({ err: error }, 'a database connection broke, another one will be opened'),
  );
  // The same for one in use, between two statements of a transaction; the next statement reports it.
  pool.on('connect', (client) => client.on('error', () => undefined));
  measurePool(pool);
  return pool;
}

/** Waits until the database answers; logs once in a while why it waits. */
async function waitForDatabase(db: Kysely<unknown>, log: Logger, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await sql`SELECT 1`.execute(db);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (attempt % 10 === 0) log.warn({ err: error }, 'waiting for the database');
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}

/**
 * Opens a service's own schema: waits for the database, and either creates the schema where it is missing and applies the
 * migrations that are not applied yet (several replicas may do this at once), or waits until somebody else has.
 *
 * @param migrations by name; they are applied in the order of their names and never edited afterwards.
 */
export async function openDatabase<Tables>(options: {
  url: string;
  schema: string;
  migrations: Record<string, Migration>;
  log: Logger;
  signal: AbortSignal;
  /** Whether to apply migrations, or to wait for them, for a role that may not change the schema. */
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

/** Creates the schema where it is missing and applies the migrations that are not applied yet. */
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
    log.info({ migration: result.migrationName, status: result.status }, 'migration');
  if (error) throw error;
}

/**
 * Waits until the schema has all migrations of this program. It may have more: while a release is being replaced by the next
 * one, the old program goes on over the new schema.
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
      if (unknown.length > 0) log.warn({ schema, unknown }, 'the schema is newer than this program');
      return;
    }
    if (attempt % 10 === 0)
      log.warn({ schema, missing }, 'waiting for migrations: run `rigel database migrate` as the owner');
    await sleep(RETRY_MS, undefined, { signal });
  }
}

/** Whether the owner has granted what it made: it does so a moment after the migrations. */
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

/** A service's database cannot be used as it is; the message says why, without any password. */
export class DatabaseNotUsable extends Error {
  override readonly name = 'DatabaseNotUsable';
}

/**
 * Opens a service's schema as it is, for a program beside the service: creates nothing and migrates nothing. It has one
 * connection, so temporary tables stay in sight.
 *
 * @throws DatabaseNotUsable when the database does not answer, the schema is not there, or has other migrations than
 * this program knows.
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
        `the schema ${schema} is of another version than this program: it has the migrations ${applied.join(', ')}, known are ${known.join(', ')}`,
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
      `the database has no schema ${schema}: it is made when the service ${schema} starts for the first time`,
    );
  }
  const { rows } = await sql<{ name: string }>`
    SELECT name FROM ${sql.id(schema, 'kysely_migration')} ORDER BY name`.execute(db);
  return rows.map(({ name }) => name);
}

async function createSchema(db: Kysely<unknown>, schema: string): Promise<void> {
  // A role that owns the schema may yet lack the right to create one, which IF NOT EXISTS asks for in any case.
  const { rows } = await sql<{
    found: boolean;
  }>`SELECT to_regnamespace(${schema}) IS NOT NULL AS found`.execute(db);
  if (rows[0]?.found) return;
  try {
    await sql`CREATE SCHEMA IF NOT EXISTS ${sql.id(schema)}`.execute(db);
  } catch (error) {
    // Two replicas at once: IF NOT EXISTS does not cover the race, the loser's error does no harm.
    const code = (error as { code?: string }).code;
    if (code !== '23505' && code !== '42P06') throw error;
  }
}

/** For health checks: `ok`, or what is wrong with the database. */
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
