import {
  catalog,
  inventory,
  plans,
  type ResolvedStep,
  type RpcRequest,
  recordedPlan,
  type Selection,
  type TaskTarget,
  tasks,
} from '@rigel/contracts';
import { startTestServers } from '@rigel/testing';
import t, { type Test } from 'tap';
import { Counterpart, startReplica } from '../testing/scheduler.js';

/*
 * Operations over nodes that a selection chooses: once, bound by the plan, recorded.
 */

const servers = await startTestServers();
t.teardown(() => servers.stop());
const scheduler = await startReplica(servers);
t.teardown(() => scheduler.stop());
const counterpart = new Counterpart(await servers.startBus('counterpart'));

/** What the inventory finds, and what it was asked. */
const found = { targets: [] as TaskTarget[], without_address: [] as TaskTarget[] };
const asked: Selection[] = [];
const node = (node_id: number, values: Partial<TaskTarget> = {}): TaskTarget => ({
  ...{ node_id, ip: `10.0.0.${node_id}`, vm_id: '', pool_id: 4, pool_name: 'web' },
  ...values,
});
const neighbours = await servers.startBus('neighbours');
neighbours.serve(inventory.selectTargets, async ({ select }) => {
  asked.push(select);
  return found;
});
neighbours.serve(inventory.getPool, async ({ id }) => ({
  ...{ id, name: 'web', desc: '', vm_type: 1, sd_id: 1, service_id: 2, node_count: 1 },
  tasks: { shrink: 2 },
}));
neighbours.serve(inventory.getService, async ({ id }) => ({
  ...{ id, name: 'shop', desc: '', service_type: 'Java', docker_image: 'shop:1', cluster_id: 1 },
}));
const retry = { retry_times: 0, ignore_error: false };
const returning: ResolvedStep = {
  name: 'return_vm',
  kind: 'vm',
  param_values: { vm_type_id: 1 },
  retry,
  actions: [],
};
const restarting: ResolvedStep = {
  ...{ name: 'restart', kind: 'remote', param_values: {}, retry },
  actions: [{ name: 'restart', params: {}, module: 'shell', text: 'true' }],
};
neighbours.serve(catalog.resolveTemplate, async ({ id }) => ({
  ...{ id, name: `template-${id}` },
  steps: [id === 2 ? returning : restarting],
}));

t.beforeEach(() => {
  found.targets = [];
  found.without_address = [];
  asked.length = 0;
});
await counterpart.patiently(tasks.list, { page: 1, page_size: 1 });

const request = (values: Partial<RpcRequest<typeof tasks.create>>): RpcRequest<typeof tasks.create> => ({
  ...{ template_id: 1, task_name: 'greet', timeout: 0, auto: false, max_ratio: 100, max_num: 0 },
  ...{ opr_user: 'ann', nodes: [], params: {} },
  ...values,
});
const create = (values: Partial<RpcRequest<typeof tasks.create>>) =>
  counterpart.call(tasks.create, request(values));
const preview = (values: Partial<RpcRequest<typeof tasks.create>>) =>
  counterpart.call(plans.create, request(values));

async function refused(t: Test, operation: Promise<unknown>, facts: object): Promise<void> {
  t.match(
    await operation.then(
      () => 'it was done',
      (error: unknown) => error,
    ),
    facts,
  );
}

t.test('a task over selected nodes keeps what chose them', async (t) => {
  found.targets = [node(2), node(1)];
  found.without_address = [node(3, { ip: '-' })];
  const select = { labels: ' role==web, !canary', status: 'ok' as const, order: 'label:zone' };
  const kept = { labels: 'role=web,!canary', status: 'ok', order: 'label:zone' };
  const plan = await preview({ select });
  t.match(plan, {
    refused: null,
    nodes: { count: 2, rows: [{ ip: '10.0.0.2' }, { ip: '10.0.0.1' }] },
    left_out: { count: 1, rows: [{ node_id: 3, code: 'no_address' }] },
  });
  t.strictSame(asked, [kept]);
  const { ids } = await create({ select, if_plan: plan.plan });
  const id = ids[0] ?? 0;
  const { rows } = await counterpart.call(tasks.detail, { id });
  t.strictSame(
    rows.map(({ ip }) => ip),
    ['10.0.0.2', '10.0.0.1'],
    'in the order of the selection',
  );
  t.strictSame((await counterpart.call(recordedPlan, { id })).select, kept);
  const { lines } = await counterpart.call(tasks.log, { id, after: 0 });
  t.match(
    lines.map(({ message }) => message),
    [/created by ann/, 'its nodes were selected: labels role=web,!canary, status ok'],
  );
});

t.test('a plan binds what the selection found, and the selection', async (t) => {
  found.targets = [node(11), node(12)];
  const { plan } = await preview({ select: { labels: 'zone=a' } });
  await refused(t, create({ select: { labels: 'zone in (a,b)' }, if_plan: plan }), {
    reason: 'plan_changed',
  });
  found.targets = [node(11), node(13)];
  await refused(t, create({ select: { labels: 'zone=a' }, if_plan: plan }), {
    reason: 'plan_changed',
    message: /other nodes take part/,
  });
  found.targets = [node(11), node(12)];
  t.equal((await create({ select: { labels: 'zone=a' }, if_plan: plan })).ids.length, 1);
});

t.test('what is no selection is refused, and nothing is recorded', async (t) => {
  const before = (await counterpart.call(tasks.list, { page: 1, page_size: 1 })).total;
  found.targets = [node(21)];
  await refused(t, create({ nodes: ['10.0.0.1'], select: { labels: 'a' } }), {
    reason: 'invalid',
    field: 'select',
  });
  await refused(t, create({ select: {} }), { reason: 'invalid', field: 'select' });
  await refused(t, create({ select: { labels: 'a b' } }), { reason: 'selector', field: 'select.labels' });
  await refused(t, create({ select: { labels: 'a', order: 'zone' } }), { field: 'select.order' });
  await refused(t, create({}), { reason: 'blank', field: 'nodes' });
  t.strictSame(asked, [], 'the inventory was not asked');
  found.targets = [];
  found.without_address = [node(3, { ip: '-' })];
  const facts = {
    reason: 'no_nodes',
    field: 'select',
    message: /no node with an address matches \(labels a\)/,
  };
  await refused(t, create({ select: { labels: 'a' } }), facts);
  await refused(t, preview({ select: { labels: 'a' } }), facts);
  t.equal((await counterpart.call(tasks.list, { page: 1, page_size: 1 })).total, before);
});

t.test('a shrink selects within its pool', async (t) => {
  const shrink = (select: Selection, nodes: string[] = []) =>
    counterpart.call(tasks.shrink, { pool_id: 4, nodes, select, opr_user: 'ann' });
  found.targets = [node(31, { vm_id: 'i-31' })];
  const { id } = await shrink({ limit: 1, order: 'label:zone' });
  t.strictSame(asked, [{ limit: 1, order: 'label:zone', pools: [4] }]);
  t.strictSame((await counterpart.call(recordedPlan, { id })).select, { limit: 1, order: 'label:zone' });

  found.targets = [node(32), node(33, { pool_id: 5 })];
  await refused(t, shrink({ pools: [4, 5] }), {
    reason: 'not_of_pool',
    field: 'select',
    message: /10\.0\.0\.33/,
  });
  await refused(t, shrink({ limit: 1 }, ['10.0.0.32']), { reason: 'invalid', field: 'select' });
  found.targets = [];
  await refused(t, shrink({ labels: 'a' }), { reason: 'no_nodes' });
});
