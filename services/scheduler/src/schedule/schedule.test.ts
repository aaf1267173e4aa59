import { systemClock } from '@rigel/clock';
import {
  type AttemptResult,
  catalog,
  execution,
  inventory,
  type NodeType,
  type PoolTasks,
  partitionOf,
  type ResolvedStep,
  type RpcRequest,
  ServiceError,
  schedules,
  tasks,
} from '@rigel/contracts';
import { rebuildHistory } from '@rigel/event-store/maintenance';
import { openDatabase } from '@rigel/runtime/database';
import { silentLogger, startTestServers, waitFor } from '@rigel/testing';
import { type Kysely, sql } from 'kysely';
import t from 'tap';
import { schedulerHistory } from '../maintenance/history.js';
import { migrations } from '../migrations/index.js';
import { openCommits } from '../store/connections.js';
import type { Tables } from '../store/tables.js';
import { TaskStore } from '../store/task-store.js';
import { differences } from '../testing/differences.js';
import { Counterpart, startReplica } from '../testing/scheduler.js';
import { PoolFiring } from './fire.js';
import { ScheduleRunner } from './runner.js';
import { ScheduleStore } from './store.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());

const step = (name: string, kind: ResolvedStep['kind'], values: Record<string, unknown>): ResolvedStep => ({
  name,
  kind,
  param_values: values,
  retry: { retry_times: 0, ignore_error: false },
  actions: kind === 'remote' ? [{ name, params: {}, module: 'shell', text: 'run {{tag}}' }] : [],
});
const create = step('create_vm', 'vm', { vm_type_id: 1 });
const start = step('start_service', 'remote', { tag: 'old' });
const giveBack = step('return_vm', 'vm', { vm_type_id: 1 });
const templates = new Map([
  [1, [create, start]],
  [2, [giveBack]],
  [3, [start]],
]);

/** What inventory knows. Pools 1 to 9 are there, 9 without templates. */
const world = {
  image: 'shop:1',
  nodes: [] as { node_id: number; ip: string; pool_id: number; node_type: NodeType }[],
  nextNode: 1,
};
const neighbours = await servers.startBus('neighbours');
neighbours.serve(inventory.getPool, async ({ id }) => {
  if (id > 9) throw new ServiceError('not_found', `pool ${id} does not exist`);
  const set: PoolTasks = id === 9 ? {} : { expand: 1, shrink: 2, deploy: 3 };
  return { id, name: `web${id}`, desc: '', vm_type: 0, sd_id: 0, service_id: 2, tasks: set, node_count: 0 };
});
neighbours.serve(inventory.getService, async ({ id }) => ({
  id,
  name: 'shop',
  desc: '',
  service_type: 'Java',
  docker_image: world.image,
  cluster_id: 1,
}));
const nodesOf = (pool: number) => world.nodes.filter(({ pool_id }) => pool_id === pool);
const target = ({ node_id, ip, pool_id }: (typeof world.nodes)[number]) => ({
  node_id,
  ip,
  vm_id: '',
  pool_id,
  pool_name: `web${pool_id}`,
});
neighbours.serve(inventory.listNodes, async ({ pool_id }) => ({
  rows: nodesOf(pool_id).map(({ node_id: id, ip, node_type }) => ({
    id,
    ip,
    vm_id: '',
    status: 0 as const,
    state: 0,
    node_type,
    pool_id,
  })),
  total: nodesOf(pool_id).length,
}));
neighbours.serve(inventory.planNodes, async ({ pool_id, count, node_type }) => {
  const planned = Array.from({ length: count }, () => ({
    node_id: world.nextNode++,
    ip: '-',
    pool_id,
    node_type,
  }));
  world.nodes.push(...planned);
  return { ids: planned.map(({ node_id }) => node_id) };
});
neighbours.serve(inventory.removeNodes, async ({ nodes }, context) => {
  await neighbours.call(tasks.reserveNodes, { node_ids: nodes as number[], ttl_ms: 1_000 }, context);
  world.nodes = world.nodes.filter(({ node_id }) => !nodes.includes(node_id));
  return {};
});
neighbours.serve(inventory.targetsById, async ({ ids }) => ({
  targets: world.nodes.filter(({ node_id }) => ids.includes(node_id)).map(target),
}));
neighbours.serve(inventory.poolTargets, async ({ pool_id }) => ({ targets: nodesOf(pool_id).map(target) }));
neighbours.serve(catalog.resolveTemplate, async ({ id }) => ({
  id,
  name: `template-${id}`,
  steps: templates.get(id) ?? [],
}));
neighbours.serve(catalog.getTemplate, async ({ id }) => ({
  id,
  name: `template-${id}`,
  desc: '',
  steps: (templates.get(id) ?? []).map(({ name, param_values, retry }) => ({ name, param_values, retry })),
}));

