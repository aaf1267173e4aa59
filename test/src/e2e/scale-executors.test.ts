import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { addProcess } from '../support/service-process.js';

const NODES = 500;
/** The grace period of the manifests. */
const GRACE_MS = 30_000;

t.test('executors go from 1 to 4 to 1 under a task of 500 nodes: each command runs once', async (t) => {
  const rig = await startRig({ executors: 1, env: { executor: { RIGEL_EXECUTOR_SLOTS: '16' } } });
  t.teardown(() => rig.stop());
  const nodes = loopbackNodes(NODES, rig.sshd.port);
  await rig.fleet.pool(nodes);
  const template = await rig.fleet.template({
    note: { command: 'set -- $SSH_CONNECTION; sleep 1; echo "$3" >> ran' },
  });
  const id = await rig.fleet.startTask(template, nodes, { max_ratio: 100 });
  const done = async () => (await rig.api.task(id)).stat[2] ?? 0;
  await waitFor(async () => (await done()) > 0, { what: 'the first nodes are done', timeoutMs: 60_000 });

  const added = await Promise.all(
    ['added-1', 'added-2', 'added-3'].map((name) => addProcess(rig.specs, 'executor-1', { name })),
  );
  t.teardown(() => added.forEach((executor) => void executor.kill('SIGKILL')));
  const before = await done();
  await waitFor(async () => (await done()) > before + 40, {
    what: 'they have all had time to take',
    timeoutMs: 60_000,
  });
  const left = NODES - (await done());
  t.ok(left > 50, `the task still runs: ${left} nodes are not done`);

  const ends = added.map(async (executor) => {
    const exited = once(executor, 'exit', { signal: AbortSignal.timeout(GRACE_MS) });
    executor.kill('SIGTERM');
    return (await exited)[0];
  });
  t.same(await Promise.all(ends), [0, 0, 0], 'drained ones end by themselves in the grace period');

  t.match(await rig.fleet.ended(id, 240_000), { state: 2, stat: [0, 0, NODES, 0, 0] });
  const ran = (await readFile(join(rig.sshd.home, 'ran'), 'utf8')).trim().split('\n').sort();
  t.same(ran, nodes.map((node) => node.split(':')[0]).sort(), 'each command ran once');
  const events = await (await rig.api.fetch(`${rig.api.url}/task/${id}/events`)).text();
  const executors = new Set([...events.matchAll(/"executor":"([a-z]+-\d)/g)].map(([, name]) => name));
  t.same([...executors].sort(), ['added-1', 'added-2', 'added-3', 'executor-1'], 'all four worked on it');
});
