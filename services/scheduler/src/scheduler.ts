import { systemClock } from '@rigel/clock';
import { controlSubject, schedulerSettings } from '@rigel/contracts';
import { EventRelay, historyOf } from '@rigel/event-store';
import { WorkQueue } from '@rigel/messaging';
import {
  checkDatabase,
  createPool,
  Operations,
  openDatabase,
  type ServiceContext,
  serveHealth,
} from '@rigel/runtime';
import type { Kysely } from 'kysely';
import { type Static, Type } from 'typebox';
import { Ownership } from './engine/ownership.js';
import { migrations } from './migrations/index.js';
import { TaskQueries } from './queries.js';
import { Replica } from './replica.js';
import { serveQueries } from './serve.js';
import type { Tables } from './tables.js';
import { taskEventTypes } from './task/events.js';
import { TaskStore } from './task-store.js';

export const SchedulerConfig = Type.Object({
  DATABASE_URL: Type.String({
    minLength: 1,
    description: 'PostgreSQL, in which the service owns the schema scheduler.',
  }),
  ...schedulerSettings,
});

/** Starts the scheduler: the tasks of the partitions it owns, in the database schema `scheduler`. */
export async function startScheduler(context: ServiceContext<Static<typeof SchedulerConfig>>): Promise<void> {
  const { config, name, log, bus, signal, onShutdown } = context;
  const pool = createPool(config.DATABASE_URL, 'scheduler', log);
  const db = await openDatabase<Tables>({
    url: config.DATABASE_URL,
    schema: 'scheduler',
    pool,
    migrations,
    log,
    signal,
  });
  onShutdown('database', () => db.destroy());
  const raw = db as unknown as Kysely<unknown>;
  const relay = new EventRelay({
    owner: 'scheduler',
    history: historyOf(raw, taskEventTypes),
    bus,
    clock: systemClock,
    log,
  });
  relay.start();
  onShutdown('relay', () => relay.stop());

  const store = new TaskStore(db, pool, () => relay.notify());
  const work = new WorkQueue(bus, log);
  const operations = new Operations(bus, log);
  onShutdown('operations', () => operations.stop());
  serveQueries(operations, new TaskQueries(db, store));
  const replica = new Replica({
    bus,
    operations,
    store,
    wire: {
      offer: (capability, offers, options) => work.offer(capability, offers, options),
      control: (executor, control) => bus.publish(controlSubject(executor), control),
    },
    clock: systemClock,
    settings: {
      limits: {
        remoteMs: config.RIGEL_REMOTE_TIMEOUT * 1_000,
        providerMs: config.RIGEL_PROVIDER_TIMEOUT * 1_000,
      },
      retryDelayMs: config.RIGEL_RETRY_DELAY * 1_000,
    },
    log,
  });
  replica.start();
  const ownership = new Ownership({
    databaseUrl: config.DATABASE_URL,
    log,
    onChange: (partitions) => replica.own(partitions),
  });
  ownership.start();
  onShutdown('ownership', () => ownership.stop());
  onShutdown('timers', () => replica.stop());
  serveHealth(bus, 'scheduler', name, {
    database: () => checkDatabase(raw),
    partitions: () => (ownership.partitions.size > 0 ? 'ok' : 'owns no partition'),
  });
}
