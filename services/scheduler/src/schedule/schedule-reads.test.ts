import { inventory, type RpcRequest, schedules } from '@rigel/contracts';
import { startTestServers, statementsOf, waitFor, walksOf } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';
import { Counterpart, startReplica } from '../testing/scheduler.js';

/*
 * Saves that name the version they were made from, moments that are left out, and what is read of all schedules, on a real
 * database with two schedulers.
 */

const servers = await startTestServers();
t.teardown(() => servers.stop());
const neighbours = await servers.startBus('neighbours');
neighbours.serve(inventory.getPool, async ({ id }) => ({
  id,
  name: `web${id}`,
  desc: '',
  vm_type: 0,
  sd_id: 0,
  service_id: 2,
  tasks: {},
  node_count: 0,
}));
neighbours.serve(inventory.getService, async ({ id }) => ({
  id,
  name: 'shop',
  desc: '',
  service_type: 'Java',
  docker_image: 'shop:1',
  cluster_id: 1,
}));
neighbours.serve(inventory.poolTargets, async () => ({ targets: [] }));
neighbours.serve(inventory.listNodes, async () => ({ rows: [], total: 0 }));
const replicas = [await startReplica(servers, 'scheduler-1'), await startReplica(servers, 'scheduler-2')];
t.teardown(() => Promise.all(replicas.map((replica) => replica.stop())));
const counterpart = new Counterpart(await servers.startBus('counterpart'));

type Save = RpcRequest<typeof schedules.save>;
const definition = (pool_id: number, time: string, values: Partial<Save> = {}): Save => ({
  id: 0,
  pool_id,
  type: 'upload',
  exec_type: 'crontab',
  time_zone: '',
  cron_items: [{ week_day: 0, time, instance_num: 0, concurr_ratio: 100, concurr_num: 0, ignore: false }],
  depend_items: [],
  opr_user: 'jane',
  ...values,
});
const save = (...args: Parameters<typeof definition>) =>
  counterpart.call(schedules.save, definition(...args));
await counterpart.patiently(schedules.list, { limit: 1 });
const ledger = (id: number) =>
  counterpart.call(schedules.ledger, {
    id,
    from: Date.now() - 86_400_000,
    to: Date.now() + 60_000,
    limit: 100,
  });

t.test(
  'of two saves that were made from the same version one is refused, and says who was faster',
  async (t) => {
    await save(1, '03:00', { if_version: 0 });
    const { schedule } = await counterpart.call(schedules.find, { pool_id: 1, type: 'upload' });
    t.match(schedule, { version: 1, updated_by: 'jane' });
    const tries = await Promise.allSettled(
      ['ann', 'bob', 'eve'].map((opr_user, index) =>
        save(1, `04:0${index}`, { if_version: schedule?.version ?? 0, opr_user }),
      ),
    );
    const refused = tries.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
    t.equal(refused.length, 2);
    const after = await counterpart.call(schedules.find, { pool_id: 1, type: 'upload' });
    const by = after.schedule?.updated_by ?? '';
    for (const error of refused)
      t.match(error, { code: 'conflict', field: 'if_version', message: `if_version is 1, but ${by} saved` });
    await t.rejects(save(2, '03:00', { if_version: 7 }), { message: /there is no such scheduled task yet/ });
  },
);

t.test('a preview changes nothing, and a save refuses what it refuses', async (t) => {
  const { opr_user: _, ...request } = definition(3, '02:30', { time_zone: 'Europe/Berlin' });
  const found = await counterpart.call(schedules.preview, request);
  t.match(found, { version: null, zone: 'Europe/Berlin', at_saving: null, overlaps: [] });
  t.equal(found.moments.length, 20);
  t.strictSame(found.clock_changes.map(({ moments }) => moments.map(({ what }) => what)).sort(), [
    ['comes_twice'],
    ['does_not_exist'],
  ]);
  t.strictSame(await counterpart.call(schedules.find, { pool_id: 3, type: 'upload' }), { schedule: null });
  await save(3, '02:30', { time_zone: 'Europe/Berlin' });
  const again = await counterpart.call(schedules.preview, request);
  t.strictSame(again.differences, { cron_items: [], depend_items: [] });
  const expand = await counterpart.call(schedules.preview, {
    ...request,
    type: 'expand',
    cron_items: request.cron_items.map((item) => ({ ...item, instance_num: 4 })),
  });
  t.match(expand.at_saving, { pools: [{ pool_id: 3, nodes: 0, target: 4, plan: 'expand', missing: 4 }] });
  t.ok(expand.overlaps.length > 0, 'the upload at the same time');
});

