import {
  type AttemptResult,
  execution,
  findRuns,
  findTasks,
  GRID_DIGITS,
  type GridColumns,
  type Instruction,
  live,
  type RpcRequest,
  type RpcResponse,
  taskBatches,
  taskFailures,
  taskGrid,
  tasks,
} from '@rigel/contracts';
import { startTestServers } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';
import { Counterpart, serveNeighbours, startReplica } from '../testing/scheduler.js';
import { rangesOf } from './task-grid.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());
serveNeighbours(await servers.startBus('neighbours'));
const counterpart = new Counterpart(await servers.startBus('counterpart'));
const replica = await startReplica(servers);
t.teardown(() => replica.stop());
const database = new pg.Client({ connectionString: servers.databaseUrl });
await database.connect();
t.teardown(() => database.end());

let nextNode = 1;
async function createTask(nodes: number, options: Partial<RpcRequest<typeof tasks.create>> = {}) {
  const { ids } = await counterpart.patiently(tasks.create, {
    template_id: 1,
    task_name: 'test',
    timeout: 0,
    auto: true,
    max_ratio: 100,
    max_num: 0,
    opr_user: 'root',
    nodes: Array.from({ length: nodes }, () => `10.0.0.${nextNode++}`),
    params: {},
    ...options,
  });
  const id = ids[0] as number;
  const { rows } = await counterpart.call(tasks.detail, { id });
  return { id, runs: rows.map((run) => run.id), ips: rows.map((run) => run.ip) };
}

/** Claims a run and reports these outcomes, one after the other. */
async function work(id: number, run: number, outcomes: Partial<AttemptResult>[]): Promise<void> {
  let { lease, next }: { lease: number; next: Instruction } = await counterpart.claim(id, run);
  for (const outcome of outcomes) {
    const answer = await counterpart.patiently(
      execution.report,
      counterpart.report(id, run, lease, next, outcome),
      id,
    );
    if (answer.status !== 'accepted') throw new Error(`the report was refused: ${answer.reason}`);
    next = answer.next;
  }
}

const fails = (reason: string): Partial<AttemptResult> => ({ status: 'failed', reason });
/** The templates of the neighbours try each step twice. */
const twice = (reason: string) => [fails(reason), fails(reason)];

type Grid = Pick<GridColumns, 'state' | 'step' | 'attempts'>;

/** A grid with the changes in it, as a browser keeps it. */
function withChanges({ state, step, attempts }: Grid, changes: [number, number, number, number][]): Grid {
  const columns = { state: [...state], step: [...step], attempts: [...attempts] };
  for (const [index, ...values] of changes) {
    columns.state[index] = String(values[0]);
    columns.step[index] = GRID_DIGITS.charAt(values[1]);
    columns.attempts[index] = GRID_DIGITS.charAt(values[2]);
  }
  return {
    state: columns.state.join(''),
    step: columns.step.join(''),
    attempts: columns.attempts.join(''),
  };
}

const columnsOf = ({ state, step, attempts }: Grid): Grid => ({ state, step, attempts });

t.test('a grid with the changes since any cursor is the grid as it is', async (t) => {
  const { id, runs } = await createTask(12, { max_num: 6 });
  const seen: RpcResponse<typeof taskGrid>[] = [];
  const look = async () => seen.push(await counterpart.call(taskGrid, { id }));
  await look();
  const run = (index: number) => runs[index] as number;
  await work(id, run(0), [{}, {}]);
  await look();
  await work(id, run(1), twice('exit status 1'));
  await look();
  await work(id, run(2), [fails('exit status 2')]);
  t.match(
    (await counterpart.call(taskGrid, { id })).marks,
    { gate: [], retrying: [2], draining: [] },
    'one is tried again',
  );
  await work(id, run(3), [{}]);
  await look();
  await work(id, run(4), []);
  await look();
  await counterpart.call(tasks.pause, { id, opr_user: 'ann' });
  const before = await counterpart.call(taskGrid, { id });
  const { rows } = await counterpart.call(tasks.detail, { id });
  t.equal(before.whole?.state, rows.map(({ state }) => state).join(''));
  t.match(before.whole?.state, /^23111/);
  t.equal(before.whole?.step, '200100000000');
  t.equal(before.whole?.attempts, '122110000000');
  t.strictSame(before.whole?.batch, [
    [1, 6],
    [2, 6],
  ]);
  t.equal(before.whole?.first_nsid, runs[0]);
  t.strictSame(before.whole?.node_ids, [[1, 12]]);
  for (const { cursor, whole } of seen) {
    const { changes = [], ...answer } = await counterpart.call(taskGrid, { id, after: cursor });
    t.notOk(answer.whole);
    t.strictSame(
      withChanges(whole as GridColumns, changes),
      columnsOf(before.whole as GridColumns),
      `since ${cursor}`,
    );
  }
  t.strictSame((await counterpart.call(taskGrid, { id, after: before.cursor })).changes, []);
  await counterpart.call(tasks.stop, { id, opr_user: 'ann' });
  const stopped = await counterpart.call(taskGrid, { id, after: before.cursor });
  t.equal(stopped.whole?.state, '234444444444', 'a stop changes all, so all is told');
  t.strictSame(stopped.marks.draining, [2, 3, 4], 'their commands are being ended');
});

