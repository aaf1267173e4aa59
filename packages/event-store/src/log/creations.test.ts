import { ServiceError } from '@rigel/contracts';
import { startTestServers } from '@rigel/testing';
import { sql } from 'kysely';
import t from 'tap';
import { Creations, createEventTables, type Decider, EventTypes, type NewEvent, readAll } from '../index.js';
import { databasesOf } from '../testing/databases.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());

type Born = NewEvent<'Born', { id: number; name: string }>;
const types = new EventTypes<Born>({ Born: [] });
const decider: Decider<null, { id: number; name: string }, Born> = {
  initial: null,
  decide: (data) => {
    if (data.name === '') throw new ServiceError('invalid', 'a name is missing');
    return [{ type: 'Born', data }];
  },
  evolve: () => null,
};
const meta = { correlationId: 'c', actor: 'a' };

const emptyStore = databasesOf(servers, async (db) => {
  await createEventTables(db);
  await sql`CREATE SEQUENCE thing_ids`.execute(db);
  await sql`CREATE SEQUENCE other_ids`.execute(db);
  await sql`CREATE TABLE things (stream text PRIMARY KEY, name text NOT NULL UNIQUE)`.execute(db);
});

/** Creates things; @returns their ids, or the code of the refusal. */
function create(creations: Creations, names: readonly string[], kind = 'thing'): Promise<number[] | string> {
  return creations
    .create(
      decider,
      { sequence: `${kind}_ids`, count: names.length },
      (id, index) => ({ stream: `${kind}-${id}`, command: { id, name: names[index] ?? '' } }),
      {
        meta,
        project: async (trx, events) => {
          for (const { stream, data } of events) {
            const { name } = data as Born['data'];
            const { rows } = await sql`SELECT FROM things WHERE name = ${name}`.execute(trx);
            if (rows.length > 0) throw new ServiceError('conflict', `${name} is taken`);
            if (name === 'fault') throw new Error('the connection broke');
            await sql`INSERT INTO things VALUES (${stream}, ${name})`.execute(trx);
          }
        },
      },
    )
    .catch((error: unknown) => (error instanceof ServiceError ? error.code : String(error)));
}

t.test('creations that come at once share transactions; ids rise in the order of the history', async (t) => {
  const db = await emptyStore(t);
  const creations = new Creations(db, types);
  const [first, ...others] = await Promise.all([
    create(creations, ['first', 'second']),
    ...Array.from({ length: 300 }, (_, n) =>
      create(creations, [`n${n}`, `m${n}`], n % 3 === 0 ? 'other' : 'thing'),
    ),
  ]);
  t.strictSame(first, [1, 2]);
  t.ok(others.every((ids) => Array.isArray(ids) && ids.length === 2));
  const events = await readAll(db, types, 0, 1_000);
  t.equal(events.length, 602);
  for (const kind of ['thing', 'other']) {
    const ids = events.flatMap(({ stream }) =>
      stream.startsWith(kind) ? [Number(stream.split('-')[1])] : [],
    );
    t.strictSame(
      ids,
      ids.map((_, index) => index + 1),
    );
  }
  const { rows } = await sql<{ transactions: number }>`
    SELECT count(DISTINCT xmin::text)::int AS transactions FROM events`.execute(db);
  t.ok((rows[0]?.transactions ?? 0) < 20, `${rows[0]?.transactions} transactions`);
});

t.test('one that is refused undoes nothing of those it came with, and leaves nothing', async (t) => {
  const db = await emptyStore(t);
  const creations = new Creations(db, types);
  const outcomes = await Promise.all([
    create(creations, ['alone']),
    create(creations, ['a']),
    create(creations, ['b', 'a']),
    create(creations, ['c', '']),
    create(creations, ['d']),
    create(creations, ['a']),
  ]);
  t.strictSame(
    outcomes.map((outcome) => (Array.isArray(outcome) ? 'done' : outcome)),
    ['done', 'done', 'conflict', 'invalid', 'done', 'conflict'],
  );
  const events = await readAll(db, types, 0, 100);
  t.strictSame(
    events.map(({ data }) => (data as Born['data']).name),
    ['alone', 'a', 'd'],
  );
});

t.test('after another error nothing is tried again, and the next ones go on', async (t) => {
  const db = await emptyStore(t);
  const creations = new Creations(db, types);
  const outcomes = await Promise.all([
    create(creations, ['alone']),
    create(creations, ['a']),
    create(creations, ['fault']),
  ]);
  t.match(outcomes, [[1], 'Error: the connection broke', 'Error: the connection broke']);
  t.ok(Array.isArray(await create(creations, ['a'])));
});
