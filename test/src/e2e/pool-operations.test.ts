import { machinesOf, SERVICE_PORT } from '@rigel/local';
import {
  CloudServer,
  type StartedBalancer,
  startClients,
  startTestHaproxy,
  startTestNginx,
} from '@rigel/providers/testing';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import type { ApiClient, TaskInfo } from '../support/api.js';
import { uniqueName } from '../support/fleet.js';
import { type Rig, startRig } from '../support/rig.js';

/** A service that answers with its image's tag; the one before it, if there is one, is ended first. */
const SERVICE = `[ ! -e pid ] || kill "$(cat pid)"
cat > service.cjs <<'END'
require('node:http').createServer((_, response) => response.end(process.argv[2]))
  .listen(${SERVICE_PORT}, process.env.RIGEL_MACHINE_IP);
END
nohup ${process.execPath} service.cjs {{tag}} > service.log 2>&1 &
echo $! > pid
until (: > /dev/tcp/$RIGEL_MACHINE_IP/${SERVICE_PORT}) 2>/dev/null; do kill -0 $! || exit 1; sleep 0.1; done`;

const TASK_MS = 240_000;
const retry = { retry_times: 1, ignore_error: false };
const onLinux = process.platform === 'linux' ? false : 'needs loopback addresses';

interface Node {
  ip: string;
  vm_id: string;
  status: number;
}

/** A pool whose templates are made of built-in steps and a service. */
async function makePool(api: ApiClient, discoveries: number[]): Promise<number> {
  const name = uniqueName('start_service');
  const action = await api.ok<number>('/action/create', { name, desc: '', params: { tag: 'string' } });
  const template = { action: { module: 'longscript', content: `#!/bin/bash\n${SERVICE}` } };
  await api.ok('/actimpl/create', { type: 'ansible', action_id: action, template });
  await api.ok('/remote_step/create', { name, desc: '', actions: [name] });
  const start = { name, param_values: {}, retry };
  const sd = (step: string) =>
    discoveries.map((id) => ({ name: step, param_values: { service_discovery_id: id }, retry }));
  const vm = (step: string) => ({ name: step, param_values: { vm_type_id: 0 }, retry });
  const templates = {
    expand: [vm('create_vm'), start, ...sd('register')],
    shrink: [...sd('unregister'), vm('return_vm')],
    deploy: [...sd('unregister'), start, ...sd('register')],
  };
  const tasks: Record<string, number> = {};
  for (const [kind, steps] of Object.entries(templates)) {
    tasks[kind] = await api.ok<number>('/task_tpl/create', { name: uniqueName(kind), desc: '', steps });
  }
  const cluster_id = await api.ok<number>('/cluster/create', { name: uniqueName('c'), desc: '', biz: '' });
  const service = { name: uniqueName('s'), desc: '', service_type: '', docker_image: 'shop:1', cluster_id };
  const { id: service_id } = await api.ok<{ id: number }>('/service/create', service);
  const pool = { name: uniqueName('p'), desc: '', vm_type: 1, sd_id: 0, service_id, tasks };
  return (await api.ok<{ id: number }>('/pool/create', pool)).id;
}

const nodesOf = (api: ApiClient, pool: number): Promise<Node[]> =>
  api.ok(`/pool/${pool}/list_nodes`, { page_size: 1000 });

/** The nodes of the pool, once so many are ready: the inventory follows what tasks tell a moment later. */
async function readyNodes(api: ApiClient, pool: number, count: number): Promise<Node[]> {
  return waitFor(
    async () => {
      const ready = (await nodesOf(api, pool)).filter(({ status, ip }) => status === 1 && ip !== '-');
      return ready.length === count ? ready : undefined;
    },
    { what: `${count} nodes of the pool are ready`, timeoutMs: 60_000 },
  );
}

/** Starts an operation of the pool and waits for the end of its task. */
async function operate(rig: Rig, path: string, body: object): Promise<TaskInfo> {
  const id = await begin(rig, path, body);
  return rig.fleet.ended(id, TASK_MS);
}

async function begin(rig: Rig, path: string, body: object): Promise<number> {
  const [id] = (await rig.api.done(path, body)).taskIds;
  if (id === undefined) throw new Error(`${path} made no task`);
  return id;
}

t.test(
  'a pool grows, moves to a new image and shrinks behind nginx and HAProxy; no client sees a failed request',
  { skip: onLinux },
  async (t) => {
    const balancers: StartedBalancer[] = [await startTestNginx(), await startTestHaproxy()];
    const running = balancers.flatMap((balancer) => {
      if (!('missing' in balancer)) return [balancer];
      t.comment(balancer.missing);
      return [];
    });
    t.teardown(() => Promise.all(running.map((balancer) => balancer.stop())));
    const rig = await startRig({
      providers: (dataDir) => ({
        vm: { 1: { adapter: 'local', folder: machinesOf(dataDir).folder } },
        sd: Object.fromEntries(running.map(({ entry }, n) => [n + 1, { ...entry, port: SERVICE_PORT }])),
      }),
    });
    t.teardown(() => rig.stop());
    const { api, machines } = rig;
    const pool = await makePool(
      api,
      running.map((_, n) => n + 1),
    );

    const grown = await operate(rig, `/pool/expand/${pool}`, { num: 20 });
    t.match(grown, { state: 2, stat: [0, 0, 20, 0, 0] });
    const nodes = await readyNodes(api, pool, 20);
    t.equal(new Set(nodes.map(({ ip }) => ip)).size, 20);
    t.same(
      new Set(nodes.map(({ vm_id }) => vm_id)),
      new Set((await machines.list()).map(({ vmId }) => vmId)),
    );

    const clients = running.map(({ url }) => startClients(url, 2));
    const moved = await operate(rig, `/pool/deploy/${pool}`, { max_num: 4, tag: 'shop:2' });
    t.match(moved, { state: 2, stat: [0, 0, 20, 0, 0], step_len: 4 });
    const leaving = nodes.slice(0, 10).map(({ ip }) => ip);
    const shrunk = await operate(rig, `/pool/shrink/${pool}`, { nodes: leaving });
    t.match(shrunk, { state: 2, stat: [0, 0, 10, 0, 0] });
    for (const client of clients) {
      const { requests, failures, answers } = await client.stop();
      t.same(failures, [], `${requests} requests`);
      t.ok((answers.get('shop:1') ?? 0) > 0 && (answers.get('shop:2') ?? 0) > 0, 'both images answered');
    }
    await waitFor(async () => (await nodesOf(api, pool)).length === 10, { what: '10 nodes are left' });
    const left = new Set((await nodesOf(api, pool)).map(({ ip }) => ip));
    t.notOk(leaving.some((ip) => left.has(ip)));
    t.equal((await machines.list()).length, 10);
  },
);