t.test('a moment that is left out has its outcome, and the ledger balances', async (t) => {
  const soon = new Date(Date.now() + 4_000).toISOString().slice(11, 19);
  const { id } = await save(4, soon);
  const leave = (undo: boolean, due?: number) =>
    counterpart.call(schedules.leaveOut, {
      id,
      undo,
      opr_user: 'ann',
      ...(due === undefined ? {} : { due }),
    });
  const { due } = await leave(false);
  await leave(true, due);
  t.strictSame(await leave(false), { due, left_out: true });
  const { rows } = await counterpart.call(schedules.list, { pool_id: 4, limit: 10 });
  t.match(rows, [{ schedule: { id }, state: 'idle', left_out: [{ due, by: 'ann' }] }]);
  t.ok((rows[0]?.next?.due ?? 0) > due, 'the next one is another');
  const calendar = await counterpart.call(schedules.calendar, {
    pool_id: 4,
    from: due,
    to: due + 2 * 86_400_000,
    limit: 1,
  });
  t.match(calendar.rows, [{ due, outcome: 'ignored', left_out_by: 'ann', updated: null }]);
  const more = await counterpart.call(schedules.calendar, {
    pool_id: 4,
    from: due,
    to: due + 2 * 86_400_000,
    limit: 1,
    cursor: calendar.next ?? '',
  });
  t.match(more, { rows: [{ due: due + 86_400_000, outcome: 'planned' }], next: null });
  const { sum, ...rest } = await waitFor(
    async () => {
      const found = await ledger(id);
      return found.sum.ignored === 1 ? found : undefined;
    },
    { what: 'the moment has its outcome', timeoutMs: 30_000 },
  );
  t.match(sum, { due: 1, ignored: 1, skipped: 0, fired: 0, not_noticed: 0 });
  t.match(rest, { differences: [], difference_count: 0, rows: [{ due, outcome: 'ignored' }], next: null });
  t.match(rest.rows[0]?.reason, 'ignored: ann left this moment out');
  await t.rejects(leave(true, due), { code: 'wrong_state', message: /has passed/ });
});

t.test('reads of the past find their rows in indexes', async (t) => {
  const database = new pg.Client({ connectionString: servers.databaseUrl });
  await database.connect();
  t.teardown(() => database.end());
  // A year of 200 more schedules, and the many events of others.
  await database.query(`
    SET search_path = scheduler;
    INSERT INTO schedules SELECT 1000 + n, 1000 + n, type, exec_type, time_zone, cron_items, depend_items, version,
      created_at, updated_at FROM schedules, generate_series(1, 200) n WHERE id = 1;
    INSERT INTO schedule_occurrences SELECT 1000 + n % 200 + 1, 'due', 1600000000000 + n * 100000::bigint,
        o.item, 'fired', '', '[1]', 0 FROM (SELECT item FROM schedule_occurrences LIMIT 1) o, generate_series(1, 100000) n;
    INSERT INTO events SELECT -n, CASE WHEN n < 200 THEN 'schedule-' ELSE 'other-' END || 1000 + n % 200 + 1, 1 + n / 200,
        CASE WHEN n < 200 THEN 'ScheduleSaved' ELSE 'OccurrenceResolved' END, 1, '{"at": 1}', '{}', n
      FROM generate_series(0, 200000) n`);
  await database.query('VACUUM ANALYZE');
  const range = { from: 1_600_500_000_000, to: 1_600_600_000_000, limit: 100 };
  const reads: Record<string, () => Promise<unknown>> = {
    list: () => counterpart.call(schedules.list, { limit: 100 }),
    calendar: () => counterpart.call(schedules.calendar, range),
    ledger: () => counterpart.call(schedules.ledger, { id: 1_001, ...range }),
    find: () => counterpart.call(schedules.find, { pool_id: 1, type: 'upload' }),
  };
  for (const [what, read] of Object.entries(reads)) {
    const statements = (await statementsOf(read)).filter(({ text }) => /^\s*select/i.test(text));
    t.ok(statements.length > 0, `${what} reads`);
    for (const statement of statements)
      t.strictSame(
        await walksOf(database, statement, ['schedule_occurrences', 'events']),
        [],
        statement.text,
      );
  }
});
