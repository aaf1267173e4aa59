import {
  access,
  type EventOwner,
  eventsSubject,
  newTokenSecret,
  type OnceAnswer,
  onceOf,
  type PublishedEvent,
  readEvents,
} from '@rigel/contracts';
import { describeDifference, rebuildHistory, verifyHistory } from '@rigel/event-store/maintenance';
import { openExisting } from '@rigel/runtime/database';
import { silentLogger, startTestServers, waitFor } from '@rigel/testing';
import { type Kysely, sql } from 'kysely';
import t from 'tap';
import { deleteBefore } from './audit/retention.js';
import { accessHistory } from './maintenance.js';
import { migrations } from './migrations/index.js';
import type { AccessTables } from './tables.js';
import { startAccessForTest } from './testing/access.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call, token, tokens, startReplica, stop } = await startAccessForTest(servers);
t.teardown(stop);
const db = await openExisting({
  url: servers.databaseUrl,
  schema: 'access',
  migrations,
  log: silentLogger,
});
t.teardown(() => db.destroy());

async function differences(): Promise<string[]> {
  const found: string[] = [];
  await verifyHistory(db, accessHistory, {
    headOf: async () => Number.MAX_SAFE_INTEGER,
    onDifference: (difference) => found.push(describeDifference(difference)),
  });
  return found;
}

const audit = (request: object = {}) => call(access.listAudit, { page: 1, page_size: 100, ...request });

t.test('a token is valid with its secret alone, until it is revoked or over', async (t) => {
  const ci = await token('ci', 'operator');
  t.strictSame(await call(access.authenticate, ci), {
    valid: true,
    name: 'ci',
    role: 'operator',
    may_run: false,
    expires: null,
  });
  const wrong = { ...ci, hash: ci.hash.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) };
  t.strictSame(await call(access.authenticate, wrong), { valid: false, fault: 'wrong', name: 'ci' });
  for (const id of [0, 4711]) {
    t.strictSame(await call(access.authenticate, { id, hash: ci.hash }), {
      valid: false,
      fault: 'unknown',
      name: '',
    });
  }
  await t.rejects(call(access.authenticate, { ...ci, hash: 'abc' }), { code: 'invalid', field: 'hash' });

  const soon = Date.now() + 300;
  const brief = await token('brief', 'viewer', soon);
  await waitFor(() => Date.now() > soon, { what: 'the token is over' });
  t.match(await call(access.authenticate, brief), { valid: false, fault: 'expired', name: 'brief' });

  await call(access.revokeToken, { id: ci.id });
  t.match(await call(access.authenticate, ci), { valid: false, fault: 'revoked' });
  t.match(await call(access.authenticate, wrong), { valid: false, fault: 'wrong' });
  await call(access.revokeToken, { id: ci.id });
  await t.rejects(call(access.revokeToken, { id: 4711 }), { code: 'not_found' });
  const [, row] = await tokens();
  t.match(row, { id: ci.id, revoked: Number, revoked_by: 'tester', created_by: 'tester' });
});

t.test('names: none of the system, and one token in force for each', async (t) => {
  for (const name of ['scheduler', 'Crontab', ' unknown ']) {
    await t.rejects(token(name, 'viewer'), { code: 'invalid', field: 'name' }, name);
  }
  await t.rejects(token('', 'viewer'), { code: 'invalid', field: 'name' });
  await t.rejects(token('old', 'viewer', Date.now() - 1), { code: 'invalid', field: 'expires' });
  const first = await token('ann', 'admin');
  await t.rejects(token('ann ', 'viewer'), {
    code: 'conflict',
    field: 'name',
    message: 'another token is named ann; a name is free again when its token is revoked',
  });
  for (const [alike, seen] of [
    ['\u0430\u043f\u043f', '\u0430\u043f\u043f'],
    ['Ann', 'Ann'],
  ] as const)
    await t.rejects(token(alike, 'viewer'), {
      code: 'conflict',
      field: 'name',
      message: `name ${seen} looks like ann, the name of another token; a name is free again when its token is revoked`,
    });
  const [one, two] = await Promise.allSettled([token('worker-1', 'viewer'), token('worker-I', 'viewer')]);
  t.same([one.status, two.status].sort(), ['fulfilled', 'rejected'], 'one of two that come together');
  await call(access.revokeToken, { id: first.id });
  t.resolves(token('ann', 'viewer'));
});

t.test('names that were given before the rules stay, and still count', async (t) => {
  await sql`INSERT INTO tokens (id, name, role, hash, created, created_by, revoked_by)
    VALUES (900, ${'ol\u202ed'}, 'viewer', ${'a'.repeat(64)}, 1, 'x', '')`.execute(db);
  t.match(await call(access.authenticate, { id: 900, hash: 'a'.repeat(64) }), {
    valid: true,
    name: 'ol\u202ed',
  });
  await sql`DELETE FROM tokens WHERE id = 900`.execute(db);
});