const replicas = [await startReplica(servers, 'scheduler-1'), await startReplica(servers, 'scheduler-2')];
t.teardown(() => Promise.all(replicas.map((replica) => replica.stop())));
const counterpart = new Counterpart(await servers.startBus('counterpart'));
await counterpart.patiently(tasks.list, { page: 1, page_size: 1 });

const db = await openDatabase<Tables>({
  url: servers.databaseUrl,
  schema: 'scheduler',
  migrations,
  log: silentLogger,
  signal: new AbortController().signal,
});
t.teardown(() => db.destroy());

const cron = (time: string, instance_num = 1, values = {}) => ({
  week_day: 0,
  time,
  instance_num,
  concurr_ratio: 100,
  concurr_num: 0,
  ignore: false,
  ...values,
});
const depend = (pool_id: number, step_name = 'create_vm') => ({
  pool_id,
  ratio: 0.5,
  elastic_count: 2,
  step_name,
  ignore: false,
});
type Save = RpcRequest<typeof schedules.save>;
const save = (pool_id: number, cron_items: Save['cron_items'], values: Partial<Save> = {}) =>
  counterpart.call(schedules.save, {
    id: 0,
    pool_id,
    type: 'expand',
    exec_type: 'crontab',
    time_zone: '',
    cron_items,
    depend_items: [],
    opr_user: 'jane',
    ...values,
  });
const occurrences = (id: number) => counterpart.call(schedules.occurrences, { id, page: 1, page_size: 100 });
/** Waits until so many moments have their outcomes, newest first. */
const outcomes = (id: number, count: number) =>
  waitFor(
    async () => {
      const { rows } = await counterpart.patiently(schedules.occurrences, { id, page: 1, page_size: 100 });
      const ended = rows.every(({ outcome }) => outcome !== 'waiting' && outcome !== 'firing');
      return ended && rows.length >= count ? rows : undefined;
    },
    { what: `${count} moments of scheduled task ${id} have outcomes`, timeoutMs: 30_000 },
  );

t.test('what is wrong with a scheduled task is refused, and named', async (t) => {
  const wrong: [() => Promise<unknown>, { field?: string; message: string | RegExp }][] = [
    [() => save(10, []), { message: 'pool_id: pool 10 does not exist' }],
    [() => save(1, [], { id: 77 }), { message: 'there is no scheduled task 77' }],
    [
      () => save(1, [cron('24:00')]),
      { field: 'cron_items.0.time', message: /cron_items\.0\.time .* \(got 24:00\)/ },
    ],
    [() => save(1, [cron('9:00')]), { message: /got 9:00/ }],
    [
      () => save(1, [cron('09:00'), cron('09:00:00')]),
      { field: 'cron_items.1.time', message: /two items with week_day 0/ },
    ],
    [() => save(1, [cron('09:00', 201)]), { message: /instance_num/ }],
    [() => save(1, [cron('09:00', 1, { week_day: 8 })]), { message: /week_day/ }],
    [() => save(1, [], { time_zone: 'Mars/X' }), { message: /time_zone Mars.X/ }],
    [
      () => save(1, [], { depend_items: [depend(1)] }),
      { field: 'depend_items.0.pool_id', message: /cannot depend on itself/ },
    ],
    [
      () => save(1, [], { depend_items: [depend(2), depend(2)] }),
      { field: 'depend_items.1.pool_id', message: /twice/ },
    ],
    [() => save(1, [], { depend_items: [depend(11)] }), { message: /pool 11/ }],
    [
      () => save(1, [], { depend_items: [depend(9)] }),
      { field: 'depend_items.0.pool_id', message: /no template to expand/ },
    ],
    [
      () => save(1, [], { depend_items: [depend(2, 'x')] }),
      { field: 'depend_items.0.step_name', message: /no step x/ },
    ],
  ];
  for (const [refused, error] of wrong) await t.rejects(refused(), error);
  t.strictSame(await counterpart.call(schedules.find, { pool_id: 1, type: 'expand' }), { schedule: null });
});

