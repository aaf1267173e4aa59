import { waitFor } from '@rigel/testing';
import t, { type Test } from 'tap';
import { loopbackHosts } from '../support/fleet.js';
import { RestartableNode } from '../support/restartable-node.js';
import { startRig } from '../support/rig.js';

/*
 * Steps that restart their node, on nodes that really go down: every process of theirs is killed, and they come back with
 * another boot id.
 */

const rig = await startRig({ apart: true, executors: 2, env: { scheduler: { RIGEL_RETRY_DELAY: '0' } } });
t.teardown(() => rig.stop());
const { api, fleet, sshd, stack } = rig;

const HOSTS = loopbackHosts(20, 700);

interface Case {
  /** What the step runs; the node is told to restart by what `restart(ms)` gives. */
  command: (restart: (downMs: number) => string) => string;
  options?: Record<string, unknown>;
  retry?: number;
}

/** A task of a step that restarts its node, and one after it. */
async function begin(t: Test, { command, options = {}, retry = 2 }: Case) {
  const node = await RestartableNode.start(sshd, HOSTS.pop() ?? '');
  t.teardown(() => node.stop());
  await fleet.pool([node.address]);
  const template = await fleet.template({
    restart: {
      command: command((downMs) => node.restartCommand(downMs)),
      retry,
      options: { reboot: true, ...options },
    },
    after: { command: 'cat /proc/sys/kernel/random/boot_id; echo after' },
  });
  const id = await fleet.startTask(template, [node.address]);
  const steps = async () => (await api.detail(id))[0]?.steps.list ?? [];
  return { node, id, steps, run: async () => (await api.detail(id))[0]?.id ?? 0 };
}

async function succeeds(t: Test, { node, id, steps, run }: Awaited<ReturnType<typeof begin>>) {
  t.match(await fleet.ended(id, 120_000), { state: 2, end_reason: 'completed' });
  t.match(await steps(), [
    { state: 2, attempts: 1, message: '' },
    { state: 2, attempts: 1 },
  ]);
  t.equal(node.restarts, 1, 'it has restarted once');
  const [, after] = await api.nodeLog(await run());
  t.match(after?.[1], /^[0-9a-f-]{36}\nafter\n$/, 'the next step ran on a new connection');
}

async function fails(
  t: Test,
  { id, steps }: Awaited<ReturnType<typeof begin>>,
  message: RegExp,
  attempts = 1,
) {
  t.match(await fleet.ended(id, 120_000), { state: 3, end_reason: 'failed' });
  t.match(await steps(), [{ state: 3, attempts, message }]);
}

/** Why the task waits, once that is for the node to restart. */
function whyItWaits(id: number) {
  return waitFor(
    async () => {
      const response = await api.fetch(`${api.url}/task/${id}/why`);
      const { data } = (await response.json()) as { data: { text: string } };
      return /the node has to restart and answer/.test(data.text) ? data.text : undefined;
    },
    { what: `task ${id} waits for its node to restart`, timeoutMs: 60_000 },
  );
}

t.test('the command succeeds and the node goes down a moment later', async (t) => {
  await succeeds(t, await begin(t, { command: (restart) => `(sleep 1; ${restart(500)}) & echo told` }));
});

t.test('the node goes down in the middle of the command', async (t) => {
  await succeeds(t, await begin(t, { command: (restart) => `${restart(500)}; sleep 600` }));
});

t.test('the command is ended by a signal on the way down', async (t) => {
  await succeeds(t, await begin(t, { command: (restart) => `(sleep 1; ${restart(500)}) & kill -TERM $$` }));
});

t.test('the executors are killed meanwhile: the others find that it has restarted', async (t) => {
  const task = await begin(t, { command: (restart) => `(sleep 1; ${restart(3_000)}) & echo told` });
  t.match(await whyItWaits(task.id), /executor executor-\d.* ← the executor waits: the node has to restart/);
  stack.kill('executor-1', 'SIGKILL');
  stack.kill('executor-2', 'SIGKILL');
  await succeeds(t, task);
});

t.test('a node that does not restart: the reason says so, and an attempt more is made', async (t) => {
  const task = await begin(t, { command: () => 'true', options: { ready_wait: 2 }, retry: 1 });
  await fails(t, task, /^the node has not restarted: \d+ s after the command ended it still answers/, 2);
});

t.test('a command that fails is a failure as any other', async (t) => {
  await fails(t, await begin(t, { command: () => 'exit 3', retry: 0 }), /^exit status 3$/);
});

t.test('a node that does not come back: not restarted again, however many attempts there are', async (t) => {
  const task = await begin(t, {
    command: (restart) => `${restart(600_000)}; exit 0`,
    options: { ready_wait: 10 },
  });
  await whyItWaits(task.id);
  await fails(t, task, /(was told to restart and|ran, and the node) has not come back for \d+ s: .*refused/);
  t.equal(task.node.restarts, 0);
});

t.test('the time limit of the step ends the waiting', async (t) => {
  const task = await begin(t, { command: () => 'true', options: { timeout: 8 }, retry: 0 });
  await fails(t, task, /^the node has not restarted: \d+ s after/);
});

t.test('a pause leaves it to come back, a stop ends the waiting', async (t) => {
  const paused = await begin(t, { command: (restart) => `(sleep 1; ${restart(2_000)}) & echo told` });
  await whyItWaits(paused.id);
  await api.ok(`/task/pause/${paused.id}`);
  await waitFor(async () => (await paused.steps())[0]?.state === 2, {
    what: 'the step ends',
    timeoutMs: 60_000,
  });
  t.match(await paused.steps(), [{ state: 2 }, { state: 4 }], 'the next step waits for a start');
  await api.ok(`/task/start/${paused.id}`);
  await succeeds(t, paused);

  const stopped = await begin(t, { command: () => 'true' });
  await whyItWaits(stopped.id);
  await api.ok(`/task/stop/${stopped.id}`);
  t.match(await fleet.ended(stopped.id), { state: 4, end_reason: 'stopped' });
  const free = await waitFor(
    async () =>
      (await fleet.createTask(await fleet.template({ quick: { command: 'true' } }), [stopped.node.address]))
        .taskIds[0],
    { what: 'the node is free', timeoutMs: 30_000 },
  );
  t.match(await fleet.ended(free), { state: 2 });
});