t.test('the last use is kept, to a minute, and not by an event', async (t) => {
  const used = await token('used', 'viewer');
  const rowOf = async () => (await tokens()).find(({ id }) => id === used.id);
  t.equal((await rowOf())?.last_used, null);
  await call(access.authenticate, used);
  const row = await waitFor(async () => ((await rowOf())?.last_used ? await rowOf() : undefined), {
    what: 'the last use is written down',
  });
  await call(access.authenticate, used);
  t.equal((await rowOf())?.last_used, row?.last_used, 'once a minute');
  await rebuildHistory(db, accessHistory);
  t.equal((await rowOf())?.last_used, row?.last_used, 'a rebuild leaves it alone');
});

t.test('no secret is stored, and the rows are what follows from the events', async (t) => {
  const { rows } = await sql<{ text: string }>`
    SELECT string_agg(data::text, '') AS text FROM events`.execute(db);
  t.notMatch(rows[0]?.text, /rgl_/);
  t.strictSame(await differences(), []);
  await sql`UPDATE tokens SET role = 'admin', revoked = NULL WHERE name = 'ci'`.execute(db);
  const found = await differences();
  t.equal(found.length, 2, found.join(' | '));
  await rebuildHistory(db, accessHistory);
  t.strictSame(await differences(), []);
});

/** When the events of the test happened: before it began, and not so long ago that retention takes them. */
const BEGINNING = Date.now() - 3_600_000;

/** A service's history, in the hands of the test. */
async function startHistory(owner: EventOwner) {
  const bus = await servers.startBus(owner);
  const events: PublishedEvent[] = [];
  bus.serve(readEvents(owner), async ({ after, limit }) => ({
    events: events.slice(after, after + limit),
    head: events.length,
  }));
  return {
    add: (type: string, stream: string, data: Record<string, unknown>, meta: Record<string, unknown>) => {
      const position = events.length + 1;
      events.push({
        position,
        stream,
        version: position,
        type,
        schema: 9,
        data,
        meta,
        recorded_at: BEGINNING + 1_000 + position,
      });
    },
    /** The database is restored to when it had so many events. */
    restore: (length: number) => void events.splice(length),
    /** Only the word of where the history ends: the message with the events was lost. */
    tell: () => bus.publish(eventsSubject(owner), { after: events.length, events: [] }),
  };
}

t.test('the audit: what was done, from the events, each once also with two replicas', async (t) => {
  const second = await startReplica();
  const scheduler = await startHistory('scheduler');
  const meta = { correlationId: 'c-1', actor: 'ann', client: '10.0.0.9' };
  scheduler.add('TaskCreated', 'task-7', { name: 'version 2', operator: 'ann' }, meta);
  scheduler.add('RunClaimed', 'task-7', { run: 0 }, { correlationId: 'c-1', actor: 'scheduler' });
  scheduler.add('TaskStopped', 'task-7', {}, { correlationId: 'c-2', actor: 'bob' });
  scheduler.add('TaskFrozen', 'task-7', {}, meta);
  await waitFor(
    async () => {
      scheduler.tell();
      return (await audit({ target: 'task-7' })).total === 3;
    },
    { what: 'the events are in the audit', intervalMs: 100 },
  );
  const { rows } = await audit({ target: 'task-7' });
  const common = { target: 'task-7', outcome: 'done', status: 0, reason: '' };
  t.match(rows, [
    { ...common, action: 'TaskFrozen', operator: 'ann' },
    { ...common, action: 'task.stop', operator: 'bob', client: '', time: BEGINNING + 1_003 },
    { ...common, action: 'task.create', name: 'version 2', client: '10.0.0.9', correlation_id: 'c-1' },
  ]);
  await waitFor(async () => (await audit({ action: 'token.revoke' })).total === 2, {
    what: 'our own events are there',
  });
  t.match((await audit({ action: 'token.revoke' })).rows[0], { operator: 'tester', client: '192.0.2.7' });
  await second.stop();
});

t.test('the audit: what was not done, told once however often it is told', async (t) => {
  const request = {
    number: 1,
    time: BEGINNING + 5_000,
    operator: 'eve',
    action: 'task.stop',
    target: 'task-7',
    client: '10.0.0.6',
    correlation_id: 'c-3',
    outcome: 'denied' as const,
    status: 403,
    reason: 'this needs the role operator',
  };
  const told = {
    gateway: 'g1',
    requests: [request, { ...request, number: 2, time: BEGINNING + 5_001, times: 60_000 }],
    dropped: 3,
  };
  for (let times = 0; times < 2; times++) await call(access.recordRequests, told);
  const { rows, total } = await audit({ operator: 'eve' });
  t.equal(total, 2);
  t.match(rows[1], { ...request, number: undefined, name: '', times: 1 });
  t.match(rows[0], { time: BEGINNING + 5_001, times: 60_000 }, 'one line for those that were the same');
  t.match((await audit({ action: 'audit.dropped' })).rows, [
    { reason: /^3 unsuccessful requests came too fast/ },
  ]);
});

