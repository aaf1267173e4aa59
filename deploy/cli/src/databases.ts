import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accessHistory } from '@rigel/access/maintenance';
import { catalogHistory } from '@rigel/catalog/maintenance';
import { DATABASE_URL_FILE, type EventOwner } from '@rigel/contracts';
import type { ServiceHistory } from '@rigel/event-store/maintenance';
import { inventoryHistory } from '@rigel/inventory/maintenance';
import { ConfigError, withPassword } from '@rigel/runtime';
import { openExisting } from '@rigel/runtime/database';
import { schedulerHistory } from '@rigel/scheduler/maintenance';
import type { Kysely } from 'kysely';
import { pino } from 'pino';
import { UsageError } from './usage-error.js';

export const HISTORIES: Readonly<Record<EventOwner, ServiceHistory>> = {
  inventory: inventoryHistory,
  catalog: catalogHistory,
  scheduler: schedulerHistory,
  access: accessHistory,
};

// Silent: the query that needed a connection reports why there is none.
const log = pino({ level: 'silent' });

/**
 * The database of a service: the one that the environment names, otherwise that of the system that runs on this machine.
 * @throws UsageError if there is neither.
 */
export function databaseUrl(service: EventOwner, env: NodeJS.ProcessEnv): string {
  const given = env[`${service.toUpperCase()}_DATABASE_URL`] || env.DATABASE_URL;
  if (given) {
    try {
      return withPassword(given, env.RIGEL_DATABASE_PASSWORD_FILE ?? '');
    } catch (error) {
      throw error instanceof ConfigError ? new UsageError(error.message) : error;
    }
  }
  const dataDir = localDataDir(env);
  try {
    return readFileSync(join(dataDir, DATABASE_URL_FILE), 'utf8').trim();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw new UsageError(`the database is not known: ${message}`);
    throw new UsageError(
      `the database is not known: DATABASE_URL is not set, and no system runs in ${dataDir} (start one, or set RIGEL_DATA_DIR to its folder)`,
    );
  }
}

/** The folder of the system that runs on this machine. */
export function localDataDir(env: NodeJS.ProcessEnv): string {
  const repository = fileURLToPath(new URL('../../..', import.meta.url));
  return resolve(env.RIGEL_DATA_DIR || join(repository, '.rigel'));
}

/** Runs something with the databases of services, each opened when it is first asked for, and closes them. */
export async function withDatabases<T>(
  env: NodeJS.ProcessEnv,
  use: (open: (service: EventOwner) => Promise<Kysely<unknown>>) => Promise<T>,
): Promise<T> {
  const opened = new Map<EventOwner, Promise<Kysely<unknown>>>();
  const open = (service: EventOwner): Promise<Kysely<unknown>> => {
    let db = opened.get(service);
    if (!db) {
      const { migrations } = HISTORIES[service];
      db = openExisting({ url: databaseUrl(service, env), schema: service, migrations, log });
      opened.set(service, db);
    }
    return db;
  };
  try {
    return await use(open);
  } finally {
    for (const db of await Promise.allSettled(opened.values())) {
      if (db.status === 'fulfilled') await db.value.destroy();
    }
  }
}