t.test('the runs that an event names are where the grid looks for them', async (t) => {
  const { rows } = await database.query(`
    SELECT DISTINCT type, data ? 'run' AS run, data ? 'runs' AS runs FROM scheduler.events
    WHERE starts_with(stream, 'task-') AND type LIKE ANY ('{Run%,Attempt%,Batch%,Gate%,Lease%,Machine%}')`);
  const several = ['BatchStarted', 'RunsHalted', 'GateOpened'];
  t.ok(rows.length >= 5);
  for (const { type, run, runs } of rows) {
    if (type === 'BatchFinished') continue;
    t.equal(several.includes(type) ? runs : run, true, type);
  }
});

t.test(
  'a grid says what is wrong with a cursor or an id, and gives the whole to one of the future',
  async (t) => {
    const { id } = await createTask(1);
    await t.rejects(counterpart.call(taskGrid, { id, after: 'x1' }), { code: 'invalid', field: 'after' });
    await t.rejects(counterpart.call(taskGrid, { id: 999_999 }), { code: 'not_found' });
    await t.rejects(counterpart.call(taskGrid, { id: 999_999, after: '1' }), { code: 'not_found' });
    t.ok((await counterpart.call(taskGrid, { id, after: '99999' })).whole, 'as after a restore');
  },
);

t.test('ranges of ids', async (t) => {
  t.strictSame(rangesOf([]), []);
  t.strictSame(rangesOf([7, 8, 9, 3, 4, 6]), [
    [7, 3],
    [3, 2],
    [6, 1],
  ]);
});

t.test('a task tells how far it is', async (t) => {
  const { id, runs } = await createTask(3, { max_num: 2, auto: false, timeout: 60, max_fail_num: 2 });
  const get = async () =>
    (await counterpart.call(tasks.get, { id })) as Required<Awaited<ReturnType<typeof call>>>;
  const call = () => counterpart.call(tasks.get, { id });
  const made = await get();
  t.match(made.progress, {
    version: 1,
    started: null,
    ended: null,
    deadline: null,
    batch: 0,
    batches: 2,
    nodes: 3,
    budget: 2,
    occurrence: null,
  });
  await counterpart.call(tasks.start, { id, opr_user: 'ann' });
  await work(id, runs[0] as number, [{}, {}]);
  const begun = await get();
  const started = begun.progress.started as number;
  t.equal(begun.progress.deadline, started + 3_600_000);
  t.match(begun.progress, { ended: null, batch: 1 });
  t.match(begun.details, { commands_alive: 0, gate: null });
  await work(id, runs[1] as number, []);
  t.equal((await get()).details.commands_alive, 1);
  await counterpart.call(tasks.pause, { id, opr_user: 'ann' });
  t.match((await get()).progress, { deadline: null, ended: null, started });
  await counterpart.call(tasks.stop, { id, opr_user: 'ann' });
  const stopped = await get();
  t.equal(stopped.progress.ended, stopped.updated);
  t.equal(stopped.details.commands_alive, 1, 'one command is being ended');
});