t.test('dependencies: in either order of saving, and no circle', async (t) => {
  const never = { exec_type: 'depend' as const };
  await save(2, [cron('09:00')], never);
  await t.rejects(save(3, [], { depend_items: [depend(2)] }), {
    code: 'conflict',
    message: /pool 2 has cron/,
  });
  const { id } = await save(3, [], { depend_items: [depend(4)] });
  await t.rejects(save(4, [cron('09:00')], never), { code: 'conflict', message: /pool 3 depends on pool 4/ });
  await save(4, [], { ...never, depend_items: [depend(5)] });
  await t.rejects(save(5, [], { depend_items: [depend(3)] }), { code: 'conflict', message: /circle/ });
  t.strictSame(await counterpart.call(schedules.flags, { pool_ids: [1, 2, 3, 4, 5] }), {
    depended_on: [4, 5],
    with_cron: [2],
  });
  t.equal((await save(3, [])).id, id, 'one for each pool and type');
  await t.rejects(save(4, [], { id }), { code: 'invalid', field: 'id', message: /is of pool 3/ });
  await t.rejects(save(3, [], { id, type: 'upload' }), { code: 'invalid', message: /of type expand/ });
});

t.test('a pool that a scheduled task needs is not deleted, and one that goes is not needed', async (t) => {
  await save(2, []);
  const reserve = (pool_id: number) => counterpart.call(schedules.reservePool, { pool_id, ttl_ms: 1_000 });
  const { id } = await save(1, [], {
    type: 'upload',
    depend_items: [{ ...depend(2, 'start_service'), ignore: true }],
  });
  await t.rejects(reserve(1), { code: 'conflict', message: /own scheduled task/ });
  await t.rejects(reserve(2), { code: 'conflict', message: /of pool 1 depends on it/ });
  await save(1, [], { id, type: 'upload' });
  await reserve(2);
  const dependent = () => save(1, [], { type: 'upload', depend_items: [depend(2, 'start_service')] });
  await t.rejects(dependent(), { code: 'conflict', message: 'pool 2 is being deleted' });
  await t.rejects(save(2, [cron('09:00')], { type: 'upload' }), { message: 'pool 2 is being deleted' });
  await waitFor(() => dependent().catch(() => undefined), { what: 'the reservation has ended' });
  await save(1, [], { id, type: 'upload' });
  // Both at once, again and again: never both.
  for (let round = 0; round < 4; round++) {
    const came = await Promise.allSettled([dependent(), reserve(2)]);
    t.notOk(
      came.every(({ status }) => status === 'fulfilled'),
      'one of them is refused',
    );
    await waitFor(() => save(1, [], { id, type: 'upload' }).catch(() => undefined), {
      what: 'it is emptied',
    });
    await waitFor(
      async () => {
        const { rows } = await sql`SELECT FROM pools_being_deleted WHERE expires_at >= ${Date.now()}`.execute(
          db,
        );
        return rows.length === 0;
      },
      { what: 'the reservation has ended' },
    );
  }
});

