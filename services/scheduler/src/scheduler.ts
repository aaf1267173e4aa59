import { systemClock } from '@rigel/clock';
import { controlSubject, isTimeZone, schedulerSettings, verificationSettings } from '@rigel/contracts';
import { openAnswers, openHistory, serveHistoryState } from '@rigel/event-store';
import { serveVerification } from '@rigel/event-store/verification';
import { WorkQueue } from '@rigel/messaging';
import {
  ConfigError,
  DatabaseConfig,
  databaseOptions,
  Operations,
  type ServiceContext,
  serveHealth,
} from '@rigel/runtime';
import { checkDatabase } from '@rigel/runtime/database';
import { type Static, Type } from 'typebox';
import { checkCatalogAtStart } from './catalog-check/at-start.js';
import { measureEngine } from './engine/metrics.js';
import { Ownership } from './engine/ownership.js';
import { schedulerEventTypes } from './event-types.js';
import { serveOrphans } from './machines/serve.js';
import { migrations } from './migrations/index.js';
import { Overview } from './overview/overview.js';
import { serveOverview } from './overview/serve.js';
import { readDurations } from './reads/durations.js';
import { readEarlierTask } from './reads/earlier-task.js';
import { TaskQueries } from './reads/task-queries.js';
import { PoolFiring } from './schedule/fire.js';
import { ScheduleQueries } from './schedule/queries.js';
import { ScheduleRunner } from './schedule/runner.js';
import { serveSchedules } from './schedule/serve.js';
import { ScheduleStore } from './schedule/store.js';
import { serveLooks } from './serve/looks.js';
import { serveQueries } from './serve/queries.js';
import { serveRecordedPlan } from './serve/recorded-plan.js';
import { Replica } from './serve/replica.js';
import { openCommits } from './store/connections.js';
import { readHolders } from './store/holders.js';
import type { Tables } from './store/tables.js';
import { TaskStore } from './store/task-store.js';
import { readWhyFacts } from './why/read-facts.js';

/** How often the scheduler looks whether a scheduled task is due. */
const SCHEDULE_TICK_MS = 1_000;

export const SchedulerConfig = Type.Object({
  ...DatabaseConfig.properties,
  ...schedulerSettings,
  ...verificationSettings,
});

/** Starts the scheduler: the tasks of the partitions it owns, in the database schema `scheduler`. */
export async function startScheduler(context: ServiceContext<Static<typeof SchedulerConfig>>): Promise<void> {
  const { config, log, bus, onShutdown } = context;
  const { RIGEL_TIME_ZONE: zone } = config;
  if (!isTimeZone(zone)) throw new ConfigError(`RIGEL_TIME_ZONE is wrong: ${zone} (no such time zone)`);
  const { db, untyped, relay } = await openHistory<Tables>(context, {
    owner: 'scheduler',
    migrations,
    types: schedulerEventTypes,
  });
  const { url } = databaseOptions(config);
  const commits = openCommits(url, log);
  onShutdown('commits', () => commits.destroy());

  const store = new TaskStore(db, commits, (events) => relay.notify(events));
  const work = new WorkQueue(bus, log, config.RIGEL_WORK_REPLICAS);
  // Executors wait for the work queue. If this fails, the next offer makes it.
  work
    .prepare()
    .catch((error: unknown) =>
      log.warn({ err: error }, 'the scheduler could not make the work queue; the next offer tries again'),
    );
  const answers = openAnswers({ untyped, log, onShutdown });
  const operations = new Operations(bus, log, answers);
  onShutdown('operations', () => operations.stop());
  const outcomes = new TaskQueries(db, store, Date.now);
  serveQueries(operations, outcomes);
  serveLooks(operations, untyped);
  serveRecordedPlan(operations, { bus, db: untyped });
  const settings = {
    limits: {
      remoteMs: config.RIGEL_REMOTE_TIMEOUT * 1_000,
      providerMs: config.RIGEL_PROVIDER_TIMEOUT * 1_000,
    },
    retryDelayMs: config.RIGEL_RETRY_DELAY * 1_000,
    dependencyWaitMs: config.RIGEL_DEPENDENCY_TIMEOUT * 1_000,
  };
  const replica = new Replica({
    bus,
    operations,
    store,
    wire: {
      offer: (capability, offers, options) => work.offer(capability, offers, options),
      control: (executor, control) => bus.publish(controlSubject(executor), control),
    },
    clock: systemClock,
    settings,
    log,
    why: {
      load: (id) => store.load(id),
      taskOfRun: (id) => store.taskOfRun(id),
      whyFacts: (task, run) => readWhyFacts(untyped, task, run),
    },
    outcomes,
    outputs: store,
    planning: {
      holders: (nodes, now) => readHolders(untyped, nodes, now),
      durations: (template) => readDurations(untyped, template),
      earlier: (id) => readEarlierTask(untyped, id),
    },
  });
  replica.start();
  const clock = systemClock;
  const schedules = new ScheduleStore(db, () => relay.notify());
  const firing = new PoolFiring(schedules, { bus, store: replica.recorder, settings, clock, log });
  const runner = new ScheduleRunner({ ledger: schedules, firing, zone, clock, log });
  const queries = new ScheduleQueries(db, zone, () => clock.now());
  serveSchedules(operations, queries, runner, { bus, store: schedules, clock, zone, firing });
  serveHistoryState(operations, 'scheduler', untyped);
  serveVerification(context, operations, {
    service: 'scheduler',
    db: untyped,
    thread: new URL('./verify-thread.js', import.meta.url),
  });
  const orphans = serveOrphans(operations, { bus, db: untyped, clock, log });
  onShutdown('look for machines', () => orphans.stop());
  const { executors } = replica;
  const all = new Overview({ db: untyped, bus, executors, zone, clock });
  serveOverview(operations, { db: untyped, all, executors, depth: () => work.depth(), clock });
  onShutdown('overview', () => all.stop());
  const endTicks = clock.every(SCHEDULE_TICK_MS, () => {
    runner
      .tick()
      .catch((error: unknown) =>
        log.warn({ err: error }, 'the scheduler could not read the schedules, and tries again'),
      );
  });
  const ownership = new Ownership({
    databaseUrl: url,
    log,
    onChange: (partitions) => {
      runner.own(partitions);
      return replica.own(partitions);
    },
  });
  ownership.start();
  measureEngine({
    stats: () => replica.engine.stats(),
    partitions: () => ownership.partitions.size,
    depth: () => work.depth(),
  });
  onShutdown('ownership', () => ownership.stop());
  onShutdown('timers', () => replica.stop());
  onShutdown('schedules', () => {
    endTicks();
    return runner.settled();
  });
  const ended = new AbortController();
  // Neither the start nor the end waits for the check: it only reads, and the catalog may answer late.
  void checkCatalogAtStart({ bus, db: untyped, log, signal: ended.signal });
  onShutdown('check of the catalog', () => ended.abort());
  serveHealth(context, 'scheduler', {
    database: () => checkDatabase(untyped),
    partitions: () => (ownership.partitions.size > 0 ? 'ok' : 'owns no partition'),
  });
}
