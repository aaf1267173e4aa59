import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { addProcess } from '../support/service-process.js';

const NODES = 200;
const SLOTS = 16;
const EXECUTORS = ['executor-1', 'added-1', 'added-2', 'added-3'];
/** The grace period of the manifests. */
const GRACE_MS = 30_000;

t.test('executors go from 1 to 4 to 1 under a task of 200 nodes: each command runs once', async (t) => {
  const rig = await startRig({ executors: 1, env: { executor: { RIGEL_EXECUTOR_SLOTS: String(SLOTS) } } });
  t.teardown(() => rig.stop());
  const nodes = loopbackNodes(NODES, rig.sshd.port);
  await rig.fleet.pool(nodes);
  // Until there is the sign, commands keep the slots of their executors; so the task still runs when the others have come.
  const template = await rig.fleet.template({
    note: {
      command:
        'set -- $SSH_CONNECTION; echo "$3" >> begun; until [ -e go ]; do sleep 0.5; done; sleep 1; echo "$3" >> ran',
    },
  });
  const id = await rig.fleet.startTask(template, nodes, { max_ratio: 100 });
  const addressesIn = async (file: string): Promise<string[]> =>
    (await readFile(join(rig.sshd.home, file), 'utf8')).trim().split('\n').sort();
  const fill = (executors: number) =>
    waitFor(async () => (await addressesIn('begun')).length === executors * SLOTS, {
      what: `the slots of ${executors} executors are taken`,
      timeoutMs: 120_000,
    });
  await fill(1);

  const added = await Promise.all(
    EXECUTORS.slice(1).map((name) => addProcess(rig.specs, 'executor-1', { name })),
  );
  t.teardown(() => added.forEach((executor) => void executor.kill('SIGKILL')));
  await fill(EXECUTORS.length);

  await writeFile(join(rig.sshd.home, 'go'), '');
  const ends = added.map(async (executor) => {
    const exited = once(executor, 'exit', { signal: AbortSignal.timeout(GRACE_MS) });
    executor.kill('SIGTERM');
    return (await exited)[0];
  });
  t.same(await Promise.all(ends), [0, 0, 0], 'drained ones end by themselves in the grace period');

  t.match(await rig.fleet.ended(id, 240_000), { state: 2, stat: [0, 0, NODES, 0, 0] });
  const addresses = nodes.map((node) => node.split(':')[0]).sort();
  t.same(await addressesIn('begun'), addresses, 'each command began once');
  t.same(await addressesIn('ran'), addresses, 'each command ran once');
  const events = await (await rig.api.fetch(`${rig.api.url}/task/${id}/events`)).text();
  const executors = new Set([...events.matchAll(/"executor":"([a-z]+-\d)/g)].map(([, name]) => name));
  t.same([...executors].sort(), [...EXECUTORS].sort(), 'all four worked on it');
});
