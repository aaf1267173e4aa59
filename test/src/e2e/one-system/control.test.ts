import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@rigel/testing';
import t, { type Test } from 'tap';
import { loopbackNodes } from '../../support/fleet.js';
import { commandsAlive } from '../../support/processes.js';
import type { Rig } from '../../support/rig.js';
import { sharedRig } from '../../support/shared-rig.js';

/** A command that no other test on this machine runs. */
const ENDLESS = `sleep 600.${process.pid}`;

t.test('tasks under control', async (t) => {
  const rig = await sharedRig('one-system');
  await t.test('a failing command: retried as configured, partial, start re-runs just that node', (t) =>
    failing(t, rig),
  );
  await t.test('pause lets running commands finish and starts none, start goes on', (t) => pausing(t, rig));
  await t.test('stop ends the commands on the nodes', (t) => stopping(t, rig));
  await t.test('a task that is created with auto 0 waits for its start', (t) => waiting(t, rig));
  await t.test('a client may wait for the end of a task', (t) => waitingForTheEnd(t, rig));
  await t.test('large output on both streams is cut with a mark and blocks nothing', (t) => talking(t, rig));
  await t.test('what cannot run is refused when the task is created', (t) => refusals(t, rig));
});

async function waitingForTheEnd(t: Test, { api, fleet, sshd }: Rig): Promise<void> {
  const nodes = loopbackNodes(2, sshd.port, 1080);
  await fleet.pool(nodes);
  const template = await fleet.template({ nap: { command: 'sleep 2' } });
  const id = await fleet.startTask(template, nodes);
  t.match(await api.task(id, 1), { state: 1, end_reason: '' }, 'the time was up before');
  const begun = Date.now();
  t.match(await api.task(id, 30), { state: 2, end_reason: 'completed', stat: [0, 0, 2, 0, 0] });
  t.ok(Date.now() - begun < 25_000, 'the answer came with the end');
  t.match(await api.call(`/task/${id}?wait=31`), { code: 400, msg: /wait/ });
}

async function failing(t: Test, { api, fleet, sshd }: Rig): Promise<void> {
  const nodes = loopbackNodes(3, sshd.port, 1000);
  await fleet.pool(nodes);
  const bad = nodes[1]?.split(':')[0];
  const template = await fleet.template({
    before: { command: 'set -- $SSH_CONNECTION; echo "$3" >> before-ran' },
    picky: {
      command: `set -- $SSH_CONNECTION; echo "$3" >> picky-ran; [ "$3" != ${bad} ] || [ -e repaired ] || { echo no luck >&2; exit 7; }`,
      retry: 2,
    },
  });
  const id = await fleet.startTask(template, nodes);
  t.match(await fleet.ended(id), { state: 3, end_reason: 'partial', stat: [0, 0, 2, 1, 0] });
  const run = (await api.detail(id))[1];
  if (!run) throw new Error('the run is missing');
  t.match(run, {
    state: 3,
    steps: { num: 2, list: [{ state: 2 }, { state: 3, attempts: 3, message: 'exit status 7' }] },
  });
  const [, picky] = await api.nodeLog(run.id);
  t.equal(picky?.[1].split('no luck').length, 4, 'the output of all three attempts is in the log');
  t.match(picky?.[1], /\[attempt 3 failed: exit status 7\]/);
  const log = await api.log(id);
  t.equal(log.filter(({ message }) => / attempt \d failed .*exit status 7/.test(message)).length, 3);

  await writeFile(join(sshd.home, 'repaired'), '');
  await api.ok(`/task/start/${id}`);
  t.match(await fleet.ended(id), { state: 2, end_reason: 'completed' });
  const ran = async (file: string): Promise<string[]> =>
    (await readFile(join(sshd.home, file), 'utf8'))
      .trim()
      .split('\n')
      .filter((line) => line === bad);
  t.equal((await ran('before-ran')).length, 1, 'the step before was not repeated');
  t.equal((await ran('picky-ran')).length, 4);
  t.match(await api.call(`/task/start/${id}`), { code: 400 });
  t.match(await api.call('/task/start/999999'), { code: 400, msg: 'flow not found id 999999', data: {} });
}

