import t from 'tap';
import { loopbackNodes } from '../../support/fleet.js';
import { sharedRig } from '../../support/shared-rig.js';

/* Nodes one after the other, of which some fail: which of them halt a task, and which count as what. */

const rig = await sharedRig('one-system');
const { api, fleet, sshd } = rig;

/** Nobody listens there. */
const DEAD = '127.0.0.1:1';

const states = async (id: number): Promise<number[]> => (await api.detail(id)).map(({ state }) => state);

t.test('a dead first node: within its budget a task goes on, also after a start', async (t) => {
  const nodes = [DEAD, ...loopbackNodes(4, sshd.port, 800)];
  await fleet.pool(nodes);
  const template = await fleet.template({ touch: { command: 'echo ran' } });
  const within = await fleet.startTask(template, nodes, { max_num: 1, max_fail_num: 3 });
  t.match(await fleet.ended(within), { state: 3, end_reason: 'partial', stat: [0, 0, 4, 1, 0], ignored: 0 });

  const halted = await fleet.startTask(template, nodes, { max_num: 1 });
  t.match(await fleet.ended(halted), { end_reason: 'failed', stat: [4, 0, 0, 1, 0] });
  const response = await api.fetch(`${api.url}/task/${halted}/why`);
  t.match(
    ((await response.json()) as { data: { text: string } }).data.text,
    /with a failure budget \(max_fail_num\)/,
  );

  const strict = await fleet.startTask(template, nodes, { max_num: 1, max_fail_num: 0 });
  t.match(await fleet.ended(strict), { end_reason: 'failed', stat: [0, 0, 0, 1, 4] });
  await api.ok(`/task/start/${strict}`);
  t.match(await fleet.ended(strict), { end_reason: 'failed', stat: [0, 0, 0, 1, 4] }, 'a budget of 0 is one');
});

t.test('a node that was never reached is not a success by ignore_error', async (t) => {
  const [alive = ''] = loopbackNodes(1, sshd.port, 820);
  const nodes = [alive, '127.0.0.1:2'];
  await fleet.pool(nodes);
  const template = await fleet.template({
    fails: { command: 'echo tried; exit 3', ignoreError: true, retry: 1 },
    after: { command: 'echo after', ignoreError: true },
  });
  const id = await fleet.startTask(template, nodes);
  t.match(await fleet.ended(id), { state: 3, end_reason: 'partial', stat: [0, 0, 1, 1, 0], ignored: 1 });
  t.same(await states(id), [2, 3]);
  const [passed, dead] = await api.detail(id);
  t.match(passed?.steps.list, [
    { state: 2, attempts: 2, message: 'exit status 3' },
    { state: 2, attempts: 1, message: '' },
  ]);
  t.match(dead?.steps.list, [
    { state: 3, attempts: 2, message: /refused.* \(not ignored: no command ran on the node\)$/ },
  ]);
});

t.test('what a step says of itself is answered as it was given, and is kept by its tasks', async (t) => {
  const [node = ''] = loopbackNodes(1, sshd.port, 830);
  await fleet.pool([node]);
  const options = { timeout: 6, stop_grace: 0 };
  const template = await fleet.template({
    slow: { command: 'exec sleep 600', options: { ...options, reboot: false } },
    other: { command: 'true' },
  });
  const stored = await api.ok<{ steps: Record<string, unknown>[] }>(`/task_tpl/${template}`);
  const [slow, other] = stored.steps;
  t.strictSame(Object.keys(slow ?? {}).sort(), ['name', 'param_values', 'retry', 'stop_grace', 'timeout']);
  t.match(slow, options);
  t.strictSame(Object.keys(other ?? {}).sort(), ['name', 'param_values', 'retry']);
  const id = await fleet.startTask(template, [node]);
  t.match(await fleet.ended(id), { end_reason: 'failed' });
  t.match((await api.detail(id))[0]?.steps.list, [{ message: /took longer than 6 s and was ended/ }]);
  t.match((await api.ok<unknown[]>(`/task/${id}`))[0], { options: stored.steps });
  await t.rejects(
    fleet.template({ wait: { command: 'true', options: { reboot: true, ready_wait: 20, timeout: 10 } } }),
    /ready_wait \(20\) must not be longer than timeout \(10\)/,
  );
});