t.test('tasks by filters, in pages of any size and in every order', async (t) => {
  const mine: number[] = [];
  for (let n = 0; n < 5; n++) {
    const { id, runs } = await createTask(n + 1, {
      task_name: `filter 100%_${n}`,
      opr_user: n < 3 ? 'ann' : 'bob',
    });
    mine.unshift(id);
    if (n === 1) await work(id, runs[0] as number, twice('x'));
    if (n === 2) await counterpart.call(tasks.stop, { id, opr_user: 'bob' });
  }
  const find = async (filter: Partial<RpcRequest<typeof findTasks>>) =>
    (await counterpart.call(findTasks, { sort: 'created', limit: 100, ...filter })).rows.map(({ id }) => id);
  const own = { q: 'FILTER 100%_' };
  t.strictSame(await find(own), mine);
  t.strictSame(await find({ ...own, opr_user: 'ann' }), mine.slice(2));
  t.strictSame(await find({ ...own, state: [4] }), [mine[2]]);
  t.strictSame(await find({ ...own, state: [1, 4], end_reason: ['stopped'] }), [mine[2]]);
  t.strictSame(await find({ ...own, active: false }), [mine[2]]);
  t.strictSame(
    await find({ ...own, active: true }),
    mine.filter((id) => id !== mine[2]),
  );
  t.strictSame(await find({ q: `#${mine[1]}` }), [mine[1]]);
  t.ok((await find({ q: String(mine[1]) })).includes(mine[1] as number));
  t.strictSame(await find({ ...own, pool_ids: [1] }), mine);
  t.strictSame(await find({ ...own, pool_ids: [2, 3] }), []);
  t.strictSame(await find({ ...own, pool_ids: [] }), [], 'no pool is none');
  t.strictSame(await find({ ...own, template_id: 2 }), []);
  t.strictSame(await find({ ...own, flow_type: 'crontab' }), []);
  t.strictSame(await find({ schedule_id: 1 }), []);
  const { rows } = await counterpart.call(tasks.detail, { id: mine[3] as number });
  t.strictSame(await find({ node_id: rows[0]?.node_id as number }), [mine[3]]);
  const { created } = await counterpart.call(tasks.get, { id: mine[2] as number });
  const since = await find({ ...own, from: created });
  t.strictSame(since, mine.slice(0, since.length));
  t.strictSame([...since, ...(await find({ ...own, to: created }))], mine, 'each is before or since');
  for (const sort of ['created', 'updated', 'duration', 'failed'] as const) {
    const whole = await find({ ...own, sort });
    t.equal(whole.length, 5);
    if (sort === 'failed') t.equal(whole[0], mine[3]);
    const paged: number[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await counterpart.call(findTasks, {
        ...own,
        sort,
        limit: 2,
        ...(cursor ? { cursor } : {}),
      });
      paged.push(...page.rows.map(({ id }) => id));
      if (page.next === null) break;
      cursor = page.next;
    }
    t.strictSame([...paged].sort(), [...whole].sort(), `all by ${sort}, and none twice`);
  }
  const { next } = await counterpart.call(findTasks, { ...own, sort: 'failed', limit: 1 });
  for (const cursor of [next as string, 'x', '', Buffer.from('["created","x"]').toString('base64url')])
    await t.rejects(counterpart.call(findTasks, { sort: 'created', limit: 1, cursor }), {
      code: 'invalid',
      field: 'cursor',
    });
});