t.test(
  'two hundred machines, one for each node, whoever is killed meanwhile',
  { skip: onLinux },
  async (t) => {
    const rig = await startRig({ apart: true, executors: 2, schedulers: 2, fastDatabase: false });
    t.teardown(() => rig.stop());
    const { api, machines, stack } = rig;
    const pool = await makePool(api, []);
    const steps = [{ name: 'create_vm', param_values: {}, retry }];
    const expand = await api.ok<number>('/task_tpl/create', { name: uniqueName('grow'), desc: '', steps });
    await api.ok(`/pool/update/${pool}`, { tasks: { expand } });
    const id = await begin(rig, `/pool/expand/${pool}`, { num: 200 });
    const made = async (): Promise<number> => (await machines.list()).length;
    for (const [count, victims] of [
      [20, ['executor-1', 'scheduler-1']],
      [70, ['executor-2', 'scheduler-2']],
      [120, ['executor-1', 'scheduler-1']],
    ] as const) {
      await waitFor(async () => (await made()) >= count, { what: `${count} machines`, timeoutMs: TASK_MS });
      for (const name of victims) stack.kill(name, 'SIGKILL');
    }
    t.match(await rig.fleet.ended(id, TASK_MS), { state: 2, stat: [0, 0, 200, 0, 0] });
    const nodes = await readyNodes(api, pool, 200);
    t.equal((await nodesOf(api, pool)).length, 200);
    t.equal(new Set(nodes.map(({ ip }) => ip)).size, 200, 'each has an address of its own');
    t.same(
      nodes.map(({ vm_id }) => vm_id).sort(),
      (await machines.list()).map(({ vmId }) => vmId).sort(),
      'each machine is a node’s, and each node has one',
    );
  },
);

t.test('a cloud with faults: each node ends with its own reason, and the rest serves', async (t) => {
  let port = 0;
  const cloud = new CloudServer((number) => `127.77.0.${number}:${port}`);
  const url = await cloud.start();
  t.teardown(() => cloud.stop());
  const rig = await startRig({
    providers: () => ({ vm: { 1: { adapter: 'rest', url, max_concurrent: 3 } } }),
    env: { scheduler: { RIGEL_PROVIDER_TIMEOUT: '20' } },
  });
  t.teardown(() => rig.stop());
  ({ port } = rig.sshd);
  const { api, fleet } = rig;
  const pool = await makePool(api, []);
  const once = { retry_times: 0, ignore_error: false };
  const quick = uniqueName('quick');
  const action = await api.ok<number>('/action/create', { name: quick, desc: '', params: {} });
  const template = { action: { module: 'shell', args: 'true' } };
  await api.ok('/actimpl/create', { type: 'ansible', action_id: action, template });
  await api.ok('/remote_step/create', { name: quick, desc: '', actions: [quick] });
  const expand = await api.ok<number>('/task_tpl/create', {
    name: uniqueName('grow'),
    desc: '',
    steps: [
      { name: 'create_vm', param_values: {}, retry: once },
      { name: quick, param_values: {}, retry: once },
    ],
  });
  await api.ok(`/pool/update/${pool}`, { tasks: { expand } });
  cloud.faults.push('refuse', 'throttle', 'lose', 'slow', 'none', 'repeat', 'no_address', 'fails');

  const id = await begin(rig, `/pool/expand/${pool}`, { num: 12 });
  t.match(await fleet.ended(id, TASK_MS), { state: 3, end_reason: 'partial', stat: [0, 0, 7, 5, 0] });
  const reasons = (await api.detail(id)).flatMap(({ state, steps }) =>
    state === 3 ? [steps.list[0]?.message ?? ''] : [],
  );
  for (const reason of [
    /no capacity left/,
    /is unknown/,
    /delivered no machine/,
    /to have an address/,
    /initialis/,
  ]) {
    t.equal(reasons.filter((text) => reason.test(text)).length, 1, `${reason} in ${reasons.join(' | ')}`);
  }
  t.ok(cloud.mostAtOnce <= 6, 'two executors keep to three calls each');
  await readyNodes(api, pool, 7);
  const nodes = await waitFor(
    async () => {
      const all = await nodesOf(api, pool);
      return all.filter(({ status }) => status === 3).length === 5 ? all : undefined;
    },
    { what: 'the inventory knows of the five that failed' },
  );
  // What was made, and is no node's, is only what nobody was told of.
  const known = new Set(nodes.map(({ vm_id }) => vm_id));
  t.equal([...cloud.machines.keys()].filter((vm) => !known.has(vm)).length, 1);
});
