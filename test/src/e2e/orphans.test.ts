import { generateSshKey } from '@rigel/providers/local-machines';
import { CloudServer } from '@rigel/providers/testing';
import { waitFor } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';
import type { ApiClient } from '../support/api.js';
import { Fleet, loopbackNodes, uniqueName } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';

/*
 * Machines that no node has, found by an executor that asks the real provider of local machines, and a service in the form of
 * the REST adapter, which cannot list.
 */

interface Machine {
  provider: string;
  vm_id: string;
  ip: string;
  made_at: string | null;
  maker: { task_id: number; run_id: number; pool_name: string; state: number } | null;
}

interface Orphans {
  running: { by: string } | null;
  last: { began_at: string; ended_at: string; by: string; reason: string } | null;
  providers: { name: string; outcome: string; machines: number; reason: string }[];
  orphans: Machine[];
  being_made: Machine[];
  unknown: { task_id: number; run_id: number; step: string; vm_type: number; reason: string; at: string }[];
  counts: { orphans: number; being_made: number; unknown: number };
}

const cloud = new CloudServer((number) => `127.0.9.${number}`);
const cloudUrl = await cloud.start();
const rig = await startRig({
  executors: 1,
  fastDatabase: true,
  env: { gateway: { RIGEL_ACCESS: 'on' } },
  providers: (dataDir) => ({
    vm: {
      1: { adapter: 'local', folder: `${dataDir}/machines` },
      2: { adapter: 'rest', url: cloudUrl, call_timeout: 5 },
    },
  }),
});
t.teardown(async () => {
  await rig.stop();
  await cloud.stop();
});
const clientOf = async (role: string): Promise<ApiClient> =>
  rig.client(`Bearer ${(await createToken(rig.stack.databaseUrl, role, role)).token}`);
const [admin, operator, viewer] = [
  await clientOf('admin'),
  await clientOf('operator'),
  await clientOf('viewer'),
];
const database = new pg.Client({ connectionString: rig.stack.databaseUrl });
await database.connect();
t.teardown(() => database.end());

async function look(): Promise<Orphans> {
  t.match(await operator.ok('/orphans/check', {}), { begun: true });
  return waitFor(
    async () => {
      const all = await get();
      return all.running === null ? all : undefined;
    },
    { what: 'the end of the look', timeoutMs: 60_000 },
  );
}
const get = async (): Promise<Orphans> => (await viewer.call<Orphans>('/orphans', undefined, 'GET')).data;
const make = (token: string) =>
  rig.machines.create(token, generateSshKey().public, AbortSignal.timeout(60_000));

t.test('before the first look nothing is known, and a viewer cannot begin one', async (t) => {
  t.match(await get(), {
    running: null,
    last: null,
    orphans: [],
    being_made: [],
    unknown: [],
    counts: { orphans: 0, being_made: 0, unknown: 0 },
  });
  t.equal((await viewer.call('/orphans/check', {})).code, 403);
  t.equal((await get()).last, null);
});

const retry = { retry_times: 0, ignore_error: false };
const fleet = new Fleet(admin);

async function identityOf(task: number): Promise<string> {
  const { rows } = await database.query<{ uuid: string }>(
    `SELECT data->>'uuid' AS uuid FROM scheduler.events WHERE stream = $1 AND version = 1`,
    [`task-${task}`],
  );
  return rows[0]?.uuid ?? '';
}

const createVm = (vm_type_id: number): Promise<number> =>
  admin.ok<number>('/task_tpl/create', {
    name: uniqueName('grow'),
    desc: '',
    steps: [{ name: 'create_vm', param_values: { vm_type_id }, retry }],
  });

t.test('machines are a node’s, being made, or nobody’s, and nothing is deleted', async (t) => {
  const address = loopbackNodes(1, rig.sshd.port);
  const { poolId } = await fleet.pool(address);
  await admin.ok(`/pool/update/${poolId}`, { tasks: { expand: await createVm(1) } });
  const grown = await admin.done(`/pool/expand/${poolId}`, { num: 1 });
  t.equal((await fleet.ended(grown.taskIds[0] ?? 0)).state, 2);
  const [owned] = await rig.machines.list();

  const task = await fleet.startTask(await fleet.template({ wait: { command: 'sleep 300' } }), address);
  const run = (await admin.detail(task))[0]?.id ?? 0;
  const making = await make(`${await identityOf(task)}-r${run}`);
  const stranger = await make('a-task-of-another-system-r1');

  const first = await look();
  t.match(first.last, { by: 'operator', reason: '' });
  t.match(first.providers, [
    { name: 'vm 1 (local)', outcome: 'listed', machines: 3 },
    { name: 'vm 2 (rest)', outcome: 'cannot_list', machines: 0 },
  ]);
  t.match(first.being_made, [
    { provider: 'vm 1 (local)', vm_id: making.vmId, ip: making.address, made_at: /^2\d{3}-.*\.\d{3}Z$/ },
  ]);
  t.match(first.being_made[0]?.maker, { task_id: task, run_id: run, state: 1 });
  t.match(first.orphans, [{ vm_id: stranger.vmId, ip: stranger.address, maker: null }]);
  t.strictSame(first.counts, { orphans: 1, being_made: 1, unknown: 0 });

  await admin.ok(`/task/stop/${task}`);
  await fleet.ended(task);
  const second = await waitFor(
    async () => {
      const all = await look();
      return all.counts.being_made === 0 ? all : undefined;
    },
    { what: 'the end of the command', timeoutMs: 60_000 },
  );
  t.same(
    second.orphans.map(({ vm_id, maker }) => [vm_id, maker?.task_id]),
    [
      [making.vmId, task],
      [stranger.vmId, undefined],
    ],
    'the run of a stopped task makes nothing any more: the machine is nobody’s, oldest first',
  );
  t.same(
    (await rig.machines.list()).map(({ vmId }) => vmId).sort(),
    [owned?.vmId, making.vmId, stranger.vmId].sort(),
    'all machines are there',
  );
});

t.test('a request whose answer is lost is named with its task, without a look', async (t) => {
  cloud.faults.push('lose');
  const address = loopbackNodes(1, rig.sshd.port + 1);
  await fleet.pool(address);
  const task = await fleet.startTask(await createVm(2), address);
  t.equal((await fleet.ended(task)).state, 3);
  const run = (await admin.detail(task))[0]?.id ?? 0;
  const { unknown, counts } = await get();
  t.match(unknown, [
    {
      task_id: task,
      run_id: run,
      step: 'create_vm',
      vm_type: 2,
      reason: /unknown whether the provider made/,
    },
  ]);
  t.equal(counts.unknown, 1);
  t.equal(cloud.machines.size, 1, 'there is one indeed');
});

t.test(
  'a provider that cannot be asked is named, and where no executor has one the look says so',
  async (t) => {
    const plain = await startRig({ executors: 1, fastDatabase: true, providers: () => ({}) });
    t.teardown(() => plain.stop());
    t.match(await plain.api.ok('/orphans/check', {}), { begun: true });
    t.match(await plain.api.ok('/orphans/check', {}), { begun: false }, 'one at a time');
    const { last } = await waitFor(
      async () => {
        const all = (await plain.api.call<Orphans>('/orphans', undefined, 'GET')).data;
        return all.last ? all : undefined;
      },
      { what: 'the end of the look', timeoutMs: 30_000 },
    );
    t.match(last, {
      by: 'tester',
      reason: /^no executor with VM providers answers .* RIGEL_PROVIDERS_FILE$/,
    });
  },
);