t.test('runs, batches and failures of a task', async (t) => {
  const { id, runs, ips } = await createTask(8, { max_num: 6 });
  const run = (index: number) => runs[index] as number;
  await work(id, run(0), twice(`cp: error writing /opt/web-17/a on ${ips[0]}: No space left on device`));
  await work(id, run(1), twice(`cp: error writing /opt/web-18/a on ${ips[1]}: No space left on device`));
  await work(id, run(2), [{}, ...twice('exit status 1')]);
  await work(id, run(3), [{}, {}]);
  await work(id, run(4), [fails('exit status 3')]);
  const find = async (filter: Partial<RpcRequest<typeof findRuns>>) =>
    (await counterpart.call(findRuns, { id, sort: 'batch', limit: 100, ...filter })).rows;
  const indexes = async (filter: Partial<RpcRequest<typeof findRuns>>) =>
    (await find(filter)).map(({ index }) => index);

  t.strictSame(await indexes({}), [0, 1, 2, 3, 4, 5, 6, 7]);
  t.match((await find({ run_id: run(2) }))[0], {
    id: run(2),
    ip: ips[2],
    batch_id: 1,
    state: 3,
    step: 'two',
    step_num: 2,
    attempts: 2,
    message: 'exit status 1',
  });
  t.match((await find({ run_id: run(3) }))[0], {
    state: 2,
    step: 'two',
    step_num: 2,
    attempts: 1,
    message: '',
  });
  t.match((await find({ run_id: run(7) }))[0], { state: 0, step: '', step_num: 0, attempts: 0, batch_id: 2 });
  t.strictSame(await indexes({ state: [3] }), [0, 1, 2]);
  t.strictSame(await indexes({ state: [2, 1] }), [3, 4]);
  t.strictSame(await indexes({ batch: 2 }), [6, 7]);
  t.strictSame(await indexes({ step: ['two'] }), [2, 3]);
  t.strictSame(await indexes({ step: ['one'] }), [0, 1, 4]);
  t.strictSame(await indexes({ q: ips[5] as string }), [5]);
  t.strictSame(await indexes({ reason: 'No space' }), [0, 1]);
  t.strictSame(await indexes({ reason: '%' }), []);
  t.strictSame(await indexes({ sort: 'state' }), [0, 1, 2, 4, 5, 6, 7, 3]);
  t.strictSame(await indexes({ sort: 'address' }), [0, 1, 2, 3, 4, 5, 6, 7]);
  await t.rejects(find({ step: ['three'] }), { code: 'invalid', field: 'step', message: /one, two/ });
  await t.rejects(counterpart.call(findRuns, { id: 999_999, sort: 'batch', limit: 1 }), {
    code: 'not_found',
  });
  for (const sort of ['batch', 'address', 'state', 'step', 'attempts', 'updated'] as const) {
    const paged: number[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await counterpart.call(findRuns, { id, sort, limit: 3, ...(cursor ? { cursor } : {}) });
      paged.push(...page.rows.map(({ index }) => index));
      if (page.next === null) break;
      cursor = page.next;
    }
    t.strictSame(paged, await indexes({ sort }), `pages by ${sort}`);
  }

  const failures = await counterpart.call(taskFailures, { id, limit: 10 });
  t.match(failures, { failed: 3, more_groups: 0, rows: { length: 2 } });
  t.match(failures.rows[0], {
    step: 'one',
    step_num: 1,
    reason: 'cp: error writing /opt/web-‹n›/a on ‹address›: No space left on device',
    count: 2,
    nodes: [{ id: run(0), ip: ips[0] }, { id: run(1) }],
  });
  t.match(failures.rows[1], { step: 'two', reason: 'exit status 1', example: 'exit status 1', count: 1 });
  t.strictSame(
    await indexes({ state: [3], step: ['one'], reason: failures.rows[0]?.reason as string }),
    [0, 1],
    'a group as a filter',
  );
  t.match(await counterpart.call(taskFailures, { id, limit: 1 }), { more_groups: 1, failed: 3 });

  const { rows: batches } = await counterpart.call(taskBatches, { id, limit: 100 });
  t.strictSame(
    batches.map(({ batch_id, stat }) => [batch_id, stat]),
    [
      [1, [1, 1, 1, 3, 0]],
      [2, [2, 0, 0, 0, 0]],
    ],
  );
  t.match(batches[0], { ended: null, last: { id: run(3) }, open: [{ id: run(4) }, { id: run(5) }] });
  t.type(batches[0]?.started, 'number');
  t.match(batches[1], { started: null, ended: null, open: { length: 2 } });
  t.notOk(batches[1]?.last);
  const first = await counterpart.call(taskBatches, { id, limit: 1 });
  t.strictSame((await counterpart.call(taskBatches, { id, limit: 1, cursor: first.next as string })).rows, [
    batches[1],
  ]);
  await work(id, run(4), twice('exit status 3').slice(1)).catch(() => undefined);
  await t.rejects(counterpart.call(taskBatches, { id: 999_999, limit: 1 }), { code: 'not_found' });
  await t.rejects(counterpart.call(taskFailures, { id: 999_999, limit: 1 }), { code: 'not_found' });
});

t.test('events of a task from its end, by name and by node run', async (t) => {
  const { id, runs } = await createTask(2);
  await work(id, runs[0] as number, twice('exit status 7'));
  const all = await counterpart.call(live.taskEvents, { id, after: 0, limit: 1_000 });
  const read = (request: Partial<RpcRequest<typeof live.taskEvents>>) =>
    counterpart.call(live.taskEvents, { id, after: 0, limit: 1_000, ...request });
  const versions = ({ events }: { events: { version: number }[] }) => events.map(({ version }) => version);
  t.strictSame(
    versions(await read({ before: all.version + 1 })),
    versions(all).reverse(),
    'the newest first',
  );
  const last = await read({ before: all.version + 1, limit: 2 });
  t.strictSame(versions(last), versions(all).slice(-2).reverse());
  t.equal(last.next, versions(all).at(-2), 'where to go on');
  const rest = await read({ before: last.next as number });
  t.strictSame([...versions(last), ...versions(rest)].reverse(), versions(all), 'nothing is missing');
  t.equal(rest.next, null);
  const failed = await read({ names: ['step_failed'] });
  t.strictSame([...new Set(failed.events.map(({ event }) => event))], ['step_failed']);
  t.ok(failed.events.length >= 2);
  const own = await read({ run_id: runs[0] as number });
  t.ok(
    own.events.some(({ event }) => event === 'batch_started'),
    'events that name it among others',
  );
  const nsids = own.events.map(({ data }) => data.nsid).filter((nsid) => nsid !== undefined);
  t.strictSame([...new Set(nsids)], [runs[0]]);
  await t.rejects(read({ run_id: 2_000_000 }), { code: 'invalid', reason: 'not_of_task', field: 'nsid' });
});
