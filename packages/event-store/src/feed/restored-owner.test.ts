import { systemClock } from '@rigel/clock';
import { silentLogger, waitFor } from '@rigel/testing';
import { type Kysely, sql } from 'kysely';
import t, { type Test } from 'tap';
import { databaseCheckpoint, EventConsumer, readAll } from '../index.js';
import { happen, positionsSeen, remember, startFeeds, types } from '../testing/feeds.js';

const { followerBus, open, relay } = await startFeeds(t);

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
  const committed = await positionsSeen(follower);
  t.same(
    committed,
    [...range(1, 9, 1), ...range(6, 14, 2)].map(([position]) => position),
  );
  t.ok(seen.length >= committed.length);
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
