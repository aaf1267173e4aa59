import { fleetExport, inventory, nodeSettings, verificationSettings } from '@rigel/contracts';
import { measureConsumers, openAnswers, openHistory, serveHistoryState } from '@rigel/event-store';
import { serveVerification } from '@rigel/event-store/verification';
import { DatabaseConfig, Operations, type ServiceContext, serveHealth } from '@rigel/runtime';
import { checkDatabase } from '@rigel/runtime/database';
import { type Static, Type } from 'typebox';
import { serveClusters } from './cluster/handlers.js';
import { eventTypes } from './event-types.js';
import { readExport } from './export.js';
import { readHistory } from './history.js';
import { migrations } from './migrations/index.js';
import { tellCollisions } from './node/collisions.js';
import { serveNodes } from './node/handlers.js';
import { followScheduler } from './node/scheduler-events.js';
import { serveOverview } from './overview/handlers.js';
import { servePools } from './pool/handlers.js';
import { serveServices } from './service/handlers.js';
import { Store } from './store.js';
import type { InventoryTables } from './tables.js';

export const InventoryConfig = Type.Object({
  ...DatabaseConfig.properties,
  ...nodeSettings,
  ...verificationSettings,
});

/** Starts the inventory service: clusters, services, pools and nodes, in the database schema `inventory`. */
export async function startInventory(context: ServiceContext<Static<typeof InventoryConfig>>): Promise<void> {
  const { config, log, bus, onShutdown } = context;
  const { RIGEL_SSH_PORT: sshPort } = config;
  const { db, untyped, relay } = await openHistory<InventoryTables>(context, {
    owner: 'inventory',
    migrations,
    types: eventTypes,
  });

  const schedulerEvents = followScheduler({ db: untyped, bus, sshPort, log });
  measureConsumers([schedulerEvents]);
  onShutdown('events of the scheduler', () => schedulerEvents.stop());

  const store = new Store(db, relay, schedulerEvents, sshPort);
  const answers = openAnswers({ untyped, log, onShutdown });
  const operations = new Operations(bus, log, answers);
  serveClusters(operations, store);
  serveServices(operations, store);
  servePools(operations, store, bus);
  serveNodes(operations, store, bus);
  serveOverview(operations, untyped);
  serveHistoryState(operations, 'inventory', untyped, [schedulerEvents]);
  operations.serve(fleetExport.inventory, (request) => readExport(db, request));
  operations.serve(inventory.history, (request) => readHistory(untyped, request));
  serveVerification(context, operations, {
    service: 'inventory',
    db: untyped,
    thread: new URL('./verify-thread.js', import.meta.url),
  });
  onShutdown('look for nodes that are one machine', tellCollisions(db, sshPort, log));
  onShutdown('operations', () => operations.stop());

  serveHealth(context, 'inventory', {
    database: () => checkDatabase(untyped),
    nats: async () => ((await bus.isConnected()) ? 'ok' : 'NATS does not answer'),
  });
}
