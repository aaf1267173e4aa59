import { EventBatch, eventsSubject } from '@rigel/contracts';
import { waitFor } from '@rigel/testing';
import { type Kysely, sql } from 'kysely';
import t from 'tap';
import { append, EventTypes } from '../index.js';
import {
  followerBegins,
  happen,
  positionsSeen,
  remember,
  seenExactly,
  startFeeds,
  types,
} from '../testing/feeds.js';

const { followerBus, open, relay, follow } = await startFeeds(t);

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
  await followerBegins(follower);
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
  const seen = () => positionsSeen(follower);
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
