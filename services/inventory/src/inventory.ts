import { systemClock } from '@rigel/clock';
import { EventRelay, historyOf } from '@rigel/event-store';
import {
  checkDatabase,
  DatabaseConfig,
  databaseOptions,
  measureRelay,
  Operations,
  openDatabase,
  type ServiceContext,
  sampled,
  serveHealth,
} from '@rigel/runtime';
import type { Kysely } from 'kysely';
import type { Static } from 'typebox';
import { serveClusters } from './cluster/handlers.js';
import { eventTypes } from './event-types.js';
import { migrations } from './migrations/index.js';
import { serveNodes } from './node/handlers.js';
import { followScheduler } from './node/scheduler-events.js';
import { servePools } from './pool/handlers.js';
import { serveServices } from './service/handlers.js';
import { Store } from './store.js';
import type { InventoryTables } from './tables.js';

export const InventoryConfig = DatabaseConfig;

/** Starts the inventory service: clusters, services, pools and nodes, in the database schema `inventory`. */
export async function startInventory(context: ServiceContext<Static<typeof InventoryConfig>>): Promise<void> {
  const { config, log, bus, signal, onShutdown } = context;
  const db = await openDatabase<InventoryTables>({
    ...databaseOptions(config),
    schema: 'inventory',
    migrations,
    log,
    signal,
  });
  onShutdown('database', () => db.destroy());
  // The event store knows its own tables only.
  const untyped = db as Kysely<unknown>;

  const relay = new EventRelay({
    owner: 'inventory',
    history: historyOf(untyped, eventTypes),
    bus,
    clock: systemClock,
    log,
  });
  relay.start();
  measureRelay(relay);
  onShutdown('event relay', () => relay.stop());

  const schedulerEvents = followScheduler({ db: untyped, bus, log });
  sampled(
    {
      name: 'rigel_consumer_lag_events',
      help: 'Events of another service that it has told of and that are not handled here yet.',
      labelNames: ['owner'],
    },
    () => [[{ owner: 'scheduler' }, schedulerEvents.lag]],
  );
  onShutdown('events of the scheduler', () => schedulerEvents.stop());

  const store = new Store(db, relay);
  const operations = new Operations(bus, log);
  serveClusters(operations, store);
  serveServices(operations, store);
  servePools(operations, store, bus);
  serveNodes(operations, store, bus);
  onShutdown('operations', () => operations.stop());

  serveHealth(context, 'inventory', {
    database: () => checkDatabase(untyped),
    nats: async () => ((await bus.isConnected()) ? 'ok' : 'NATS does not answer'),
  });
}
