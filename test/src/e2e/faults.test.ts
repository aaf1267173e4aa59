import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@rigel/testing';
import t, { type Test } from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { type Rig, startRig } from '../support/rig.js';

t.test('real processes, really killed', async (t) => {
  const rig = await startRig({ apart: true, executors: 2, fastDatabase: false });
  t.teardown(() => rig.stop());
  await t.test(
    'kill -9 of the executor in the middle of a step: the command is found again, it ran once',
    (t) => executorKilled(t, rig),
  );
  await t.test('kill -9 of scheduler, NATS and PostgreSQL in the middle of a run: it ends right', (t) =>
    allKilled(t, rig),
  );
  await t.test('the NATS store is deleted in the middle of a run: it ends right', (t) =>
    storeDeleted(t, rig),
  );
  await t.test('an executor that is asked to end hands its runs over', (t) => drained(t, rig));
});

const note = (file: string, seconds: number): string =>
  `set -- $SSH_CONNECTION; echo "$3" >> ${file}; sleep ${seconds}; echo done`;

async function linesOf(rig: Rig, file: string): Promise<string[]> {
  return (await readFile(join(rig.sshd.home, file), 'utf8').catch(() => ''))
    .trim()
    .split('\n')
    .filter(Boolean)
    .sort();
}

const hosts = (nodes: string[]): string[] => nodes.map((node) => node.split(':')[0] ?? '').sort();

async function executorKilled(t: Test, rig: Rig): Promise<void> {
  const { api, fleet, sshd, stack } = rig;
  const nodes = loopbackNodes(4, sshd.port, 100);
  await fleet.pool(nodes);
  const template = await fleet.template({ long: { command: note('killed', 10) } });
  const id = await fleet.startTask(template, nodes);
  await waitFor(async () => (await linesOf(rig, 'killed')).length === 4, { what: 'four commands to run' });
  stack.kill('executor-1', 'SIGKILL');
  stack.kill('executor-2', 'SIGKILL');
  t.match(await fleet.ended(id, 60_000), { state: 2, end_reason: 'completed' });
  t.same(await linesOf(rig, 'killed'), hosts(nodes), 'each command ran once');
  const detail = await api.detail(id);
  t.ok(detail.every(({ steps }) => steps.list[0]?.attempts === 1));
  const [step] = await api.nodeLog(detail[0]?.id ?? 0);
  t.equal(step?.[1], 'done\n', 'the output was collected');
  t.ok((await api.log(id)).some(({ message }) => /taken over by/.test(message)));
}

async function allKilled(t: Test, rig: Rig): Promise<void> {
  const { fleet, sshd, stack } = rig;
  const nodes = loopbackNodes(12, sshd.port, 200);
  await fleet.pool(nodes);
  const template = await fleet.template({
    one: { command: note('all-1', 1) },
    two: { command: note('all-2', 1) },
    three: { command: note('all-3', 1) },
  });
  const id = await fleet.startTask(template, nodes, { max_num: 4 });
  for (const [name, file] of [
    ['scheduler', 'all-1'],
    ['nats', 'all-2'],
    ['postgres', 'all-3'],
  ] as const) {
    await waitFor(async () => (await linesOf(rig, file)).length > 0, {
      what: `${file} begins`,
      timeoutMs: 30_000,
    });
    stack.kill(name, 'SIGKILL');
  }
  const task = await waitFor(
    async () => {
      const answer = await rig.api
        .call<{ state: number; end_reason: string }[]>(`/task/${id}`)
        .catch(() => undefined);
      return answer?.code === 0 && answer.data[0]?.end_reason ? answer.data[0] : undefined;
    },
    { what: 'the task ends', timeoutMs: 120_000 },
  );
  t.match(task, { state: 2, end_reason: 'completed' });
  for (const file of ['all-1', 'all-2', 'all-3'])
    t.same(await linesOf(rig, file), hosts(nodes), `${file}: once each`);
}

async function storeDeleted(t: Test, rig: Rig): Promise<void> {
  const { fleet, sshd, stack, dataDir } = rig;
  const nodes = loopbackNodes(6, sshd.port, 300);
  await fleet.pool(nodes);
  const template = await fleet.template({
    one: { command: note('store-1', 1) },
    two: { command: note('store-2', 0) },
  });
  const id = await fleet.startTask(template, nodes, { max_num: 2 });
  await waitFor(async () => (await linesOf(rig, 'store-1')).length > 0, { what: 'the run begins' });
  // While it runs, and once more for what it has written meanwhile.
  await rm(join(dataDir, 'nats'), { recursive: true, force: true, maxRetries: 20 });
  stack.kill('nats', 'SIGKILL');
  await rm(join(dataDir, 'nats'), { recursive: true, force: true, maxRetries: 20 });
  t.match(await fleet.ended(id, 90_000), { state: 2, end_reason: 'completed' });
  t.same(await linesOf(rig, 'store-1'), hosts(nodes));
  t.same(await linesOf(rig, 'store-2'), hosts(nodes));
}

async function drained(t: Test, rig: Rig): Promise<void> {
  const { fleet, sshd, stack, api } = rig;
  const nodes = loopbackNodes(4, sshd.port, 400);
  await fleet.pool(nodes);
  const template = await fleet.template({ long: { command: note('drained', 3) } });
  const id = await fleet.startTask(template, nodes);
  await waitFor(async () => (await linesOf(rig, 'drained')).length === 4, { what: 'four commands to run' });
  stack.kill('executor-1', 'SIGTERM');
  t.match(await fleet.ended(id), { state: 2 });
  t.same(await linesOf(rig, 'drained'), hosts(nodes));
  t.notOk(
    (await api.log(id)).some(({ message }) => /no heartbeat of/.test(message)),
    'no lease had to expire',
  );
}
