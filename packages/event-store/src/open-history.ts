import { systemClock } from '@rigel/clock';
import type { EventOwner } from '@rigel/contracts';
import { databaseOptions, measureRelay, type ServiceContext } from '@rigel/runtime';
import { openDatabase } from '@rigel/runtime/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { EventRelay } from './feed/relay.js';
import { historyOf } from './log/event-store.js';
import type { EventTypes } from './log/event-types.js';

/** A service's own history, opened, with the relay that publishes it. */
export interface OpenHistory<Tables> {
  db: Kysely<Tables>;
  /** The same connection pool, typed for the event store, which knows only its own tables. */
  untyped: Kysely<unknown>;
  relay: EventRelay;
}

/**
 * Opens the database of a service that owns events, in the schema of its name, applies the migrations, and starts
 * publishing the history. Both end with the service.
 */
export async function openHistory<Tables>(
  context: Pick<
    ServiceContext<Parameters<typeof databaseOptions>[0]>,
    'bus' | 'config' | 'log' | 'onShutdown' | 'signal'
  >,
  {
    owner,
    migrations,
    types,
  }: { owner: EventOwner; migrations: Record<string, Migration>; types: EventTypes },
): Promise<OpenHistory<Tables>> {
  const { bus, config, log, onShutdown, signal } = context;
  const db = await openDatabase<Tables>({
    ...databaseOptions(config),
    schema: owner,
    migrations,
    log,
    signal,
  });
  onShutdown('database', () => db.destroy());
  const untyped = db as Kysely<unknown>;
  const relay = new EventRelay({ owner, history: historyOf(untyped, types), bus, clock: systemClock, log });
  relay.start();
  measureRelay(relay);
  onShutdown('event relay', () => relay.stop());
  return { db, untyped, relay };
}