t.test(
  'an expand item sets the number of nodes; a newer one takes the place of one that waits',
  async (t) => {
    const manual = { node_id: 900, ip: '10.0.0.1', pool_id: 6, node_type: 'manual' as const };
    world.nodes.push(manual);
    const { id } = await save(6, [cron('00:00', 3)]);
    const [first] = await outcomes(id, 1);
    t.match(first, { cause: 'saved', outcome: 'caught_up', task_ids: [Number], item: { instance_num: 3 } });
    const [task = 0] = first?.task_ids ?? [];
    t.match(await counterpart.call(tasks.get, { id: task }), {
      task_name: 'web6_expand',
      flow_type: 'crontab',
      opr_user: 'crontab',
      stat: [3, 0, 0, 0, 0],
    });
    t.strictSame(
      nodesOf(6).map(({ node_type }) => node_type),
      ['manual', 'crontab', 'crontab', 'crontab'],
    );
    await save(6, [cron('00:00', 2)]);
    await save(6, [cron('00:00', 1)]);
    const [newest, middle] = (await occurrences(id)).rows;
    t.match(
      [newest, middle],
      [{ outcome: 'waiting' }, { outcome: 'skipped', reason: /^overlap/, item: { instance_num: 2 } }],
    );
    await waitFor(
      async () => (await occurrences(id)).rows[0]?.reason === `task ${task} of the last occurrence to end`,
      { what: 'it says what it waits for' },
    );
    await counterpart.patiently(tasks.stop, { id: task, opr_user: 'jane' });
    const [shrunk] = await outcomes(id, 3);
    t.match(shrunk, { outcome: 'caught_up', reason: '', item: { instance_num: 1 } });
    const { task_name, stat } = await counterpart.call(tasks.get, { id: shrunk?.task_ids[0] ?? 0 });
    t.strictSame([task_name, stat], ['web6_shrink', [2, 0, 0, 0, 0]]);
    const { next } = await occurrences(id);
    t.equal(next.length, 10);
    t.ok(next.every(({ due }) => due % 86_400_000 === 0));
  },
);

t.test('a moment comes while it runs', async (t) => {
  const soon = new Date(Date.now() + 3_000).toISOString().slice(11, 19);
  const { id } = await save(7, [cron(soon, 0)], { type: 'upload' });
  const [fired] = await outcomes(id, 1);
  t.match(fired, { cause: 'due', outcome: 'nothing_to_do', task_ids: [] }, 'no node with an address');
  world.nodes.push({ node_id: 901, ip: '10.0.0.2', pool_id: 7, node_type: 'manual' });
  const again = new Date(Date.now() + 3_000).toISOString().slice(11, 19);
  await save(7, [cron(again, 0)], { type: 'upload' });
  const [deployed] = await outcomes(id, 2);
  t.match(deployed, { cause: 'due', outcome: 'fired' });
  t.match(await counterpart.call(tasks.get, { id: deployed?.task_ids[0] ?? 0 }), {
    task_name: 'web7_deploy',
    options: [{ param_values: { tag: 'shop:1' } }],
  });
});

t.test('nodes that are to go are being worked on: their moment waits, and says so', async (t) => {
  world.nodes.push({ node_id: 910, ip: '10.0.0.9', pool_id: 7, node_type: 'crontab' });
  await sql`INSERT INTO node_holds VALUES (910, NULL, ${Date.now() + 600_000})`.execute(db);
  const { id } = await save(7, [cron('00:00', 0)]);
  const waiting = await waitFor(
    async () => (await occurrences(id)).rows.find(({ reason }) => reason !== ''),
    { what: 'it says what it waits for' },
  );
  t.match(waiting, {
    outcome: 'firing',
    task_ids: [],
    reason:
      'nodes of pool 7 that are to go and are being worked on: node 910 by a removal from its pool, which is under way',
  });
  await sql`DELETE FROM node_holds WHERE node_id = 910`.execute(db);
  t.match(await outcomes(id, 1), [{ outcome: 'caught_up', reason: '', task_ids: [Number] }]);
});

t.test('what cannot be done is skipped, with the reason', async (t) => {
  const { id } = await save(9, [cron('00:00', 3)]);
  t.match(await outcomes(id, 1), [{ outcome: 'skipped', reason: /^refused: pool web9 has no template/ }]);
  t.strictSame(nodesOf(8), []);
});

/** The node runs of the task that a moment made in a pool. */
const taskIn = async (pool: number, ids: readonly number[] = []) => {
  for (const id of ids) {
    const task = await counterpart.patiently(tasks.get, { id });
    if (task.pool_id === pool) return { id, runs: (await detail(id)).map((run) => run.id) };
  }
  throw new Error(`no task of ${ids.join(', ')} is in pool ${pool}`);
};
const detail = async (id: number) => (await counterpart.patiently(tasks.detail, { id })).rows;
const ended = (id: number) =>
  waitFor(
    async () => {
      const task = await counterpart.patiently(tasks.get, { id });
      return task.end_reason === '' ? undefined : task;
    },
    { what: `task ${id} has ended`, timeoutMs: 30_000 },
  );
