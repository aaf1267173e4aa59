import { setTimeout as sleep } from 'node:timers/promises';
import { startTestServers } from '@rigel/testing';
import { type Kysely, sql } from 'kysely';
import t from 'tap';
import {
  append,
  chunksOfStream,
  createEventTables,
  EventTypes,
  execute,
  type NewEvent,
  readAll,
  readByStream,
  readHead,
  readOfTypes,
  readPart,
  readStored,
  readStream,
  readStreams,
  type StreamPart,
  VersionConflict,
} from '../index.js';
import { databasesOf } from '../testing/databases.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());

const meta = { correlationId: 'c', actor: 'a' };
type Happened = NewEvent<'Happened', { n: number }>;
const types = new EventTypes<Happened>({ Happened: [] });
const happened = (n: number): Happened => ({ type: 'Happened', data: { n } });

/** An empty event store in a schema of its own, with one read table. */
const emptyStore = databasesOf(servers, async (db) => {
  await createEventTables(db);
  await sql`CREATE TABLE sums (stream text PRIMARY KEY, total int NOT NULL CHECK (total < 1000))`.execute(db);
});

t.test('events are read as they were appended', async (t) => {
  const db = await emptyStore(t);
  t.equal(await readHead(db), 0);
  const recorded = await db.transaction().execute((trx) =>
    append(
      trx,
      types,
      [
        { stream: 'a', expectedVersion: 0, events: [happened(1), happened(2)], meta },
        { stream: 'b', expectedVersion: 0, events: [happened(3)], meta },
        { stream: 'c', expectedVersion: 0, events: [], meta },
      ],
      1_700_000_000_000,
    ),
  );
  t.strictSame(
    recorded.map(({ position, stream, version }) => [position, stream, version]),
    [
      [1, 'a', 1],
      [2, 'a', 2],
      [3, 'b', 1],
    ],
  );
  t.strictSame(await readAll(db, types, 0, 10), recorded);
  t.strictSame(await readAll(db, types, 1, 1), recorded.slice(1, 2));
  t.strictSame(await readStream(db, types, 'a', 0, 10), recorded.slice(0, 2));
  t.strictSame(await readStream(db, types, 'a', 1, 10), recorded.slice(1, 2));
  const part = (chosen: Partial<StreamPart>) => readPart(db, types, 'a', { limit: 10, ...chosen });
  t.strictSame(await part({}), recorded.slice(0, 2));
  t.strictSame(await part({ newestFirst: true }), recorded.slice(0, 2).reverse());
  t.strictSame(await part({ newestFirst: true, limit: 1 }), recorded.slice(1, 2));
  t.strictSame(await part({ after: 1 }), recorded.slice(1, 2));
  t.strictSame(await part({ before: 2 }), recorded.slice(0, 1));
  t.strictSame(await part({ types: [recorded[0]?.type ?? ''] }), recorded.slice(0, 2));
  t.strictSame(await part({ types: ['Nothing'] }), []);
  t.strictSame(await part({ having: [{ none: 1 }, recorded[1]?.data ?? {}] }), recorded.slice(1, 2));
  t.strictSame(
    await readStreams(db, types, ['b', 'a', 'nothing']),
    new Map([
      ['a', recorded.slice(0, 2)],
      ['b', recorded.slice(2)],
    ]),
  );
  t.equal(await readHead(db), 3);
});

t.test('of two writers that expect the same version one is refused, and leaves no trace', async (t) => {
  const db = await emptyStore(t);
  const write = (other: string) =>
    db.transaction().execute((trx) =>
      append(
        trx,
        types,
        [
          { stream: other, expectedVersion: 0, events: [happened(1)], meta },
          { stream: 'shared', expectedVersion: 0, events: [happened(2)], meta },
        ],
        0,
      ),
    );
  const results = await Promise.allSettled([write('left'), write('right')]);
  const refused = results.filter((r) => r.status === 'rejected');
  t.equal(refused.length, 1);
  t.type(refused[0]?.reason, VersionConflict);
  t.strictSame(
    (await readAll(db, types, 0, 10)).map(({ position }) => position),
    [1, 2],
    'no gap where it was undone',
  );
});

t.test('a reader that follows by position misses nothing, whatever order transactions end in', async (t) => {
  const db = await emptyStore(t);
  const WRITERS = 8;
  const EACH = 12;
  const writer = async (w: number): Promise<number> => {
    let kept = 0;
    for (let n = 0; n < EACH; n++) {
      const undone = (w + n) % 5 === 0;
      await db
        .transaction()
        .execute(async (trx) => {
          await append(
            trx,
            types,
            [{ stream: `w${w}`, expectedVersion: kept, events: [happened(n), happened(n)], meta }],
            0,
          );
          // Holds the transaction open, so that the others pile up behind it.
          await sql`SELECT pg_sleep(${((w * 7 + n * 3) % 4) / 1000}::float8)`.execute(trx);
          if (undone) throw new Error('undone');
        })
        .then(
          () => {
            kept += 2;
          },
          (error: Error) => {
            if (error.message !== 'undone') throw error;
          },
        );
    }
    return kept;
  };
  let writing = true;
  const seen: number[] = [];
  const follow = async (): Promise<void> => {
    for (let more = true; more; ) {
      const last = !writing;
      const events = await readAll(db, types, seen.at(-1) ?? 0, 5);
      seen.push(...events.map(({ position }) => position));
      more = events.length > 0 || !last;
      if (events.length === 0) await sleep(1);
    }
  };
  const following = follow();
  const kept = await Promise.all(Array.from({ length: WRITERS }, (_, w) => writer(w)));
  writing = false;
  await following;
  const total = kept.reduce((a, b) => a + b, 0);
  t.strictSame(
    seen,
    Array.from({ length: total }, (_, i) => i + 1),
  );
  t.equal(await readHead(db), total);
});

