import { setTimeout as sleep } from 'node:timers/promises';
import { controlSubject, schedulerSettings } from '@rigel/contracts';
import { EventRelay } from '@rigel/event-store';
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
import { TaskEngine } from './engine/engine.js';
import { Ownership } from './engine/ownership.js';
import { migrations } from './migrations/index.js';
import { TaskQueries } from './queries.js';
import { servePartition, serveTasks } from './serve.js';
import type { Tables } from './tables.js';
import { TaskStore } from './task-store.js';

export const SchedulerConfig = Type.Object({
  DATABASE_URL: Type.String({
    minLength: 1,
    description: 'PostgreSQL, in which the service owns the schema scheduler.',
  }),
  ...schedulerSettings,
});

const TICK_MS = 1_000;
/** How often the table of tasks is looked into for active ones that nobody has announced. */
const ADOPT_MS = 2_000;

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
  const relay = new EventRelay({ owner: 'scheduler', db: raw, bus, log });
  relay.start();
  onShutdown('relay', () => relay.stop());

  const store = new TaskStore(db, pool, () => relay.notify());
  const work = new WorkQueue(bus, log);
  const engine = new TaskEngine({
    store,
    wire: {
      offer: (capability, offers, options) => work.offer(capability, offers, options),
      control: (executor, control) => bus.publish(controlSubject(executor), control),
    },
    now: Date.now,
    gather: (ms) => sleep(ms),
    log,
  });
  const operations = new Operations(bus, log);
  onShutdown('operations', () => operations.stop());
  const parts = {
    bus,
    operations,
    engine,
    store,
    queries: new TaskQueries(db, store),
    settings: {
      limits: {
        remoteMs: config.RIGEL_REMOTE_TIMEOUT * 1_000,
        providerMs: config.RIGEL_PROVIDER_TIMEOUT * 1_000,
      },
      retryDelayMs: config.RIGEL_RETRY_DELAY * 1_000,
    },
  };
  serveTasks(parts);

  const serving = new Map<number, () => void>();
  const ownership = new Ownership({
    databaseUrl: config.DATABASE_URL,
    log,
    onChange: (partitions) => {
      engine.own(partitions);
      for (const [partition, stop] of serving) {
        if (partitions.has(partition)) continue;
        stop();
        serving.delete(partition);
      }
      for (const partition of partitions) {
        if (!serving.has(partition)) serving.set(partition, servePartition(partition, parts));
      }
      adopt();
    },
  });
  const adopt = (): void => {
    engine
      .adopt()
      .catch((error: unknown) => log.warn({ err: error }, 'active tasks could not be read, trying again'));
  };
  ownership.start();
  onShutdown('ownership', () => ownership.stop());

  const ticking = setInterval(() => {
    engine.tick().catch((error: unknown) => log.error({ err: error }, 'the clock of the engine failed'));
  }, TICK_MS);
  const adopting = setInterval(adopt, ADOPT_MS);
  onShutdown('timers', () => {
    clearInterval(ticking);
    clearInterval(adopting);
  });
  serveHealth(bus, 'scheduler', name, {
    database: () => checkDatabase(raw),
    partitions: () => (ownership.partitions.size > 0 ? 'ok' : 'owns no partition'),
  });
}
