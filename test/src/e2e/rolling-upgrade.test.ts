import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { REPOSITORY_DIR } from '@rigel/local';
import { findFreePort } from '@rigel/local-servers';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { ApiClient } from '../support/api.js';
import { Fleet, loopbackNodes, uniqueName } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { addProcess } from '../support/service-process.js';

const NODES = 40;
const STEPS = ['one', 'two', 'three'];
/** The grace period of the manifests. */
const GRACE_MS = 30_000;
/** A built checkout of the release to upgrade from. Default: this one, so that only the change of processes is tested. */
const FROM = resolve(REPOSITORY_DIR, process.env.RIGEL_UPGRADE_FROM || '.');
/** In the order of docs/deploy.md. */
const ORDER = ['access', 'catalog', 'inventory', 'scheduler', 'executor-1'];

/** Does something again and again until it is stopped; what failed is kept. */
class Load {
  readonly faults: string[] = [];
  rounds = 0;
  private stopped = false;
  private readonly running: Promise<void>;

  constructor(round: () => Promise<void>) {
    this.running = this.run(round);
  }

  /** Resolves when the round under way is done. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  private async run(round: () => Promise<void>): Promise<void> {
    while (!this.stopped) {
      await round().catch((error: unknown) => this.faults.push(String(error)));
      this.rounds++;
      await delay(100);
    }
  }
}

/** Asks a process to end; its exit code. */
async function end(process: ChildProcess): Promise<number | null> {
  const exited = once(process, 'exit', { signal: AbortSignal.timeout(GRACE_MS) });
  process.kill('SIGTERM');
  return (await exited)[0] as number | null;
}

t.test('every service is replaced under load: nothing is lost, no request fails', async (t) => {
  const rig = await startRig({ executors: 1, serversOnly: true });
  t.teardown(() => rig.stop());
  const all: ChildProcess[] = [];
  t.teardown(() => all.forEach((process) => void process.kill('SIGKILL')));
  const start = async (service: string, age: 'old' | 'new', env = {}): Promise<ChildProcess> => {
    const from = age === 'old' ? FROM : REPOSITORY_DIR;
    const process = await addProcess(rig.specs, service, { name: `${age}-${service}`, env, from });
    all.push(process);
    return process;
  };
  const startGateway = async (age: 'old' | 'new') => {
    const port = await findFreePort();
    const process = await start('gateway', age, { RIGEL_HTTP_PORT: String(port) });
    const scheme = rig.ca === undefined ? 'http' : 'https';
    const api = new ApiClient(`${scheme}://127.0.0.1:${port}`, undefined, undefined, rig.ca);
    await waitFor(async () => (await api.fetch(`${api.url}/readyz`)).ok, {
      what: `${age} gateway is ready`,
      timeoutMs: 60_000,
    });
    return { process, api };
  };

  const old = new Map<string, ChildProcess>();
  const starting = ORDER.map(async (service) => old.set(service, await start(service, 'old')));
  // Those that a load balancer has in service; a request goes to the next one.
  let gateways = await Promise.all(['old', 'old'].map(() => startGateway('old')));
  await Promise.all(starting);
  let turn = 0;
  const gateway = (): ApiClient => (gateways[turn++ % gateways.length] as { api: ApiClient }).api;

  const fleet = new Fleet(gateway());
  const nodes = loopbackNodes(NODES, rig.sshd.port);
  await fleet.pool(nodes);
  const template = await fleet.template(
    Object.fromEntries(
      STEPS.map((step) => [step, { command: `set -- $SSH_CONNECTION; echo "$3" >> ${step}; sleep 1` }]),
    ),
  );
  const tasks: number[] = [];
  const deploys = new Load(async () => {
    const id = await new Fleet(gateway()).startTask(template, nodes, { max_num: 20 });
    tasks.push(id);
    await waitFor(async () => (await gateway().task(id)).end_reason !== '', {
      what: `task ${id} ends`,
      timeoutMs: 120_000,
      intervalMs: 100,
    });
  });
  const clusters: string[] = [];
  const edits = new Load(async () => {
    const name = uniqueName('edited');
    await gateway().ok('/cluster/create', { name, desc: '', biz: '1' });
    clusters.push(name);
    await gateway().ok('/task_tpl/list?page_size=1');
  });
  t.teardown(() => Promise.all([deploys.stop(), edits.stop()]));
  await waitFor(() => tasks.length > 0 && clusters.length > 0, { what: 'the load begins' });

  for (const service of ORDER) {
    const before = { tasks: tasks.length, clusters: clusters.length };
    await start(service, 'new');
    t.equal(await end(old.get(service) as ChildProcess), 0, `${service}: the old one ends by itself`);
    await waitFor(() => clusters.length > before.clusters + 3, {
      what: `work goes on with the new ${service}`,
      timeoutMs: 60_000,
    });
  }
  for (const replaced of gateways) {
    const next = await startGateway('new');
    gateways = [...gateways.filter((known) => known !== replaced), next];
    t.equal(await end(replaced.process), 0, 'gateway: the old one ends by itself, once it is out of service');
  }
  const last = tasks.length;
  await waitFor(() => tasks.length > last, { what: 'a task of the new release alone', timeoutMs: 120_000 });
  await Promise.all([deploys.stop(), edits.stop()]);

  t.same(edits.faults, [], `${clusters.length} changes, no request failed`);
  t.same(deploys.faults, [], `${tasks.length} tasks, no request failed`);
  const listed = await gateway().ok<{ name: string }[]>('/cluster/list?page_size=10000');
  const names = new Set(listed.map(({ name }) => name));
  t.same(
    clusters.filter((name) => !names.has(name)),
    [],
    'every change is there',
  );
  for (const id of tasks)
    t.match(await gateway().task(id), { state: 2, stat: [0, 0, NODES, 0, 0] }, `task ${id}`);
  const hosts = nodes.map((node) => node.split(':')[0] ?? '');
  const expected = tasks.flatMap(() => hosts).sort();
  for (const step of STEPS) {
    const ran = (await readFile(join(rig.sshd.home, step), 'utf8')).trim().split('\n').sort();
    t.same(ran, expected, `${step}: each command ran once`);
  }
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(REPOSITORY_DIR, 'deploy', 'cli', 'dist', 'main.js'), 'verify'],
    { encoding: 'utf8', env: { PATH: process.env.PATH, RIGEL_DATA_DIR: rig.dataDir } },
  );
  t.equal(status, 0, stdout);
});