/** Adds numbers; refuses a sum above 100, the read table one above 1000. */
const adder = {
  initial: 0,
  decide: (n: number, sum: number) => {
    if (sum + n > 2_000) throw new RangeError(`${sum} + ${n} is too much`);
    return n === 0 ? [] : [happened(n)];
  },
  evolve: (sum: number, event: ReturnType<typeof happened>) => sum + event.data.n,
};

const add = (db: Kysely<unknown>, ...commands: [stream: string, n: number][]) =>
  execute(
    db,
    adder,
    commands.map(([stream, command]) => ({ stream, command })),
    {
      types,
      meta,
      now: () => 5,
      project: async (trx, events) => {
        for (const { stream, data } of events) {
          const { n } = data as { n: number };
          await sql`
            INSERT INTO sums VALUES (${stream}, ${n})
            ON CONFLICT (stream) DO UPDATE SET total = sums.total + excluded.total`.execute(trx);
        }
      },
    },
  );

const sums = async (db: Kysely<unknown>) =>
  (await sql<{ stream: string; total: number }>`SELECT * FROM sums ORDER BY stream`.execute(db)).rows.map(
    ({ stream, total }) => [stream, total],
  );

t.test('commands are decided on the folded history, recorded and projected together', async (t) => {
  const db = await emptyStore(t);
  const recorded = await add(db, ['a', 1], ['b', 2], ['c', 0]);
  t.match(recorded, [
    { position: 1, stream: 'a', version: 1, type: 'Happened', data: { n: 1 }, meta, recordedAt: 5 },
    { position: 2, stream: 'b', version: 1 },
  ]);
  t.match(await add(db, ['a', 10]), [{ position: 3, stream: 'a', version: 2 }]);
  t.strictSame(await add(db, ['a', 0]), [], 'a command may lead to nothing');
  t.strictSame(await sums(db), [
    ['a', 11],
    ['b', 2],
  ]);
});

t.test('what a rule or the read tables refuse is not recorded at all', async (t) => {
  const db = await emptyStore(t);
  await add(db, ['b', 900]);
  await t.rejects(add(db, ['a', 1], ['b', 2_000]), RangeError);
  await t.rejects(add(db, ['a', 1], ['b', 101]), { message: /sums_total_check/ });
  t.strictSame(await sums(db), [['b', 900]]);
  t.equal(await readHead(db), 1);
});

t.test('forty at once on one stream: all are carried out, none is lost', async (t) => {
  const db = await emptyStore(t);
  await Promise.all(Array.from({ length: 40 }, () => add(db, ['hot', 1], ['other', 2])));
  t.strictSame(await sums(db), [
    ['hot', 40],
    ['other', 80],
  ]);
  t.strictSame(
    (await readStream(db, types, 'hot', 0, 100)).map(({ version }) => version),
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
});

t.test('every reader brings older events to the current shape', async (t) => {
  const db = await emptyStore(t);
  await add(db, ['a', 1], ['b', 2]);
  const newer = new EventTypes<NewEvent<'Happened', { sum: number }>>({
    Happened: [({ n }: { n: number }) => ({ sum: n })],
  });
  await db
    .transaction()
    .execute((trx) =>
      append(
        trx,
        newer,
        [{ stream: 'a', expectedVersion: 1, events: [{ type: 'Happened', data: { sum: 10 } }], meta }],
        0,
      ),
    );
  t.strictSame(
    (await readStored(db, 0, 10)).map(({ schema }) => schema),
    [1, 1, 2],
    'written in the version of its time',
  );
  const sums = (events: { schema: number; data: unknown }[]) =>
    events.map(({ schema, data }) => [schema, (data as { sum: number }).sum]);
  t.strictSame(sums(await readStream(db, newer, 'a', 0, 10)), [
    [2, 1],
    [2, 10],
  ]);
  t.strictSame(sums(await readOfTypes(db, newer, 'a', ['Happened'])), [
    [2, 1],
    [2, 10],
  ]);
  t.strictSame(sums(await readByStream(db, newer, { stream: '', version: 0 }, 10)), [
    [2, 1],
    [2, 10],
    [2, 2],
  ]);
  t.strictSame(sums(await readAll(db, newer, 1, 10)), [
    [2, 2],
    [2, 10],
  ]);
  t.strictSame(sums((await readStreams(db, newer, ['b'])).get('b') ?? []), [[2, 2]]);
  for await (const chunk of chunksOfStream(db, newer, 'a', 1)) t.strictSame(sums(chunk), [[2, 10]]);

  const old =
    /event 3 \(a, version 2\) is a Happened of schema version 2; this program knows versions 1 to 1/;
  await t.rejects(readStream(db, types, 'a', 0, 10), { name: 'UnknownEvent', message: old });
  await t.rejects(readAll(db, types, 0, 10), { message: old });
  await t.rejects(add(db, ['a', 1]), { message: old }, 'nothing is decided on what is not understood');
  t.equal(await readHead(db), 3);
});
