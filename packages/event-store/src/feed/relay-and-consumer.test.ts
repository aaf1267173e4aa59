import { systemClock } from '@rigel/clock';
import { EventBatch, eventsSubject, type PublishedEvent, readEvents } from '@rigel/contracts';
import { silentLogger, waitFor } from '@rigel/testing';
import { sql } from 'kysely';
import t from 'tap';
import { EventRelay, type RecordedEvent, readHead } from '../index.js';
import { followerBegins, happen, remember, seenExactly, startFeeds } from '../testing/feeds.js';

const { servers, ownerBus, followerBus, open, relay, follow } = await startFeeds(t);

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
  'a reader that waits for the consumer sees what the owner had recorded, also when another replica follows',
  async (t) => {
    const [owner, follower] = [await open(t), await open(t)];
    relay(t, owner);
    const consumer = follow(t, follower);
    t.equal(await consumer.caughtUp(60_000), false, 'of an owner not heard yet nothing new is known');
    await waitFor(async () => await consumer.caughtUp(60_000), { what: 'the first word of the owner' });
    for (const count of [1, 700, 1]) {
      await happen(owner, count);
      t.equal(await consumer.caughtUp(60_000), true);
      const { rows } = await sql<{ last: number }>`SELECT max(position) AS last FROM seen`.execute(follower);
      t.equal(rows[0]?.last, await readHead(owner), `${count} events`);
    }

    const other = follow(t, follower);
    await waitFor(async () => await other.caughtUp(60_000), { what: 'the first word of the owner' });
    await happen(owner, 1);
    t.strictSame(await Promise.all([consumer.caughtUp(60_000), other.caughtUp(60_000)]), [true, true]);
  },
);

t.test('a reader does not wait longer than it wants for a consumer that cannot follow', async (t) => {
  const [owner, follower] = [await open(t), await open(t)];
  relay(t, owner);
  const consumer = follow(t, follower, async () => {
    throw new Error('the follower refuses');
  });
  await waitFor(async () => await consumer.caughtUp(60_000), { what: 'the first word of the owner' });
  await happen(owner, 1);
  t.equal(await consumer.caughtUp(50), false);
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
  await followerBegins(follower);
  await consumer.stop();
  t.pass('stopped while its replay had no answer');
});