/** Lets a run's first step come to its end; what an executor is told then. */
const oneStep = async (task: number, run: number, result: Partial<AttemptResult> = {}) => {
  const { lease, next } = await counterpart.claim(task, run);
  const report = counterpart.report(task, run, lease, next, result);
  const answer = await counterpart.patiently(execution.report, report, task);
  return answer.status === 'accepted' ? answer.next : answer;
};
const failed = { status: 'failed' as const, reason: 'no capacity' };
const waits = (task: number) =>
  waitFor(async () => (await detail(task)).every(({ state, steps }) => state === 3 && steps.length > 0), {
    what: `all nodes of task ${task} have failed`,
    timeoutMs: 30_000,
  });

t.test(
  'pool 4 follows pool 5: it grows with it, waits for it, fails with it, and shrinks after it',
  async (t) => {
    await save(3, []);
    await save(4, [], { exec_type: 'depend' });
    const { id } = await save(4, [cron('00:00', 4)], { depend_items: [depend(5)] });
    const [grown] = await outcomes(id, 1);
    t.match(grown, { outcome: 'caught_up', task_ids: { length: 2 } });
    t.equal(nodesOf(4).length, 4);
    t.equal(nodesOf(5).length, 4, 'half as many, and two to spare');
    const own = await taskIn(4, grown?.task_ids);
    const other = await taskIn(5, grown?.task_ids);
    const first = own.runs[0] ?? 0;
    t.match(await oneStep(own.id, first), { do: 'release', why: 'it waits for other pools' });
    await t.rejects(counterpart.claim(own.id, first), { message: /waits for other pools/ });
    t.match((await detail(own.id))[0], {
      steps: [
        { name: 'create_vm', state: 2 },
        { state: 0, attempts: 0, message: `waits for pool web5 (task ${other.id}) to pass create_vm` },
      ],
    });
    const lines = async (task: number) =>
      (await counterpart.call(tasks.log, { id: task, after: 0 })).lines.map(({ message }) => message);
    t.ok(
      (await lines(own.id)).some((line) => line.startsWith('nodes wait before start_service for pool web5')),
    );
    await counterpart.patiently(tasks.pause, { id: own.id, opr_user: 'jane' });
    await counterpart.patiently(tasks.start, { id: own.id, opr_user: 'jane' });
    for (const run of other.runs.slice(1)) await counterpart.finish(other.id, run);
    await t.rejects(counterpart.claim(own.id, first), { message: /waits for other pools/ }, 'one is missing');
    await oneStep(other.id, other.runs[0] ?? 0);
    await waitFor(async () => (await lines(own.id)).some((line) => /the wait .* is over/.test(line)), {
      what: 'it goes on',
    });
    for (const run of own.runs) await counterpart.finish(own.id, run);
    t.match(await ended(own.id), { stat: [0, 0, 4, 0, 0] });
    await counterpart.finish(other.id, other.runs[0] ?? 0);

    await save(4, [cron('00:00', 6)], { depend_items: [depend(5)] });
    const [more] = await outcomes(id, 2);
    const [second, broken] = [await taskIn(4, more?.task_ids), await taskIn(5, more?.task_ids)];
    t.equal(nodesOf(5).length, 5);
    for (const run of second.runs) await oneStep(second.id, run);
    for (const run of broken.runs.slice(0, -1)) await counterpart.finish(broken.id, run);
    await oneStep(broken.id, broken.runs.at(-1) ?? 0, failed);
    await waits(second.id);
    const reason = new RegExp(
      `pool web5 .task ${broken.id}. has not passed create_vm: 1 of its nodes failed`,
    );
    for (const run of await detail(second.id)) t.match(run.steps[1]?.message, reason);
    await ended(second.id);
    await counterpart.patiently(tasks.start, { id: second.id, opr_user: 'jane' });
    await waits(second.id);
    await ended(second.id);
    await counterpart.patiently(tasks.start, { id: broken.id, opr_user: 'jane' });
    await counterpart.finish(broken.id, broken.runs.at(-1) ?? 0);
    await counterpart.patiently(tasks.start, { id: second.id, opr_user: 'jane' });
    await waitFor(async () => (await lines(second.id)).some((line) => /the wait .* is over/.test(line)), {
      what: 'it goes on, now that the other has come through',
    });
    for (const run of second.runs) await counterpart.finish(second.id, run);

    await save(4, [cron('00:00', 2)], { depend_items: [depend(5)] });
    const [less] = await outcomes(id, 3);
    const [leaving, before] = [await taskIn(4, less?.task_ids), await taskIn(5, less?.task_ids)];
    t.strictSame([leaving.runs.length, before.runs.length], [4, 2]);
    await t.rejects(
      counterpart.claim(leaving.id, leaving.runs[0] ?? 0),
      { message: /waits for other pools/ },
      'not before them',
    );
    for (const run of before.runs) await counterpart.finish(before.id, run);
    await waitFor(async () => (await lines(leaving.id)).some((line) => /the wait .* is over/.test(line)), {
      what: 'those of the other pool have gone',
    });
    for (const run of leaving.runs) await counterpart.finish(leaving.id, run);
    t.match(await ended(leaving.id), { stat: [0, 0, 4, 0, 0] });
  },
);

