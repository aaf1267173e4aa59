import type { Clock } from '@rigel/clock';
import { ONCE_KEPT_MS, ServiceError } from '@rigel/contracts';
import { silentLogger, startTestServers, waitFor } from '@rigel/testing';
import { CompiledQuery, type Kysely, sql } from 'kysely';
import t from 'tap';
import {
  AnswersKept,
  Creations,
  createEventTables,
  createKeptAnswers,
  type Decider,
  databaseAnswers,
  EventTypes,
  keepAnswer,
  type NewEvent,
} from '../index.js';
import { databasesOf } from '../testing/databases.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());

type Born = NewEvent<'Born', { id: number; name: string }>;
const types = new EventTypes<Born>({ Born: [] });
const decider: Decider<null, { id: number; name: string }, Born> = {
  initial: null,
  decide: (data) => [{ type: 'Born', data }],
  evolve: () => null,
};
const meta = { correlationId: 'c', actor: 'a' };

/** A clock that stands still until it is moved. */
class TestClock implements Clock {
  time = 1_700_000_000_000;
  now = (): number => this.time;
  sleep = async (): Promise<void> => undefined;
  after = () => () => undefined;
  endOfTurn = async (): Promise<void> => undefined;
  every = () => () => undefined;
}

const emptyStore = databasesOf(servers, async (db) => {
  await createEventTables(db);
  await createKeptAnswers(db);
  await sql`CREATE SEQUENCE thing_ids`.execute(db);
  await sql`CREATE TABLE things (id bigint PRIMARY KEY, name text NOT NULL UNIQUE)`.execute(db);
});

const hash = (digit: string): string => digit.repeat(64);
const named = (key: string, request = key) => ({ key: hash(key), request: hash(request) });

/** A replica of a service that makes things of which no two have one name. */
function replica(db: Kysely<unknown>, clock: Clock = new TestClock(), refuse: () => boolean = () => false) {
  const creations = new Creations(db, types);
  const keeper = new AnswersKept(databaseAnswers(db), clock, silentLogger);
  const make = (
    name: string,
    key: ReturnType<typeof named>,
  ): Promise<{ repeated: boolean; answer: unknown }> =>
    keeper.once(key, async (once) => {
      if (refuse()) throw new ServiceError('wrong_state', 'not now');
      const [id] = await creations.create(
        decider,
        { sequence: 'thing_ids', count: 1 },
        (id) => ({ stream: `thing-${id}`, command: { id, name } }),
        {
          meta,
          kept: { once, answer: ([id]) => ({ id }) },
          project: async (trx, events) => {
            for (const { data } of events) {
              const { id, name } = data as Born['data'];
              const { rows } = await sql`SELECT FROM things WHERE name = ${name}`.execute(trx);
              if (rows.length > 0) throw new ServiceError('conflict', `${name} is taken`);
              await sql`INSERT INTO things VALUES (${id}, ${name})`.execute(trx);
            }
          },
        },
      );
      return { id };
    });
  return { keeper, make };
}

async function countOf(db: Kysely<unknown>, table: 'things' | 'kept_answers' | 'events'): Promise<number> {
  const { rows } = await sql<{
    count: number;
  }>`SELECT count(*)::int AS count FROM ${sql.table(table)}`.execute(db);
  return rows[0]?.count ?? -1;
}

t.test('the first answer comes again, for 24 hours', async (t) => {
  const db = await emptyStore(t);
  const clock = new TestClock();
  const { make } = replica(db, clock);
  const first = await make('a', named('1'));
  t.match(first, { repeated: false, answer: { id: Number } });
  clock.time += ONCE_KEPT_MS - 1;
  t.strictSame(await make('a', named('1')), { repeated: true, answer: first.answer });
  // Another process knows no more than the database.
  t.strictSame(await replica(db, clock).make('a', named('1')), { repeated: true, answer: first.answer });
  t.equal(await countOf(db, 'things'), 1);
  clock.time += 1;
  await t.rejects(make('a', named('1')), { code: 'conflict' }, 'it is asked for anew');
  const later = await make('b', named('1'));
  t.equal(later.repeated, false);
  t.strictSame(await make('b', named('1')), { repeated: true, answer: later.answer });
  t.equal(await countOf(db, 'kept_answers'), 1);
});

t.test('another request under a key is refused, and leaves what was made', async (t) => {
  const db = await emptyStore(t);
  const { make } = replica(db);
  await make('a', named('1', '2'));
  await t.rejects(make('b', named('1', '3')), { code: 'key_reused', message: /other parameters/ });
  t.equal(await countOf(db, 'things'), 1);
  t.equal(await countOf(db, 'events'), 1);
});

t.test('a refusal is not kept', async (t) => {
  const db = await emptyStore(t);
  let refusing = true;
  const { make } = replica(db, new TestClock(), () => refusing);
  await t.rejects(make('a', named('1')), { code: 'wrong_state' });
  await t.rejects(make('a', named('1')), { code: 'wrong_state' });
  t.equal(await countOf(db, 'kept_answers'), 0);
  refusing = false;
  t.match(await make('a', named('1')), { repeated: false });
});

