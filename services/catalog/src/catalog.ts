import { catalog, fleetExport, verificationSettings } from '@rigel/contracts';
import { openAnswers, openHistory, serveHistoryState } from '@rigel/event-store';
import { serveVerification } from '@rigel/event-store/verification';
import { DatabaseConfig, Operations, type ServiceContext, serveHealth } from '@rigel/runtime';
import { checkDatabase } from '@rigel/runtime/database';
import { type Static, Type } from 'typebox';
import { serveActionImpls } from './actimpl/handlers.js';
import { serveActions } from './action/handlers.js';
import { eventTypes } from './event-types.js';
import { readExport } from './export.js';
import { readHistory } from './history.js';
import { migrations } from './migrations/index.js';
import { serveOverview } from './overview/handlers.js';
import { serveRemoteSteps } from './remote-step/handlers.js';
import { serveSteps } from './step/handlers.js';
import { Store } from './store.js';
import type { CatalogTables } from './tables.js';
import { serveTemplates } from './template/handlers.js';
import { readUses } from './uses.js';

export const CatalogConfig = Type.Object({ ...DatabaseConfig.properties, ...verificationSettings });

/** Starts the catalog service: actions, their implementations, remote steps and templates, in the schema `catalog`. */
export async function startCatalog(context: ServiceContext<Static<typeof CatalogConfig>>): Promise<void> {
  const { log, bus, onShutdown } = context;
  const { db, untyped, relay } = await openHistory<CatalogTables>(context, {
    owner: 'catalog',
    migrations,
    types: eventTypes,
  });

  const store = new Store(db, relay);
  const answers = openAnswers({ untyped, log, onShutdown });
  const operations = new Operations(bus, log, answers);
  serveActions(operations, store);
  serveActionImpls(operations, store);
  serveRemoteSteps(operations, store);
  serveTemplates(operations, store, bus);
  serveSteps(operations, store);
  operations.serve(fleetExport.catalog, (request) => readExport(db, request));
  operations.serve(catalog.history, (request) => readHistory(untyped, request));
  operations.serve(catalog.uses, (request, context) => readUses(db, bus, request, context));
  serveOverview(operations, untyped);
  serveHistoryState(operations, 'catalog', untyped);
  serveVerification(context, operations, {
    service: 'catalog',
    db: untyped,
    thread: new URL('./verify-thread.js', import.meta.url),
  });
  onShutdown('operations', () => operations.stop());

  serveHealth(context, 'catalog', {
    database: () => checkDatabase(untyped),
    nats: async () => ((await bus.isConnected()) ? 'ok' : 'NATS does not answer'),
  });
}