t.test('a node that somebody takes out of the other pool keeps nobody waiting', async (t) => {
  const items = { depend_items: [depend(2)] };
  await waitFor(() => save(3, [cron('00:00', 1)], items).catch(() => undefined), { what: 'pool 2 is free' });
  const [task] = await counterpart
    .call(schedules.find, { pool_id: 3, type: 'expand' })
    .then(({ schedule }) => [schedule?.id ?? 0]);
  const made = (await outcomes(task ?? 0, 1))[0]?.task_ids;
  const [own, other] = [await taskIn(3, made), await taskIn(2, made)];
  for (const run of own.runs) await oneStep(own.id, run);
  const [gone] = await detail(other.id);
  for (const run of other.runs.slice(1)) await counterpart.finish(other.id, run);
  await oneStep(other.id, gone?.id ?? 0, failed);
  await waits(own.id);
  await ended(own.id);
  world.nodes = world.nodes.filter(({ node_id }) => node_id !== gone?.node_id);
  await counterpart.patiently(tasks.start, { id: own.id, opr_user: 'jane' });
  await waitFor(async () => (await detail(own.id)).every(({ steps }) => steps[1]?.message === ''), {
    what: 'the gate is open',
  });
  for (const run of own.runs) await counterpart.finish(own.id, run);
  t.match(await ended(own.id), { end_reason: 'completed' });
});

t.test('two schedules that set the same pool do it one after the other', async (t) => {
  const both = await Promise.all(
    [3, 4].map((pool) => save(pool, [cron('00:00', 5)], { depend_items: [depend(2)] })),
  );
  const newest = async () => Promise.all(both.map(async ({ id }) => (await occurrences(id)).rows[0]));
  const made = await waitFor(
    async () => (await newest()).find((one) => one?.item.instance_num === 5 && one.task_ids.length > 0),
    { what: 'one of them has made its tasks', timeoutMs: 30_000 },
  );
  // Both may have entered what is missing; who comes second takes its own out again.
  await waitFor(async () => nodesOf(2).length === 5, { what: 'five nodes are left' });
  t.equal((await newest()).filter((one) => one?.task_ids.length === 0).length, 1, 'the other one waits');
  for (const id of made.task_ids) await counterpart.patiently(tasks.stop, { id, opr_user: 'jane' });
  await waitFor(async () => (await newest()).every((one) => one?.outcome === 'caught_up'), {
    what: 'the other one has made its own',
    timeoutMs: 30_000,
  });
  t.equal(nodesOf(2).length, 5, 'none too many');
});

