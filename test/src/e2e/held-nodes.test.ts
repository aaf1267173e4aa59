import { allowSudo, canAllowSudo } from '@rigel/remote-attempt/testing';
import { waitFor } from '@rigel/testing';
import t, { type Test } from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { type Rig, startRig } from '../support/rig.js';
import { stubbornCommand } from '../support/stubborn-command.js';

/*
 * Commands that withstand being ended, as root processes do: their node stays held, and nothing else begins there, until they
 * are gone or somebody says so.
 */

const HELD = /could not be ended and may still run: .*\(root, (sh|sudo)\)/;

if (!canAllowSudo) t.pass('only root can let an account use sudo', { skip: true });
else
  t.test('nodes that stay held', async (t) => {
    const rig = await startRig({
      env: {
        executor: { RIGEL_STOP_GRACE: '1' },
        scheduler: { RIGEL_RETRY_DELAY: '0.2', RIGEL_REMOTE_TIMEOUT: '6' },
      },
    });
    t.teardown(() => rig.stop());
    t.teardown(await allowSudo(rig.sshd.user));
    await t.test('stop: the node is held, and a person releases it', (t) => stopped(t, rig));
    await t.test('a time limit and retries: never two of them', (t) => outOfTime(t, rig));
    await t.test('a failure that is ignored: the next step does not begin beside it', (t) => ignored(t, rig));
    await t.test('a node that is removed from its pool', (t) => removed(t, rig));
    await t.test('it is seen that nothing is left', (t) => seen(t, rig));
  });

/** A task whose only node runs a command that withstands everything. */
async function begin(
  t: Test,
  { fleet, sshd }: Rig,
  last: number,
  step: { retry?: number; ignoreError?: boolean } = {},
) {
  const nodes = loopbackNodes(1, sshd.port, last);
  const { poolId, nodeIds } = await fleet.pool(nodes);
  const process = stubbornCommand();
  t.teardown(() => process.kill());
  const template = await fleet.template({
    stubborn: { command: process.command, ...step },
    after: { command: 'true' },
  });
  const id = await fleet.startTask(template, nodes);
  await waitFor(() => process.alive().length === 1, { what: 'the root process runs' });
  return { id, nodes, poolId, nodeIds, process };
}

async function isHeld({ api }: Rig, id: number): Promise<void> {
  await waitFor(async () => (await api.log(id)).some(({ message }) => HELD.test(message)), {
    what: 'it is told that the command could not be ended',
    timeoutMs: 60_000,
  });
}

async function stopped(t: Test, rig: Rig): Promise<void> {
  const { api, fleet } = rig;
  const { id, nodes, process } = await begin(t, rig, 120);
  const [run] = await api.detail(id);
  const nsid = run?.id ?? 0;
  const release = (body: object) => api.call(`/task/release_node/${nsid}`, body);
  t.match(await release({ reason: 'too early' }), {
    code: 400,
    msg: /release node fails: .*at work.*nothing to release/,
  });
  await api.ok(`/task/stop/${id}`);
  await isHeld(rig, id);
  const [pid] = process.alive();
  t.ok(pid, 'it is alive');
  t.match((await api.detail(id))[0]?.steps.list[0]?.message, HELD);
  const quick = await fleet.template({ quick: { command: 'true' } });
  t.match(await fleet.createTask(quick, nodes), { code: 400 }, 'no other task gets the node');
  const response = await api.fetch(`${api.url}/task/${id}/why`);
  const { data: why } = (await response.json()) as {
    data: { text: string; chain: { code: string }[] };
  };
  t.match(why.text, HELD);
  t.match(why.text, new RegExp(`\\b${pid} \\(root`));
  t.match(why.text, `POST /task/release_node/${nsid}`);
  t.ok(['node_held_back', 'next_look'].every((code) => why.chain.some((reason) => reason.code === code)));

  for (const reason of [undefined, '', '  ', 'x'.repeat(501)]) {
    t.match(await release({ reason }), { code: 400, msg: /reason/ }, `reason ${reason}`);
  }
  t.match(await api.call('/task/release_node/999999', { reason: 'x' }), {
    code: 400,
    msg: /no node run 999999/,
  });
  t.match(await fleet.createTask(quick, nodes), { code: 400 }, 'a refusal changes nothing');
  t.equal(await api.ok(`/task/release_node/${nsid}`, { reason: 'it is a daemon of ours' }), null);
  t.match(
    (await api.log(id)).map(({ message }) => message).join('\n'),
    /released by .+: it is a daemon of ours/,
  );
  t.match(await release({ reason: 'again' }), { code: 400, msg: /stopped.*nothing to release/ });
  const next = await fleet.startTask(quick, nodes);
  t.match(await fleet.ended(next), { state: 2 });
  t.same(process.alive(), [pid], 'that was nobody elses business');
}

async function outOfTime(t: Test, rig: Rig): Promise<void> {
  const { api, fleet } = rig;
  const { id, nodes, process } = await begin(t, rig, 130, { retry: 3 });
  let most = 0;
  const count = setInterval(() => {
    most = Math.max(most, process.alive().length);
  }, 100);
  t.teardown(() => clearInterval(count));
  t.match(await fleet.ended(id, 90_000), { state: 3, end_reason: 'failed' });
  const [run] = await api.detail(id);
  t.match(run?.steps.list[0], {
    state: 3,
    attempts: 1,
    message: /longer than 6 s; .*could not be ended and may still run/,
  });
  // A person starts it once more, though nothing has changed.
  await api.ok(`/task/start/${id}`);
  t.match(await fleet.ended(id, 90_000), { state: 3 });
  t.equal(most, 1, 'never two at once');
  t.match(await fleet.createTask(await fleet.template({ quick: { command: 'true' } }), nodes), { code: 400 });
}

async function ignored(t: Test, rig: Rig): Promise<void> {
  const { api, fleet } = rig;
  const { id } = await begin(t, rig, 140, { ignoreError: true });
  t.match(await fleet.ended(id, 90_000), { state: 3, end_reason: 'failed' });
  const [run] = await api.detail(id);
  t.equal(run?.steps.list[1], undefined, 'the next step was not begun');
}

async function removed(t: Test, rig: Rig): Promise<void> {
  const { api, fleet } = rig;
  const { id, poolId, nodeIds, nodes } = await begin(t, rig, 150);
  t.match(
    await api.call(`/pool/${poolId}/remove_nodes`, { nodes: nodeIds }),
    { code: 400 },
    'not while its task runs',
  );
  await api.ok(`/task/stop/${id}`);
  await isHeld(rig, id);
  await api.ok(`/pool/${poolId}/remove_nodes`, { nodes: nodeIds });
  t.match(
    (await api.log(id)).map(({ message }) => message).join('\n'),
    /free again: the node was removed from its pool by/,
  );
  await fleet.pool(nodes);
}

async function seen(t: Test, rig: Rig): Promise<void> {
  const { api, fleet } = rig;
  const { id, nodes, process } = await begin(t, rig, 160);
  await api.ok(`/task/stop/${id}`);
  await isHeld(rig, id);
  process.kill();
  const quick = await fleet.template({ quick: { command: 'true' } });
  const next = await waitFor(async () => (await fleet.createTask(quick, nodes)).taskIds[0], {
    what: 'the next look frees the node',
    timeoutMs: 90_000,
  });
  t.match(await fleet.ended(next), { state: 2 });
  t.equal((await api.detail(id))[0]?.steps.list[0]?.message, '');
}
