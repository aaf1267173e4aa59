import { systemClock } from '@rigel/clock';
import { EventBatch, eventsSubject, type PublishedEvent, readEvents } from '@rigel/contracts';
import { openDatabase } from '@rigel/runtime/database';
import { silentLogger, startTestServers, waitFor } from '@rigel/testing';
import { type Kysely, sql } from 'kysely';
import t, { type Test } from 'tap';
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
  type RecordedEvent,
  readAll,
} from '../index.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());
const ownerBus = await servers.startBus('owner');
const followerBus = await servers.startBus('follower');

const types = new EventTypes({ Happened: [] });

let schemas = 0;
async function open(t: Test): Promise<Kysely<unknown>> {
  const db = await openDatabase<unknown>({
    url: servers.databaseUrl,
    schema: `history_${++schemas}`,
    migrations: {
      '0001': {
        async up(db) {
          await createEventTables(db);
          await addFollowedEvent(db);
          await addFollowedPosition(db);
          await sql`CREATE TABLE seen (n bigserial PRIMARY KEY, position bigint NOT NULL)`.execute(db);
        },
      },
    },
    log: silentLogger,
    signal: new AbortController().signal,
    max: 4,
  });
  t.teardown(() => db.destroy());
  return db;
}

/** Appends events to the owner's history, each with `size` bytes of data. */
async function happen(db: Kysely<unknown>, count: number, size = 1): Promise<void> {
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

type Handle = DatabaseCheckpointOptions['handle'];
const remember: Handle = async (trx, events) => {
  for (const { position } of events) await sql`INSERT INTO seen (position) VALUES (${position})`.execute(trx);
};

function relay(t: Test, db: Kysely<unknown>, known: EventTypes = types): EventRelay {
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
}

function follow(
  t: Test,
  db: Kysely<unknown>,
  handle: Handle = remember,
  followed: EventTypes = types,
): EventConsumer {
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
}

/** Waits until as many events were seen, and checks that each was seen once and in order. */
async function seenExactly(t: Test, db: Kysely<unknown>, count: number): Promise<void> {
  const seen = async () =>
    (await sql<{ position: number }>`SELECT position FROM seen ORDER BY n`.execute(db)).rows.map(
      (r) => r.position,
    );
  await waitFor(async () => (await seen()).length >= count, { what: `${count} events` });
  t.strictSame(
    await seen(),
    Array.from({ length: count }, (_, i) => i + 1),
  );
  const { rows } = await sql<{ position: number; event: string }>`
    SELECT position, event FROM event_checkpoints`.execute(db);
  t.match(rows, [{ position: count, event: count === 0 ? null : new RegExp(`^s ${count} `) }]);
}

t.test('a consumer gets what was there before it, and then what happens', async (t) => {
  const [owner, follower] = [await open(t), await open(t)];
  await happen(owner, 1_200);
  const relaying = relay(t, owner);
  const consumer = follow(t, follower);
  await seenExactly(t, follower, 1_200);
  await happen(owner, 700);
  relaying.notify();
  await seenExactly(t, follower, 1_900);

  await consumer.stop();
  await happen(owner, 3);
  follow(t, follower);
  await seenExactly(t, follower, 1_903);
});

t.test(
  'what is handed over is published without being read, unless something before it is missing',
  async (t) => {
    const event = (position: number): RecordedEvent => ({
      position,
      stream: 's',
      version: position,
      type: 'Happened',
      schema: 1,
      data: { position },
      meta: { correlationId: 'c', actor: 'a' },
      recordedAt: 1,
    });
    const reads: number[] = [];
    let stored: RecordedEvent[] = [];
    const bus = await servers.startBus('handed over');
    const told: [number, number[]][] = [];
    followerBus.subscribe(eventsSubject('catalog'), EventBatch, ({ after, events }) => {
      if (events.length > 0) told.push([after, events.map(({ position }) => position)]);
    });
    await followerBus.nats.flush();
    const relaying = new EventRelay({
      owner: 'catalog',
      history: {
        head: async () => 10,
        after: async (position) => {
          reads.push(position);
          return stored.filter((known) => known.position > position);
        },
      },
      bus,
      clock: systemClock,
      log: silentLogger,
    });
    relaying.start();
    t.teardown(() => relaying.stop());
    await waitFor(() => reads.length > 0, { what: 'the relay has begun' });

    relaying.notify([event(11), event(12)]);
    relaying.notify([event(13)]);
    await waitFor(() => told.length > 0, { what: 'they are published' });
    t.strictSame(told, [[10, [11, 12, 13]]]);
    t.notOk(
      reads.some((position) => position > 10 && position < 13),
      'none was looked for in the table',
    );

    stored = [event(14), event(15)];
    relaying.notify([event(15)]);
    await waitFor(() => told.length > 1, { what: 'they are published' });
    t.strictSame(told[1], [13, [14, 15]]);

    relaying.notify([event(15), event(16)]);
    await waitFor(() => told.length > 2, { what: 'they are published' });
    t.strictSame(told[2], [15, [16]]);
  },
);

t.test('a batch that does not follow is read again from the owner, a repeated one is ignored', async (t) => {
  const [owner, follower] = [await open(t), await open(t)];
  const first = relay(t, owner);
  follow(t, follower);
  await happen(owner, 5);
  first.notify();
  await seenExactly(t, follower, 5);

  // Nobody publishes while no relay runs: to the consumer these are lost messages.
  await first.stop();
  await happen(owner, 5);
  relay(t, owner);
  await seenExactly(t, follower, 10);

  const replayed = await followerBus.call(
    readEvents('scheduler'),
    { after: 0, limit: 5 },
    { correlationId: 'c', actor: 'a' },
  );
  t.equal(replayed.events.length, 5);
  const repeated: EventBatch = { after: 0, events: replayed.events };
  ownerBus.publish(eventsSubject('scheduler'), repeated);
  ownerBus.publish(eventsSubject('scheduler'), { after: 10, events: [] } satisfies EventBatch);
  await happen(owner, 1);
  await seenExactly(t, follower, 11);
});

/** Another database with the first events of one, as a backup of it has them. */
async function restoreOf(t: Test, backedUp: Kysely<unknown>, count: number): Promise<Kysely<unknown>> {
  const restored = await open(t);
  const events = await readAll(backedUp, types, 0, count);
  for (const { position, stream, version, type, schema, data, meta, recordedAt } of events)
    await sql`
      INSERT INTO events VALUES (${position}, ${stream}, ${version}, ${type}, ${schema}, ${JSON.stringify(data)},
        ${JSON.stringify(meta)}, ${recordedAt})`.execute(restored);
  await sql`UPDATE event_head SET position = ${events.length}`.execute(restored);
  return restored;
}

interface Restored {
  follower: Kysely<unknown>;
  /** What was handled: position and length of the text. */
  seen: [number, number][];
  /** What was logged as an error, and the positions behind which room was made. */
  errors: unknown[];
  forgotten: number[];
  consume(): EventConsumer;
}

async function followerOfRestored(t: Test): Promise<Restored> {
  const follower = await open(t);
  const errors: unknown[] = [];
  const log = {
    ...silentLogger,
    error: (data: unknown) => errors.push(data),
  } as unknown as typeof silentLogger;
  const seen: [number, number][] = [];
  const forgotten: number[] = [];
  const consume = (): EventConsumer => {
    const consumer = new EventConsumer({
      owner: 'scheduler',
      checkpoint: databaseCheckpoint({
        name: 'test',
        owner: 'scheduler',
        db: follower,
        types,
        handle: async (trx, events) => {
          await remember(trx, events);
          for (const { position, data } of events) seen.push([position, String(data.text).length]);
        },
        forgetAfter: async (_, position) => void forgotten.push(position),
      }),
      bus: followerBus,
      clock: systemClock,
      log,
    });
    consumer.start();
    t.teardown(() => consumer.stop());
    return consumer;
  };
  return { follower, seen, errors, forgotten, consume };
}

/** Events from one position to another, each with a text of this length. */
const range = (from: number, to: number, size: number): [number, number][] =>
  Array.from({ length: to - from + 1 }, (_, i) => [from + i, size]);

t.test('an owner restored to an earlier moment is followed on from what both have', async (t) => {
  const { seen, errors, forgotten, consume } = await followerOfRestored(t);
  const original = await open(t);
  await happen(original, 9, 1);
  const first = relay(t, original);
  const consumer = consume();
  await waitFor(() => seen.length === 9, { what: 'all is followed' });
  await first.stop();

  // While the consumer runs, and the owner has recorded nothing else yet.
  const restored = await restoreOf(t, original, 6);
  const second = relay(t, restored);
  await waitFor(() => errors.length === 1, { what: 'it is told' });
  t.match(errors, [{ owner: 'scheduler', followed: 9, head: 6, back: 6, lost: 3, event: /^s 9 \S+ c$/ }]);
  t.same(forgotten, [6], 'the consumer makes room for what comes');
  await happen(restored, 5, 2);
  second.notify();
  await waitFor(() => seen.length === 14, { what: 'what was recorded after the restore' });
  t.same(seen.slice(9), range(7, 11, 2));
  await consumer.stop();
  await second.stop();

  // While it did not, and the owner has recorded something before it looks.
  const older = await restoreOf(t, restored, 2);
  await happen(older, 3, 3);
  relay(t, older);
  consume();
  await waitFor(() => seen.length === 17, { what: 'the new events' });
  t.match(errors[1], { followed: 11, head: 5, back: 2, lost: 9 });
  t.same(seen.slice(14), range(3, 5, 3));
  t.same(forgotten, [6, 2]);
});

t.test(
  'a restored owner that has come as far as was followed, or further: other events at the same positions',
  async (t) => {
    for (const [now, running] of [
      [20, false],
      [20, true],
      [9, true],
      [1_200, false],
    ] as const) {
      const { follower, seen, errors, forgotten, consume } = await followerOfRestored(t);
      const original = await open(t);
      await happen(original, 4, 1);
      await happen(original, 5, 1);
      const first = relay(t, original);
      const consumer = consume();
      await waitFor(() => seen.length === 9, { what: 'all is followed' });
      await first.stop();
      if (!running) await consumer.stop();
      const restored = await restoreOf(t, original, 5);
      await happen(restored, now - 5, 2);
      const second = relay(t, restored);
      if (!running) consume();
      await waitFor(() => seen.length === 9 + now - 5, { what: 'all new events' });
      t.same(seen.slice(9), range(6, now, 2), 'each new event once, none of those that both have again');
      t.match(errors, [{ followed: 9, head: now, back: 5, lost: 4 }]);
      t.same(forgotten, [5]);
      // It is written when what was done for the events is committed, a moment after it was done.
      const stands = async () => {
        const { rows } = await sql<{ position: number; event: string }>`
          SELECT position, event FROM event_checkpoints`.execute(follower);
        return rows[0]?.position === now ? rows[0].event : undefined;
      };
      t.match(
        await waitFor(stands, { what: 'the checkpoint behind the last of them' }),
        new RegExp(`^s ${now} \\S+ c$`),
      );
      await second.stop();
      await consumer.stop();
    }
  },
);

t.test('of two replicas that notice a restored owner, each new event is handled by one', async (t) => {
  const { follower, seen, errors, consume } = await followerOfRestored(t);
  const original = await open(t);
  await happen(original, 9, 1);
  const first = relay(t, original);
  consume();
  consume();
  await waitFor(
    async () =>
      (await sql`SELECT FROM event_checkpoints WHERE position = 9`.execute(follower)).rows.length === 1,
    { what: 'all is followed' },
  );
  await first.stop();
  const restored = await restoreOf(t, original, 5);
  await happen(restored, 4, 2);
  const second = relay(t, restored);
  const at = (position: number) => async () =>
    (
      await sql`SELECT FROM event_checkpoints WHERE position = ${position} AND event LIKE ${`s ${position} %`}`.execute(
        follower,
      )
    ).rows.length === 1;
  await waitFor(() => errors.length > 0, { what: 'it is told' });
  for (let round = 1; round <= 5; round++) {
    await happen(restored, 1, 2);
    second.notify();
    await waitFor(at(9 + round), { what: 'the next event' });
  }
  t.equal(errors.length, 1, 'the other one reads where the checkpoint stands');
  const committed = await sql<{ position: number }>`SELECT position FROM seen ORDER BY n`.execute(follower);
  t.same(
    committed.rows.map(({ position }) => position),
    [...range(1, 9, 1), ...range(6, 14, 2)].map(([position]) => position),
  );
  t.ok(seen.length >= committed.rows.length);
});

t.test(
  'a program that moves the position alone, during an upgrade, leaves no event that is held against it',
  async (t) => {
    const { follower, seen, errors, consume } = await followerOfRestored(t);
    const owner = await open(t);
    await happen(owner, 5, 1);
    const relaying = relay(t, owner);
    const consumer = consume();
    await waitFor(() => seen.length === 5, { what: 'all is followed' });
    await consumer.stop();
    await happen(owner, 3, 2);
    await sql`UPDATE event_checkpoints SET position = 7`.execute(follower);
    consume();
    await waitFor(() => seen.length === 6, { what: 'the last one' });
    await happen(owner, 1, 3);
    relaying.notify();
    await waitFor(() => seen.length === 7, { what: 'another one' });
    t.same(seen.slice(5), [
      [8, 2],
      [9, 3],
    ]);
    t.same(errors, []);
  },
);

t.test(
  'a checkpoint that does not know which event it stands at goes back as far as the history is shorter',
  async (t) => {
    const { follower, seen, errors, consume } = await followerOfRestored(t);
    const original = await open(t);
    await happen(original, 9, 1);
    const first = relay(t, original);
    const consumer = consume();
    await waitFor(() => seen.length === 9, { what: 'all is followed' });
    await first.stop();
    await consumer.stop();
    await sql`UPDATE event_checkpoints SET event = NULL, recorded_until = NULL`.execute(follower);
    const restored = await restoreOf(t, original, 5);
    await happen(restored, 2, 2);
    const second = relay(t, restored);
    consume();
    await waitFor(() => errors.length === 1, { what: 'it is told' });
    t.match(errors, [{ followed: 9, head: 7, back: 7 }]);
    await happen(restored, 2, 2);
    second.notify();
    await waitFor(() => seen.length === 11, { what: 'what comes then' });
    t.same(seen.slice(9), range(8, 9, 2));
  },
);

t.test('private events are left out of what is published, and followers go on behind them', async (t) => {
  const [owner, follower] = [await open(t), await open(t)];
  const known = new EventTypes({ RunClaimed: [], Happened: [] });
  const batches: EventBatch[] = [];
  followerBus.subscribe(eventsSubject('scheduler'), EventBatch, (batch) => {
    if (batch.end) batches.push(batch);
  });
  const relaying = relay(t, owner, known);
  // Not the private ones: what is recorded before it has looked back for the first time it reads, and those are there
  // then.
  const consumer = follow(t, follower, remember, new EventTypes({ Happened: [] }));
  await waitFor(async () => (await sql`SELECT FROM event_checkpoints`.execute(follower)).rows.length === 1, {
    what: 'the consumer to begin',
  });
  const record = async (first: number, recorded: string[]): Promise<void> => {
    const events = recorded.map((type) => ({ type, data: {} }));
    const meta = { correlationId: 'c', actor: 'a' };
    await owner
      .transaction()
      .execute((trx) =>
        append(trx, known, [{ stream: 's', expectedVersion: first - 1, events, meta }], Date.now()),
      );
    relaying.notify();
  };
  const seen = async () =>
    (await sql<{ position: number }>`SELECT position FROM seen ORDER BY n`.execute(follower)).rows.map(
      (row) => row.position,
    );
  await record(1, ['RunClaimed', 'Happened', 'RunClaimed']);
  await waitFor(async () => (await seen()).length === 1, { what: 'the one that is not private' });
  await record(4, ['RunClaimed', 'RunClaimed']);
  await waitFor(() => batches.at(-1)?.end?.position === 5, { what: 'word of private ones only' });
  await record(6, ['Happened']);
  await waitFor(async () => (await seen()).length === 2, { what: 'the next that is not' });
  await waitFor(() => batches.at(-1)?.end?.position === 6, { what: 'its batch' });
  t.strictSame(await seen(), [2, 6]);
  t.equal(consumer.lag, 0);
  t.match(
    batches.map(({ after, events, end, streams }) => [
      after,
      events.map(({ position }) => position),
      end,
      streams,
    ]),
    [
      [0, [2], { position: 3, identity: /^s 3 / }, ['s']],
      [3, [], { position: 5, identity: /^s 5 / }, ['s']],
      [5, [6], { position: 6, identity: /^s 6 / }, undefined],
    ],
  );
});

t.test('events that do not fit into a message arrive all the same', async (t) => {
  const [owner, follower] = [await open(t), await open(t)];
  const relaying = relay(t, owner);
  follow(t, follower);
  await seenExactly(t, follower, 0).catch(() => undefined);
  // One that is too large itself, and many that are too large together.
  await happen(owner, 1, 2_000_000);
  await happen(owner, 40, 100_000);
  await happen(owner, 1);
  relaying.notify();
  await seenExactly(t, follower, 42);
});

t.test('what was done for events and the checkpoint are committed together', async (t) => {
  const [owner, follower] = [await open(t), await open(t)];
  relay(t, owner);
  await happen(owner, 3);
  const handled: PublishedEvent[][] = [];
  follow(t, follower, async (trx, events) => {
    await remember(trx, events);
    handled.push([...events]);
    if (handled.length === 1) throw new Error('crashed after the work, before the commit');
  });
  await seenExactly(t, follower, 3);
  t.ok(handled.length >= 2, 'it was tried again');
});

t.test('two replicas do each thing once', async (t) => {
  const [owner, follower] = [await open(t), await open(t)];
  const relays = [relay(t, owner), relay(t, owner)];
  follow(t, follower);
  follow(t, follower);
  for (let round = 1; round <= 5; round++) {
    await happen(owner, 20);
    for (const relaying of relays) relaying.notify();
    await seenExactly(t, follower, round * 20);
  }
});

t.test('NATS goes away and comes back: nothing is missed', async (t) => {
  const [owner, follower] = [await open(t), await open(t)];
  const relaying = relay(t, owner);
  follow(t, follower);
  await happen(owner, 2);
  relaying.notify();
  await seenExactly(t, follower, 2);
  await servers.stopNats();
  await happen(owner, 2);
  relaying.notify();
  await servers.startNats();
  await happen(owner, 2);
  await seenExactly(t, follower, 6);
});

t.test('stopping does not wait for an owner that is away', async (t) => {
  const follower = await open(t);
  const consumer = follow(t, follower);
  await waitFor(async () => (await sql`SELECT FROM event_checkpoints`.execute(follower)).rows.length === 1, {
    what: 'the consumer to begin',
  });
  await consumer.stop();
  t.pass('stopped while its replay had no answer');
});

/** Since then the text has become a list of lines. */
const newer = new EventTypes({ Happened: [({ text }: { text: string }) => ({ lines: [text] })] });

t.test('whoever is newer, owner or consumer: the consumer sees its own current shape', async (t) => {
  for (const owners of [types, newer]) {
    const [owner, follower] = [await open(t), await open(t)];
    await happen(owner, 2);
    const relaying = relay(t, owner, owners);
    const lines: unknown[] = [];
    const consumer = follow(
      t,
      follower,
      async (trx, events) => {
        await remember(trx, events);
        lines.push(...events.map(({ schema, data }) => [schema, data.lines]));
      },
      newer,
    );
    await seenExactly(t, follower, 2);
    t.strictSame(lines, [
      [2, ['x']],
      [2, ['x']],
    ]);
    await consumer.stop();
    await relaying.stop();
  }
});

t.test(
  'a version that a consumer does not know stops it there; types it does not follow do not',
  async (t) => {
    const [owner, follower] = [await open(t), await open(t)];
    const relaying = relay(t, owner, newer);
    const stranger = new EventTypes({ Unheard: [] });
    const passing = await open(t);
    follow(t, passing, remember, stranger);
    follow(t, follower);
    // What means nothing is passed over without a transaction for each batch of it.
    await happen(owner, 2_100);
    relaying.notify();
    const position = async (db: Kysely<unknown>) =>
      (await sql<{ position: number }>`SELECT position FROM event_checkpoints`.execute(db)).rows[0]?.position;
    await waitFor(async () => ((await position(passing)) ?? 0) >= 2_000, {
      what: 'the other types to be passed over',
    });
    t.strictSame((await sql`SELECT * FROM seen`.execute(passing)).rows, []);
    t.equal(await position(follower), 0, 'it waits for a program that knows the version');
  },
);