t.test('two schedulers that both believe to own a schedule fire each moment once', async (t) => {
  const { id } = await save(1, []);
  const commits = openCommits(servers.databaseUrl, silentLogger);
  t.teardown(() => commits.destroy());
  const bus = await servers.startBus('rivals');
  const clock = systemClock;
  const store = new ScheduleStore(db, () => undefined);
  const taskStore = new TaskStore(db, commits, () => undefined);
  const settings = {
    limits: { remoteMs: 1_000, providerMs: 1_000 },
    retryDelayMs: 0,
    dependencyWaitMs: 60_000,
  };
  const rivals = Array.from({ length: 4 }, () => {
    const firing = new PoolFiring(store, { bus, store: taskStore, settings, clock, log: silentLogger });
    const runner = new ScheduleRunner({ ledger: store, firing, zone: 'UTC', clock, log: silentLogger });
    runner.own(new Set([partitionOf(id)]));
    return runner;
  });
  const state = await store.load(id);
  if (!state) return t.fail('there is no scheduled task');
  const due = clock.now();
  const item = { id: 50, ...cron('00:00', 4) };
  const meta = { correlationId: 'test', actor: 'test' };
  await store.record(
    state,
    [{ type: 'OccurrenceOpened', data: { cause: 'due', due, item, late: false } }],
    meta,
    due,
  );
  // Beside the one of the two replicas that owns it.
  for (let round = 0; round < 20; round++) {
    await Promise.all(rivals.map((runner) => runner.tick()));
    await Promise.all(rivals.map((runner) => runner.settled()));
  }
  await outcomes(id, 1);
  const { rows } = await sql<{ outcome: string; tasks: number[] }>`
    SELECT outcome, tasks FROM schedule_occurrences WHERE schedule_id = ${id} AND due = ${due}`.execute(db);
  t.match(rows, [{ outcome: 'fired', tasks: { length: 1 } }]);
  const made = await sql<{ id: number }>`SELECT id FROM tasks WHERE pool_id = 1`.execute(db);
  t.strictSame(
    made.rows.map(({ id: task }) => task),
    rows[0]?.tasks,
    'one task',
  );
  const resolved = await store.load(id);
  if (!resolved) return t.fail('there is no scheduled task');
  const twice = {
    type: 'OccurrenceOpened' as const,
    data: { cause: 'due' as const, due, item, late: false },
  };
  await t.rejects(store.record(resolved, [twice], meta, due), { name: 'VersionConflict' }, 'the last guard');
});

t.test('a paused task is not worked around; a scheduler that comes applies the item in force', async (t) => {
  const { id } = await save(8, [cron('00:00', 1)]);
  const [first] = await outcomes(id, 1);
  const [task = 0] = first?.task_ids ?? [];
  t.match(first, { outcome: 'caught_up' });
  await counterpart.patiently(tasks.pause, { id: task, opr_user: 'jane' });
  await save(8, [cron('00:00', 2)]);
  const [skipped] = await outcomes(id, 2);
  t.match(skipped, { outcome: 'skipped', reason: `paused: task ${task} of the last occurrence is paused` });
  await counterpart.patiently(tasks.stop, { id: task, opr_user: 'jane' });
  await Promise.all(replicas.splice(0).map((replica) => replica.stop()));
  replicas.push(await startReplica(servers, 'scheduler-3'));
  const [applied] = await outcomes(id, 3);
  t.match(applied, { cause: 'restarted', outcome: 'caught_up', item: { instance_num: 2 } });
  const { stat } = await counterpart.patiently(tasks.get, { id: applied?.task_ids[0] ?? 0 });
  t.strictSame(stat, [2, 0, 0, 0, 0], 'one node is new, and the one that was stopped runs again');
  t.equal(nodesOf(8).length, 2);
});

t.test('the tables follow from the events, and can be made again', async (t) => {
  t.strictSame(await differences(servers), []);
  await sql`UPDATE schedule_occurrences SET outcome = 'fired'`.execute(db);
  await sql`UPDATE schedules SET time_zone = 'Mars'`.execute(db);
  await sql`DELETE FROM occurrence_tasks`.execute(db);
  t.ok((await differences(servers)).length > 5);
  await rebuildHistory(db as unknown as Kysely<unknown>, schedulerHistory);
  t.strictSame(await differences(servers), []);
});