async function pausing(t: Test, { api, fleet, sshd }: Rig): Promise<void> {
  const nodes = loopbackNodes(4, sshd.port, 1010);
  await fleet.pool(nodes);
  const template = await fleet.template({
    slow: {
      command:
        'set -- $SSH_CONNECTION; echo "$3 begin" >> slow; until [ -e go-on ]; do sleep 0.1; done; echo "$3 end" >> slow',
    },
    next: { command: 'set -- $SSH_CONNECTION; echo "$3 next" >> slow' },
  });
  const id = await fleet.startTask(template, nodes, { max_num: 2 });
  const begun = async (): Promise<number> =>
    (await readFile(join(sshd.home, 'slow'), 'utf8')).split('begin').length - 1;
  await waitFor(async () => (await begun()) === 2, { what: 'two commands run' });
  await api.ok(`/task/pause/${id}`);
  t.match(await api.task(id), { state: 4, end_reason: '' });
  t.match(await api.call(`/task/pause/${id}`), { code: 400, msg: /^pause flow \d+ fails:/ });
  await writeFile(join(sshd.home, 'go-on'), '');
  await waitFor(async () => (await api.task(id)).stat[4] === 2, { what: 'the running steps to end' });
  const lines = (await readFile(join(sshd.home, 'slow'), 'utf8')).trim().split('\n');
  t.equal(lines.filter((line) => line.endsWith('end')).length, 2, 'running commands finished');
  t.equal(lines.filter((line) => line.endsWith('next')).length, 0, 'nothing was begun after them');
  await api.ok(`/task/start/${id}`);
  t.match(await fleet.ended(id), { state: 2, end_reason: 'completed' });
  const all = (await readFile(join(sshd.home, 'slow'), 'utf8')).trim().split('\n');
  t.equal(all.length, 12, 'every command ran once');
}

async function stopping(t: Test, { api, fleet, sshd }: Rig): Promise<void> {
  const nodes = loopbackNodes(3, sshd.port, 1020);
  const { poolId } = await fleet.pool(nodes);
  const template = await fleet.template({
    endless: { command: `(${ENDLESS}; true) & ${ENDLESS}; true` },
  });
  const id = await fleet.startTask(template, nodes);
  await waitFor(() => commandsAlive(ENDLESS) === 6, { what: 'six sleeping commands' });
  const held = await api.call(`/pool/${poolId}/remove_nodes`, { nodes: nodes.slice(0, 1) });
  t.match(held, { code: 400 }, 'a node at work cannot be removed');
  t.match(await fleet.createTask(template, nodes.slice(0, 1)), { code: 400 }, 'nor be given to another task');
  await api.ok(`/task/stop/${id}`);
  t.match(await api.task(id), { state: 4, end_reason: 'stopped', stat: [0, 0, 0, 0, 3] });
  await waitFor(() => commandsAlive(ENDLESS) === 0, {
    what: 'the process trees to be gone',
  });
  t.match(await api.call(`/task/stop/${id}`), { code: 400, msg: /^stop flow \d+ fails:/ });
  t.match(await api.call(`/task/start/${id}`), { code: 400 });
  await waitFor(
    async () => {
      const { data } = await api.call<{ state: number }[]>(`/pool/${poolId}/list_nodes`);
      return data.every(({ state }) => state === 4);
    },
    { what: 'the inventory to show the nodes as stopped' },
  );
  await waitFor(async () => (await api.call(`/pool/${poolId}/remove_nodes`, { nodes })).code === 0, {
    what: 'the nodes to be free',
  });
}

async function waiting(t: Test, { api, fleet, sshd }: Rig): Promise<void> {
  const nodes = loopbackNodes(1, sshd.port, 1030);
  await fleet.pool(nodes);
  const template = await fleet.template({ quick: { command: 'true' } });
  const id = await fleet.startTask(template, nodes, { auto: 0 });
  t.match(await api.task(id), { state: 0, stat: [1, 0, 0, 0, 0] });
  await api.ok('/task/start', { id });
  t.match(await fleet.ended(id), { state: 2 });
}

async function talking(t: Test, { api, fleet, sshd }: Rig): Promise<void> {
  const nodes = loopbackNodes(1, sshd.port, 1040);
  await fleet.pool(nodes);
  const noise = `head -c 10485760 /dev/zero | tr '\\0' x`;
  const template = await fleet.template({
    loud: { command: `echo first; ${noise}; ${noise} >&2; echo last >&2` },
  });
  const id = await fleet.startTask(template, nodes);
  t.match(await fleet.ended(id), { state: 2 });
  const [run] = await api.detail(id);
  const [step] = await api.nodeLog(run?.id ?? 0);
  const text = step?.[1] ?? '';
  t.ok(text.startsWith('first\nxxx'), 'the beginning is kept');
  t.ok(text.endsWith('xxxlast\n'), 'and the end');
  t.match(text, /bytes left out/);
  t.ok(text.length < 1_100_000);
}

async function refusals(t: Test, { api, fleet, sshd }: Rig): Promise<void> {
  const nodes = loopbackNodes(1, sshd.port, 1050);
  await fleet.pool(nodes);
  const template = await fleet.template({
    missing: { command: 'echo {{word}}', params: { word: 'string' } },
  });
  const before = (await api.call('/task/list')).query_count;
  t.match(await fleet.createTask(template, nodes), { code: 400, msg: /word has no value/, data: [] });
  t.match(await fleet.createTask(template, ['10.9.9.9'], { params: { word: 'x' } }), {
    code: 400,
    msg: /10\.9\.9\.9/,
  });
  t.match(await fleet.createTask(999_999, nodes, { params: { word: 'x' } }), { code: 400 });
  t.equal((await api.call('/task/list')).query_count, before, 'nothing was created');
}
