import {
  type Capability,
  catalog,
  execution,
  inventory,
  type OnceKey,
  onceOf,
  type PoolTasks,
  type ResolvedStep,
  ServiceError,
  type TaskTarget,
  tasks,
} from '@rigel/contracts';
import { startTestServers } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';
import { Counterpart, startReplica } from '../testing/scheduler.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());
const scheduler = await startReplica(servers);
t.teardown(() => scheduler.stop());
const counterpart = new Counterpart(await servers.startBus('counterpart'));

const builtIn = (name: string, kind: 'vm' | 'sd', param: string, value: unknown): ResolvedStep => ({
  name,
  kind,
  param_values: { [param]: value },
  retry: { retry_times: 1, ignore_error: false },
  actions: [],
});
const remote = (name: string, text: string, values: Record<string, unknown> = {}): ResolvedStep => ({
  name,
  kind: 'remote',
  param_values: values,
  retry: { retry_times: 0, ignore_error: false },
  actions: [{ name, params: { tag: 'string' }, module: 'shell', text }],
});
const createVm = builtIn('create_vm', 'vm', 'vm_type_id', 1);
const start = remote('start_service_web', 'run {{tag}}', { tag: 'old' });
const register = builtIn('register', 'sd', 'service_discovery_id', 1);
const unregister = builtIn('unregister', 'sd', 'service_discovery_id', 1);
const returnVm = builtIn('return_vm', 'vm', 'vm_type_id', 1);

/** What inventory and catalog know. Templates by id. */
const templates = new Map<number, ResolvedStep[]>([
  [1, [createVm, start, remote('start_service_sidecar', 'run {{tag}}', { tag: 'side' }), register]],
  [2, [unregister, returnVm]],
  [3, [start]],
  [4, [start, createVm]],
  [5, [returnVm, unregister]],
  [6, [remote('restart', 'restart')]],
  [7, [builtIn('create_vm', 'vm', 'vm_type_id', 'large'), start]],
]);
const world = {
  tasks: { expand: 1, shrink: 2, deploy: 3 } as PoolTasks,
  vm_type: 7,
  sd_id: 9,
  nodes: [] as TaskTarget[],
  nextNode: 1000,
  /** Happens before nodes are entered. */
  onPlan: async (_once?: OnceKey): Promise<void> => undefined,
};
const node = (values: Partial<TaskTarget>): TaskTarget => ({
  node_id: world.nextNode++,
  ip: '-',
  vm_id: '',
  pool_id: 4,
  pool_name: 'web',
  ...values,
});
const neighbours = await servers.startBus('neighbours');
neighbours.serve(inventory.getPool, async ({ id }) => {
  if (id !== 4) throw new ServiceError('not_found', `pool ${id} does not exist`);
  const { tasks, vm_type, sd_id, nodes } = world;
  return { id, name: 'web', desc: '', vm_type, sd_id, service_id: 2, tasks, node_count: nodes.length };
});
neighbours.serve(inventory.getService, async ({ id }) => ({
  id,
  name: 'shop',
  desc: '',
  service_type: 'Java',
  docker_image: 'shop:1',
  cluster_id: 1,
}));
neighbours.serve(inventory.planNodes, async ({ pool_id, count, once }) => {
  await world.onPlan(once);
  const planned = Array.from({ length: count }, () => node({ pool_id }));
  world.nodes.push(...planned);
  return { ids: planned.map(({ node_id }) => node_id) };
});
neighbours.serve(inventory.removeNodes, async ({ nodes }) => {
  world.nodes = world.nodes.filter(({ node_id }) => !nodes.includes(node_id));
  return {};
});
neighbours.serve(inventory.poolTargets, async () => ({ targets: world.nodes }));
neighbours.serve(inventory.findTargets, async ({ ips }) => ({
  targets: world.nodes.filter(({ ip }) => ips.includes(ip)),
  unknown: ips.filter((wanted) => !world.nodes.some(({ ip }) => ip === wanted)),
}));
neighbours.serve(catalog.resolveTemplate, async ({ id }) => {
  const steps = templates.get(id);
  if (!steps) throw new ServiceError('not_found', `template ${id} does not exist`);
  return { id, name: `template-${id}`, steps };
});

t.beforeEach(() => {
  world.tasks = { expand: 1, shrink: 2, deploy: 3 };
  world.vm_type = 7;
  world.sd_id = 9;
  world.nodes = [];
  world.onPlan = async () => undefined;
});

