import { openDatabase } from '@rigel/runtime/database';
import { silentLogger, type TestServers } from '@rigel/testing';
import type { Kysely } from 'kysely';
import type { Test } from 'tap';

/**
 * @param max connections to each; default: as a service has
 * @returns opens a database, until the test ends, in which these tables have just been made: each call has its own
 */
export function databasesOf(
  { databaseUrl }: TestServers,
  createTables: (db: Kysely<unknown>) => Promise<void>,
  max?: number,
): (t: Test) => Promise<Kysely<unknown>> {
  let schemas = 0;
  return async (t) => {
    const db = await openDatabase<unknown>({
      url: databaseUrl,
      schema: `test_${++schemas}`,
      migrations: { '0001': { up: createTables } },
      log: silentLogger,
      signal: new AbortController().signal,
      ...(max === undefined ? {} : { max }),
    });
    t.teardown(() => db.destroy());
    return db;
  };
}
