import { systemClock } from '@rigel/clock';
import { inventory, publishedTaskEvents } from '@rigel/contracts';
import {
  append,
  createEventTables,
  EventRelay,
  EventTypes,
  historyOf,
  type NewEvent,
  readHead,
} from '@rigel/event-store';
import { openDatabase } from '@rigel/runtime/database';
import { silentLogger, startTestServers, waitFor } from '@rigel/testing';
import t, { type Test } from 'tap';
import { assertReplayable, startInventoryForTest } from '../testing/inventory.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call, stop } = await startInventoryForTest(servers);
t.teardown(stop);

// The scheduler's side: its history and the relay that tells it.
const scheduler = await openDatabase<unknown>({
  url: servers.databaseUrl,
  schema: 'scheduler',
  migrations: { '0001': { up: createEventTables } },
  log: silentLogger,
  signal: new AbortController().signal,
});
t.teardown(() => scheduler.destroy());
const types = new EventTypes({ ...publishedTaskEvents, TaskCreated: [] });
const bus = await servers.startBus('scheduler');
let relay = new EventRelay({
  owner: 'scheduler',
  history: historyOf(scheduler, types),
  bus,
  clock: systemClock,
  log: silentLogger,
});
relay.start();
t.teardown(() => relay.stop());

async function happen(...events: NewEvent[]): Promise<void> {
  const version = await readHead(scheduler);
  const meta = { correlationId: 'c', actor: 'root' };
  await scheduler
    .transaction()
    .execute((trx) =>
      append(trx, types, [{ stream: 'task-1', expectedVersion: version, events, meta }], Date.now()),
    );
  relay.notify();
}

const cluster = await call(inventory.createCluster, { name: 'c', desc: '', biz: '' });
const service = await call(inventory.createService, {
  name: 's',
  desc: '',
  service_type: '',
  docker_image: '-',
  cluster_id: cluster.id,
});
const pool = await call(inventory.createPool, {
  name: 'p',
  desc: '',
  vm_type: 1,
  sd_id: 1,
  service_id: service.id,
  tasks: {},
});
const { ids } = await call(inventory.addNodes, { pool_id: pool.id, nodes: ['a', 'b', 'c', 'd'] });

/** [state, status] of each node. */
async function nodes(): Promise<number[][]> {
  const { rows } = await call(inventory.listNodes, { pool_id: pool.id, page: 1, page_size: 4 });
  return rows.map(({ state, status }) => [state, status]);
}
const shows = (t: Test, expected: number[][]) =>
  waitFor(async () => JSON.stringify(await nodes()) === JSON.stringify(expected), {
    what: `the nodes to be ${JSON.stringify(expected)}`,
  }).then(() => t.pass(JSON.stringify(expected)));

t.test('nodes show what their last task made of them', async (t) => {
  t.strictSame(await nodes(), [
    [0, 1],
    [0, 1],
    [0, 1],
    [0, 1],
  ]);
  await happen(
    { type: 'TaskCreated', data: {} },
    { type: 'BatchStarted', data: { batch: 0, runs: [0, 1, 2], nodes: ids.slice(0, 3) } },
  );
  await shows(t, [
    [1, 1],
    [1, 1],
    [1, 1],
    [0, 1],
  ]);
  await happen(
    { type: 'RunSucceeded', data: { run: 0, node: ids[0] } },
    { type: 'RunFailed', data: { run: 1, node: ids[1], step: 0, reason: 'exit code 1' } },
    { type: 'RunsHalted', data: { runs: [2], nodes: [ids[2]] } },
    // Not one of ours any more: nothing comes of it.
    { type: 'RunSucceeded', data: { run: 9, node: 999 } },
  );
  await shows(t, [
    [2, 1],
    [3, 3],
    [4, 1],
    [0, 1],
  ]);
  await happen({ type: 'BatchStarted', data: { batch: 0, runs: [1], nodes: [ids[1]] } });
  await shows(t, [
    [2, 1],
    [1, 3],
    [4, 1],
    [0, 1],
  ]);
});