t.test('many at once at two replicas: one makes it, all get its answer', async (t) => {
  const db = await emptyStore(t);
  const replicas = [replica(db), replica(db)];
  const outcomes = await Promise.all(
    Array.from({ length: 40 }, (_, n) => replicas[n % 2]?.make(`a${n % 10}`, named(String(n % 10)))),
  );
  t.equal(await countOf(db, 'things'), 10);
  t.equal(await countOf(db, 'kept_answers'), 10);
  for (let key = 0; key < 10; key++) {
    const answers = outcomes.filter((_, n) => n % 10 === key);
    t.equal(new Set(answers.map((one) => JSON.stringify(one?.answer))).size, 1);
    t.equal(answers.filter((one) => !one?.repeated).length, 1);
  }
});

t.test('one whose key another replica used fails alone, and undoes none of its group', async (t) => {
  const db = await emptyStore(t);
  const creations = new Creations(db, types);
  const at = 1_700_000_000_000;
  const create = (name: string, key?: string) =>
    creations
      .create(
        decider,
        { sequence: 'thing_ids', count: 1 },
        (id) => ({ stream: `thing-${id}`, command: { id, name } }),
        {
          meta,
          project: async (trx, events) => {
            for (const { data } of events) {
              const { id, name } = data as Born['data'];
              await sql`INSERT INTO things VALUES (${id}, ${name})`.execute(trx);
            }
          },
          ...(key === undefined
            ? {}
            : { kept: { once: { ...named(key), at }, answer: ([id]: readonly number[]) => ({ id }) } }),
        },
      )
      .then(
        () => 'made',
        (error: ServiceError) => error.code,
      );
  t.equal(await create('before', '1'), 'made');
  t.strictSame(
    await Promise.all([create('alone'), create('a', '2'), create('b', '1'), create('c'), create('d', '2')]),
    ['made', 'made', 'unavailable', 'made', 'unavailable'],
  );
  t.equal(await countOf(db, 'things'), 4);
  t.equal(await countOf(db, 'events'), 4);
});

t.test('one that comes while the first is under way elsewhere waits for its transaction', async (t) => {
  const db = await emptyStore(t);
  const once = { ...named('1'), at: new TestClock().now() };
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let second: Promise<{ repeated: boolean; answer: unknown }> | undefined;
  await db.transaction().execute(async (trx) => {
    await keepAnswer(trx, once, { id: 77 });
    second = replica(db).make('a', named('1'));
    second.then(letGo, letGo);
    await waitFor(
      async () => {
        const { rows } = await sql`
          SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%kept_answers%'`.execute(
          db,
        );
        return rows.length > 0;
      },
      { what: 'the second waits for the first' },
    );
  });
  await held;
  t.strictSame(await second, { repeated: true, answer: { id: 77 } });
  t.equal(await countOf(db, 'things'), 0);
});

t.test('what looks like a fault and was committed is answered', async (t) => {
  const db = await emptyStore(t);
  const keeper = new AnswersKept(databaseAnswers(db), new TestClock(), silentLogger);
  const answer = await keeper.once(named('1'), async (once) => {
    await db.transaction().execute((trx) => keepAnswer(trx, once, { id: 5 }));
    throw new Error('the connection broke');
  });
  t.strictSame(answer, { repeated: true, answer: { id: 5 } });
  await t.rejects(
    keeper.once(named('2'), async () => {
      throw new Error('the connection broke');
    }),
    { message: 'the connection broke' },
  );
});

t.test('what is forgotten is removed in batches, and the rest stays', async (t) => {
  const db = await emptyStore(t);
  const clock = new TestClock();
  const fill = (prefix: string, count: number, until: number) =>
    db.executeQuery(
      CompiledQuery.raw(
        `INSERT INTO kept_answers SELECT $1 || n, 'r', '{}', $3 FROM generate_series(1, $2::int) AS n`,
        [prefix, count, until],
      ),
    );
  await fill('old', 2_500, clock.now());
  await fill('new', 10, clock.now() + 1);
  t.equal(await databaseAnswers(db).removeExpired(clock.now()), 1_000, 'so many in one transaction');
  t.equal(await new AnswersKept(databaseAnswers(db), clock, silentLogger).sweep(), 1_500);
  t.equal(await countOf(db, 'kept_answers'), 10);
});

t.test('what comes without a key does not touch what is kept', async (t) => {
  const db = await emptyStore(t);
  await sql`DROP TABLE kept_answers`.execute(db);
  const ids = await new Creations(db, types).create(
    decider,
    { sequence: 'thing_ids', count: 1 },
    (id) => ({ stream: `thing-${id}`, command: { id, name: 'a' } }),
    { meta, project: async () => undefined },
  );
  t.strictSame(ids, [1]);
});