t.test('the audit: requests that began a check', async (t) => {
  const done = {
    ...{ number: 8, time: BEGINNING + 6_000, operator: 'mia', action: 'machine.check', target: '' },
    ...{ client: '10.0.0.6', correlation_id: 'c-8' },
  };
  for (let times = 0; times < 2; times++)
    await call(access.recordRequests, { gateway: 'g1', requests: [], done: [done], dropped: 0 });
  const { number: _, ...line } = done;
  t.match(await audit({ operator: 'mia' }), {
    total: 1,
    rows: [{ ...line, name: '', outcome: 'done', status: 0, reason: '', times: 1 }],
  });
});

t.test('the audit: filters and pages', async (t) => {
  t.equal((await audit({ operator: 'eve', from: BEGINNING + 5_001 })).total, 1);
  t.equal((await audit({ operator: 'eve', to: BEGINNING + 5_001 })).total, 1);
  t.equal((await audit({ outcome: 'denied', action: 'task.stop' })).total, 2);
  t.equal((await audit({ operator: "eve' OR true --" })).total, 0);
  const page = await audit({ operator: 'eve', page: 2, page_size: 1 });
  t.match(page, { total: 2, rows: [{ time: BEGINNING + 5_000 }] });
  await t.rejects(audit({ operator: 'a\0' }), { code: 'invalid', field: 'operator' });
});

t.test(
  'the audit: what a restored service does now has its lines beside those of what was lost',
  async (t) => {
    const catalog = await startHistory('catalog');
    const meta = { correlationId: 'c-9', actor: 'zoe', client: '10.0.0.9' };
    for (const name of ['kept', 'lost', 'lost as well'])
      catalog.add('ActionCreated', 'action-1', { name }, meta);
    const names = async () => {
      catalog.tell();
      return (await audit({ operator: 'zoe' })).rows.map((row) => (row as { name: string }).name).sort();
    };
    const become = (expected: string[]) =>
      // The follower may just be waiting for an answer from nobody.
      waitFor(async () => (await names()).join() === expected.join(), {
        what: expected.join(),
        intervalMs: 100,
        timeoutMs: 30_000,
      });
    await become(['kept', 'lost', 'lost as well']);
    catalog.restore(1);
    catalog.tell();
    await waitFor(
      async () => {
        catalog.tell();
        const { rows } = await sql<{ position: number }>`
        SELECT position FROM event_checkpoints WHERE owner = 'catalog'`.execute(db);
        return Number(rows[0]?.position) === 1;
      },
      { what: 'it goes back', intervalMs: 100 },
    );
    catalog.add('ActionCreated', 'action-2', { name: 'new' }, meta);
    await become(['kept', 'lost', 'lost as well', 'new']);
    t.same(await names(), ['kept', 'lost', 'lost as well', 'new']);
    const lines = await sql<{ source: string; position: number; name: string }>`
    SELECT source, position, name FROM audit WHERE operator = 'zoe' ORDER BY id`.execute(db);
    t.match(lines.rows, [
      { source: 'catalog', position: 1 },
      { source: /^catalog-lost-\d+$/, position: 2 },
      { source: /^catalog-lost-\d+$/, position: 3 },
      { source: 'catalog', position: 2, name: 'new' },
    ]);
  },
);

t.test('the audit: old lines are deleted, and do not come again', async (t) => {
  const tables = db as unknown as Kysely<AccessTables>;
  t.equal(
    await deleteBefore(tables, BEGINNING + 5_001),
    8,
    'three of the scheduler, four of the catalog, one of the gateway',
  );
  t.equal((await audit({ target: 'task-7' })).total, 1);
  const again = await startReplica();
  await waitFor(async () => (await audit({ action: 'token.create' })).total > 3, { what: 'it follows' });
  t.equal((await audit({ target: 'task-7' })).total, 1);
  await again.stop();
});

t.test('a token is made once under a key, and a repetition learns its id alone', async (t) => {
  const once = { key: '7'.repeat(64), request: '8'.repeat(64) };
  const ask = (request: string, hash: string) =>
    call(onceOf(access.createToken), {
      once: { ...once, request: request.repeat(64) },
      request: { name: 'keyed', role: 'viewer', hash, expires: null },
    }) as Promise<OnceAnswer<{ id: number }>>;
  const [first, second] = [newTokenSecret(), newTokenSecret()];
  const made = await ask('8', first.hash);
  t.match(made, { repeated: false, answer: { id: Number } });
  t.strictSame(await ask('8', second.hash), { repeated: true, answer: made.answer });
  await t.rejects(ask('9', second.hash), { code: 'key_reused' });
  const { id } = made.answer;
  t.match(await call(access.authenticate, { id, hash: first.hash }), { valid: true });
  t.match(await call(access.authenticate, { id, hash: second.hash }), { valid: false });
  t.equal((await tokens()).filter(({ name }) => name === 'keyed').length, 1);
  await call(access.revokeToken, { id });
});