t.test('a node gets its machine, and goes with it', async (t) => {
  const grown = await call(inventory.createPool, {
    name: 'grown',
    desc: '',
    vm_type: 1,
    sd_id: 1,
    service_id: service.id,
    tasks: {},
  });
  const [one = 0, two = 0] = (
    await call(inventory.planNodes, { pool_id: grown.id, count: 2, node_type: 'crontab' })
  ).ids;
  const list = async () =>
    (await call(inventory.listNodes, { pool_id: grown.id, page: 1, page_size: 9 })).rows;
  t.match(await list(), [
    { id: one, ip: '-', vm_id: '', status: 0, node_type: 'crontab' },
    { id: two, ip: '-', vm_id: '', status: 0 },
  ]);
  const assigned = (node: number, ip: string): NewEvent => ({
    type: 'MachineAssigned',
    data: { run: 0, node, vm: `vm-${node}`, ip },
  });
  const brief = async () => (await list()).map(({ id, ip, vm_id }) => [id, ip, vm_id]);
  const comesTo = async (expected: (string | number)[][]) => {
    await waitFor(async () => JSON.stringify(await brief()) === JSON.stringify(expected), {
      what: `the pool to be ${JSON.stringify(expected)}`,
    });
    t.pass(JSON.stringify(expected));
  };
  await happen(assigned(one, ''), assigned(one, '10.8.0.1'));
  await comesTo([
    [one, '10.8.0.1', `vm-${one}`],
    [two, '-', ''],
  ]);
  // An address that another node has, in another spelling: the machine is known all the same, and what follows is not
  // held up.
  await happen(assigned(two, 'A:22'), assigned(999, '10.8.0.9'));
  await comesTo([
    [one, '10.8.0.1', `vm-${one}`],
    [two, '-', `vm-${two}`],
  ]);
  // No task gets the two at once.
  t.match(await call(inventory.findTargets, { ips: ['a'] }), {
    targets: [{ node_id: ids[0], ip: 'a', same_machine: [{ node_id: two, ip: '-' }] }],
  });
  t.match((await call(inventory.targetsById, { ids: [two] })).targets, [
    { same_machine: [{ node_id: ids[0], ip: 'a' }] },
  ]);
  const returned = { type: 'MachineReturned', data: { run: 0, node: one, vm: `vm-${one}` } };
  await happen(returned, returned, { type: 'RunSucceeded', data: { run: 0, node: one } });
  await comesTo([[two, '-', `vm-${two}`]]);
  const { targets } = await call(inventory.targetsById, { ids: [one, two] });
  t.equal(targets.length, 1);
  t.match(targets[0], { node_id: two, ip: '-', vm_id: `vm-${two}`, pool_id: grown.id, pool_name: 'grown' });
  await t.rejects(call(inventory.planNodes, { pool_id: 99, count: 1, node_type: 'manual' }), {
    code: 'not_found',
    field: 'pool_id',
  });
});

t.test('what is told while NATS is away, or lost on the way, is caught up with', async (t) => {
  await servers.stopNats();
  await happen({ type: 'RunSucceeded', data: { run: 1, node: ids[1] } });
  await servers.startNats({ forget: true });
  await shows(t, [
    [2, 1],
    [2, 1],
    [4, 1],
    [0, 1],
  ]);

  // Nobody publishes while no relay runs.
  await relay.stop();
  await happen({ type: 'RunFailed', data: { run: 2, node: ids[2], step: 0, reason: '' } });
  relay = new EventRelay({
    owner: 'scheduler',
    history: historyOf(scheduler, types),
    bus,
    clock: systemClock,
    log: silentLogger,
  });
  relay.start();
  await shows(t, [
    [2, 1],
    [2, 1],
    [3, 3],
    [0, 1],
  ]);
});

t.test('the read tables can be made again from the events', (t) => assertReplayable(t, servers));
