import { systemClock } from '@rigel/clock';
import type { Bus } from '@rigel/messaging';
import { silentLogger, startTestServers, type TestServers, waitFor } from '@rigel/testing';
import { type Kysely, sql } from 'kysely';
import type { Test } from 'tap';
import {
  addFollowedEvent,
  addFollowedPosition,
  append,
  createEventTables,
  type DatabaseCheckpointOptions,
  databaseCheckpoint,
  EventConsumer,
  EventRelay,
  EventTypes,
  historyOf,
  readAll,
} from '../index.js';
import { databasesOf } from './databases.js';

/** The type of event of these histories. */
export const types = new EventTypes({ Happened: [] });

/** What a follower does with events, in the transaction of its checkpoint. */
type Handle = DatabaseCheckpointOptions['handle'];

/** Notes the positions of events in the table `seen`. */
export const remember: Handle = async (trx, events) => {
  for (const { position } of events) await sql`INSERT INTO seen (position) VALUES (${position})`.execute(trx);
};

/** Histories in databases, relays that publish them, and consumers that follow them. */
export interface Feeds {
  servers: TestServers;
  ownerBus: Bus;
  followerBus: Bus;
  /** A database with the tables of a history, of a checkpoint, and the table `seen`. */
  open(t: Test): Promise<Kysely<unknown>>;
  /** Publishes a history until the test ends. */
  relay(t: Test, db: Kysely<unknown>, known?: EventTypes): EventRelay;
  /** Follows the history, with its checkpoint in `db`, until the test ends. */
  follow(t: Test, db: Kysely<unknown>, handle?: Handle, followed?: EventTypes): EventConsumer;
}

/** Starts PostgreSQL and NATS for the tests of a file. */
export async function startFeeds(t: Test): Promise<Feeds> {
  const servers = await startTestServers();
  t.teardown(() => servers.stop());
  const ownerBus = await servers.startBus('owner');
  const followerBus = await servers.startBus('follower');
  return {
    servers,
    ownerBus,
    followerBus,
    open: databasesOf(
      servers,
      async (db) => {
        await createEventTables(db);
        await addFollowedEvent(db);
        await addFollowedPosition(db);
        await sql`CREATE TABLE seen (n bigserial PRIMARY KEY, position bigint NOT NULL)`.execute(db);
      },
      4,
    ),
    relay: (t, db, known = types) => {
      const relay = new EventRelay({
        owner: 'scheduler',
        history: historyOf(db, known),
        bus: ownerBus,
        clock: systemClock,
        log: silentLogger,
      });
      relay.start();
      t.teardown(() => relay.stop());
      return relay;
    },
    follow: (t, db, handle = remember, followed = types) => {
      const consumer = new EventConsumer({
        owner: 'scheduler',
        checkpoint: databaseCheckpoint({ name: 'test', owner: 'scheduler', db, types: followed, handle }),
        bus: followerBus,
        clock: systemClock,
        log: silentLogger,
      });
      consumer.start();
      t.teardown(() => consumer.stop());
      return consumer;
    },
  };
}

/** Appends events to the owner's history, each with `size` bytes of data. */
export async function happen(db: Kysely<unknown>, count: number, size = 1): Promise<void> {
  const [last] = await readAll(db, types, 0, 1_000_000).then((events) => events.slice(-1));
  const version = last?.version ?? 0;
  const events = Array.from({ length: count }, () => ({
    type: 'Happened',
    data: { text: 'x'.repeat(size) },
  }));
  const meta = { correlationId: 'c', actor: 'a' };
  await db
    .transaction()
    .execute((trx) =>
      append(trx, types, [{ stream: 's', expectedVersion: version, events, meta }], Date.now()),
    );
}

/** Positions in the table `seen`, in the order in which they were noted. */
export async function positionsSeen(db: Kysely<unknown>): Promise<number[]> {
  const { rows } = await sql<{ position: number }>`SELECT position FROM seen ORDER BY n`.execute(db);
  return rows.map(({ position }) => position);
}

/** Waits until as many events were seen, and checks that each was seen once and in order. */
export async function seenExactly(t: Test, db: Kysely<unknown>, count: number): Promise<void> {
  await waitFor(async () => (await positionsSeen(db)).length >= count, { what: `${count} events` });
  t.strictSame(
    await positionsSeen(db),
    Array.from({ length: count }, (_, i) => i + 1),
  );
  const { rows } = await sql<{ position: number; event: string }>`
    SELECT position, event FROM event_checkpoints`.execute(db);
  t.match(rows, [{ position: count, event: count === 0 ? null : new RegExp(`^s ${count} `) }]);
}

/** Waits until the follower has its row in the table of checkpoints. */
export async function followerBegins(db: Kysely<unknown>): Promise<void> {
  await waitFor(async () => (await sql`SELECT FROM event_checkpoints`.execute(db)).rows.length === 1, {
    what: 'the consumer to begin',
  });
}