await counterpart.patiently(tasks.list, { page: 1, page_size: 1 });

const by = { opr_user: 'jane' };
const expand = (num = 1, pool_id = 4) => counterpart.call(tasks.expand, { pool_id, num, ...by });
const shrink = (...nodes: string[]) => counterpart.call(tasks.shrink, { pool_id: 4, nodes, ...by });
const deploy = (tag = 'shop:2') =>
  counterpart.call(tasks.deploy, { pool_id: 4, tag, max_num: 2, max_ratio: 100, ...by });
const values = async (id: number) =>
  (await counterpart.call(tasks.get, { id })).options.map(({ param_values }) => param_values);
/** The event that made a task. */
async function createdEvent(id: number): Promise<{ secretsBy?: string; steps: object[] }> {
  const client = new pg.Client({ connectionString: servers.databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query(
      'SELECT data FROM scheduler.events WHERE stream = $1 AND version = 1',
      [`task-${id}`],
    );
    return rows[0].data;
  } finally {
    await client.end();
  }
}
const messages = async (id: number) =>
  (await counterpart.call(tasks.log, { id, after: 0 })).lines.map(({ message }) => message);

t.test('expand: as many nodes, and a task with the values of pool and service', async (t) => {
  const { id } = await expand(3);
  t.match(await counterpart.call(tasks.get, { id }), {
    task_name: 'expand_web',
    pool_id: 4,
    state: 1,
    stat: [3, 0, 0, 0, 0],
    step_len: 3,
    flow_type: 'manual',
    opr_user: 'jane',
  });
  t.same(await values(id), [
    { vm_type_id: 7 },
    { tag: 'shop:1' },
    { tag: 'side' },
    { service_discovery_id: 9 },
  ]);
  t.match(
    (await counterpart.call(tasks.detail, { id })).rows.map(({ ip, node_id }) => [ip, node_id]),
    world.nodes.map(({ node_id }) => ['-', node_id]),
  );
});

t.test('a pool without providers leaves those of the template', async (t) => {
  world.vm_type = 0;
  world.sd_id = 0;
  t.match(await values((await expand()).id), [{ vm_type_id: 1 }, {}, {}, { service_discovery_id: 1 }]);
});

t.test('a machine belongs to its node as soon as it is told of, whatever the attempt came to', async (t) => {
  const { id } = await expand();
  const [run] = (await counterpart.call(tasks.detail, { id })).rows;
  if (!run) return t.fail('no run');
  const first = await counterpart.claim(id, run.id);
  const failed = counterpart.report(id, run.id, first.lease, first.next, {
    status: 'failed',
    reason: 'its SSH does not answer',
    machine: { vm_id: 'vm-1', ip: '' },
  });
  const capabilities: Capability[] = ['vm', 'ssh'];
  t.match(await counterpart.call(execution.report, { ...failed, capabilities }, id), {
    next: { do: 'run', step: 0, attempt: 2 },
  });
  await counterpart.call(execution.handBack, { task_id: id, run_id: run.id, lease: first.lease }, id);
  const second = await counterpart.call(
    execution.claim,
    { task_id: id, run_id: run.id, executor: 'executor-2', capabilities },
    id,
  );
  if (second.status !== 'granted') return t.fail(second.reason);
  t.match(second.node, { ip: '-', vm_id: 'vm-1' }, 'whoever goes on knows of it');
  const made = counterpart.report(id, run.id, second.lease, second.next, {
    machine: { vm_id: 'vm-1', ip: '10.9.0.1' },
  });
  await counterpart.call(execution.report, { ...made, capabilities }, id);
  t.match((await counterpart.call(tasks.detail, { id })).rows, [{ ip: '10.9.0.1', vm_id: 'vm-1' }]);
  const log = await messages(id);
  t.ok(
    log.includes(`node ${run.node_id}: has machine vm-1 of the provider, without an address yet`),
    `${log}`,
  );
  t.ok(log.includes('10.9.0.1: has machine vm-1 of the provider'));
});

t.test('shrink: only nodes of the pool; a node whose machine was returned has none', async (t) => {
  world.nodes = [node({ ip: '10.9.1.1', vm_id: 'vm-2' }), node({ ip: '10.9.1.2', pool_id: 5 })];
  await t.rejects(shrink('10.9.1.1', '10.9.1.2'), { code: 'not_found', message: /10\.9\.1\.2/ });
  await t.rejects(shrink('10.9.1.1', '10.9.1.3'), { code: 'not_found', message: /10\.9\.1\.3/ });
  await t.rejects(shrink(), { code: 'invalid', field: 'nodes' });
  const { id } = await shrink('10.9.1.1');
  t.same(await values(id), [{ service_discovery_id: 9 }, { vm_type_id: 7 }]);
  t.match(await counterpart.call(tasks.get, { id }), { task_name: 'shrink_web', stat: [1, 0, 0, 0, 0] });
  await t.rejects(shrink('10.9.1.1'), { code: 'in_use', message: /10\.9\.1\.1/ });
  const [run] = (await counterpart.call(tasks.detail, { id })).rows;
  let { lease, next } = await counterpart.claim(id, run?.id ?? 0);
  await counterpart.call(execution.report, counterpart.report(id, run?.id ?? 0, lease, next), id);
  ({ lease, next } = await counterpart.claim(id, run?.id ?? 0));
  await counterpart.call(execution.report, counterpart.report(id, run?.id ?? 0, lease, next), id);
  t.match(await counterpart.call(tasks.get, { id }), { state: 2 });
  t.ok((await messages(id)).includes('10.9.1.1: machine vm-2 was given back, the node leaves the pool'));
});

t.test(
  'deploy: nodes with an address, in batches, the first step that starts the service gets the tag',
  async (t) => {
    await t.rejects(deploy(), { code: 'wrong_state', message: /has no node with an address/ });
    world.nodes = [node({}), node({ ip: '10.9.2.1' }), node({ ip: '10.9.2.2' }), node({ ip: '10.9.2.3' })];
    await t.rejects(deploy('  '), { code: 'invalid', field: 'tag' });
    const { id } = await deploy();
    t.match(await counterpart.call(tasks.get, { id }), {
      task_name: 'deploy_web',
      step_len: 2,
      stat: [3, 0, 0, 0, 0],
    });
    t.same(await values(id), [{ tag: 'shop:2' }]);
  },
);

t.test('a tag that no step takes is worth a line of the log', async (t) => {
  world.tasks = { deploy: 6 };
  world.nodes = [node({ ip: '10.9.3.1' })];
  t.ok((await messages((await deploy()).id)).includes('no step uses the override tag'));
});

t.test('a pool that is not set up for the operation is refused, with the reason', async (t) => {
  await t.rejects(expand(1, 5), { code: 'not_found', message: 'pool 5 does not exist' });
  const wrong: [PoolTasks, RegExp][] = [
    [{}, /tasks\.expand is not set/],
    [{ expand: 0 }, /tasks\.expand is not set/],
    [{ expand: 99 }, /template 99 does not exist/],
    [{ expand: 4 }, /the first step of template template-4 must be create_vm, not start_service_web/],
  ];
  for (const [set, message] of wrong) {
    world.tasks = set;
    await t.rejects(expand(), { message });
  }
  world.tasks = { expand: 7 };
  world.vm_type = 0;
  await t.rejects(expand(), { code: 'invalid', message: /vm_type_id must be an integer, not large/ });
  t.same(world.nodes, [], 'and nothing is entered');
  world.tasks = { shrink: 5 };
  await t.rejects(shrink('10.9.4.1'), { message: /the last step of template template-5 must be return_vm/ });
});

t.test(
  'an expand whose task another scheduler made under its key takes no node of that task out again',
  async (t) => {
    const once = { key: '1'.repeat(64), request: '2'.repeat(64) };
    const database = new pg.Client(servers.databaseUrl);
    await database.connect();
    t.teardown(() => database.end());
    // The other one gets there first, while this one has its nodes entered: the same ones, as they have the same key.
    world.onPlan = async (planned) => {
      t.strictSame(planned, once, 'the nodes are entered under the key, too');
      await database.query('INSERT INTO scheduler.kept_answers VALUES ($1, $2, $3, $4)', [
        once.key,
        once.request,
        '{"id": 77}',
        Date.now() + 60_000,
      ]);
    };
    const before = (await counterpart.call(tasks.list, { page: 1, page_size: 1 })).total;
    const request = { pool_id: 4, num: 2, ...by };
    const ask = () => counterpart.call(onceOf(tasks.expand), { once, request });
    t.strictSame(await ask(), { repeated: true, answer: { id: 77 } });
    t.equal(world.nodes.length, 2, 'they are left alone');
    t.equal((await counterpart.call(tasks.list, { page: 1, page_size: 1 })).total, before);
    t.strictSame(await ask(), { repeated: true, answer: { id: 77 } });
    await t.rejects(
      counterpart.call(onceOf(tasks.expand), { once: { ...once, request: '3'.repeat(64) }, request }),
      { code: 'key_reused' },
    );
  },
);

t.test('what is asked for under a key is looked at as without one', async (t) => {
  const once = { key: '4'.repeat(64), request: '5'.repeat(64) };
  await t.rejects(counterpart.call(onceOf(tasks.expand), { once, request: { pool_id: 4, num: 0, ...by } }), {
    code: 'invalid',
    field: 'num',
  });
  const made = await counterpart.call(onceOf(tasks.expand), { once, request: { pool_id: 4, num: 1, ...by } });
  t.match(made, { repeated: false });
});

t.test(
  'a secret in the params of a task is one that the template allows, or nothing is recorded',
  async (t) => {
    world.nodes = [node({ ip: '10.8.0.1' })];
    const listed = {
      ...remote('login', 'login {{tag}} {{user}}'),
      allowed_secrets: { tag: ['db-password'] },
      param_values: { tag: 'x', user: { secret: 'user-name' } },
    };
    templates.set(8, [listed]);
    const create = (params: Record<string, unknown>, more: { any_secret?: boolean } = {}) =>
      counterpart.call(tasks.create, {
        template_id: 8,
        task_name: 'log in',
        timeout: 0,
        auto: false,
        max_ratio: 100,
        max_num: 0,
        opr_user: 'jane',
        nodes: ['10.8.0.1'],
        params,
        ...more,
      });
    const before = (await counterpart.call(tasks.list, { page: 1, page_size: 1 })).total;
    const refused: [Record<string, unknown>, RegExp][] = [
      [
        { tag: { secret: 'ssh-key' } },
        /step login, parameter tag: .* does not allow the secret ssh-key: an admin adds/,
      ],
      [
        { login: { user: { secret: 'db-password' } } },
        /step login, parameter user: .*allowed_secrets of step login/,
      ],
      [{ user: { secret: 'USER-NAME' } }, /does not allow the secret USER-NAME/],
    ];
    for (const [params, message] of refused)
      await t.rejects(create(params), { code: 'invalid', field: 'params', message });
    t.equal((await counterpart.call(tasks.list, { page: 1, page_size: 1 })).total, before);

    const allowed = await create({
      tag: { secret: 'db-password' },
      login: { user: { secret: 'user-name' } },
    });
    const [id = 0] = allowed.ids;
    t.strictSame(await values(id), [{ tag: { secret: 'db-password' }, user: { secret: 'user-name' } }]);
    const event = await createdEvent(id);
    t.equal(event.secretsBy, 'template');
    t.notOk(
      event.steps.some((step) => 'allowed_secrets' in step),
      'what was decided is not kept twice',
    );
    await counterpart.call(tasks.stop, { id, opr_user: 'jane' });

    const [byAdmin = 0] = (await create({ tag: { secret: 'ssh-key' } }, { any_secret: true })).ids;
    t.equal((await createdEvent(byAdmin)).secretsBy, 'admin');
    await counterpart.call(tasks.stop, { id: byAdmin, opr_user: 'jane' });

    // Later edits of the list do not reach a task that was made: it is resumed with the plan that it has.
    templates.set(8, [{ ...listed, allowed_secrets: {} }]);
    await t.rejects(create({ tag: { secret: 'db-password' } }), { code: 'invalid', field: 'params' });
  },
);

t.test('what an operator gives a pool is text, whatever it looks like', async (t) => {
  world.nodes = [node({ ip: '10.8.0.2' })];
  for (const tag of ['{"secret": "ssh-key"}', '{"secret":"db-password"}', '[object Object]x']) {
    const { id } = await deploy(tag);
    t.strictSame(await values(id), [{ tag }]);
    t.equal((await createdEvent(id)).secretsBy, undefined);
    await counterpart.call(tasks.stop, { id, opr_user: 'jane' });
  }
  await t.rejects(
    counterpart.call(tasks.deploy, {
      pool_id: 4,
      tag: { secret: 'ssh-key' } as never,
      max_num: 1,
      max_ratio: 100,
      ...by,
    }),
    { code: 'invalid', field: 'tag' },
  );
});
