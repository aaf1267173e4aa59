import { openDatabase } from '@rigel/runtime/database';
import { silentLogger, type TestServers } from '@rigel/testing';
import type { Kysely } from 'kysely';
import type { Test } from 'tap';
import { HISTORIES } from '../databases.js';
import { run } from '../run.js';

/** Runs a command line. @returns its exit status, the lines that it answers, and those beside the answer */
export async function rigel(env: NodeJS.ProcessEnv, ...args: string[]) {
  const out: string[] = [];
  const note: string[] = [];
  const status = await run(args, env, { out: (line) => out.push(line), note: (line) => note.push(line) });
  return { status, out, note };
}

/** Opens the database of a service, with its tables, until the test ends. */
export async function openHistory(
  t: Test,
  { databaseUrl }: Pick<TestServers, 'databaseUrl'>,
  schema: keyof typeof HISTORIES,
): Promise<Kysely<unknown>> {
  const db = await openDatabase<unknown>({
    url: databaseUrl,
    schema,
    migrations: HISTORIES[schema].migrations,
    log: silentLogger,
    signal: AbortSignal.timeout(60_000),
  });
  t.teardown(() => db.destroy());
  return db;
}
