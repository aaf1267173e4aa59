import { type AddressInfo, createServer } from 'node:net';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { commandsAlive } from '../support/processes.js';
import { NodeProxy } from '../support/proxy.js';
import { startRig } from '../support/rig.js';

/** A command that no other test on this machine runs. */
const LONG = `sleep 603.${process.pid}`;

t.test(
  'a node that stays away past the time of a step is held until its command has been ended',
  async (t) => {
    const rig = await startRig({ env: { scheduler: { RIGEL_REMOTE_TIMEOUT: '3' } } });
    t.teardown(() => rig.stop());
    const { api, fleet, sshd } = rig;
    const proxy = new NodeProxy(sshd.port);
    await proxy.open();
    t.teardown(() => proxy.cut());
    const nodes = [`127.0.0.1:${proxy.port}`];
    await fleet.pool(nodes);
    const template = await fleet.template({ long: { command: LONG } });
    const quick = await fleet.template({ quick: { command: 'true' } });

    const id = await fleet.startTask(template, nodes);
    await waitFor(() => commandsAlive(LONG) === 1, { what: 'the command runs' });
    await proxy.cut();
    t.match(await fleet.ended(id, 60_000), { state: 3, end_reason: 'failed' });
    const [run] = await api.detail(id);
    t.match(run?.steps.list[0]?.message, /longer than 3 s; the command could not be ended and may still run/);
    t.equal(commandsAlive(LONG), 1);
    t.match(await fleet.createTask(quick, nodes), { code: 400 }, 'the node is still held');

    await proxy.open();
    await waitFor(() => commandsAlive(LONG) === 0, {
      what: 'the command is ended once the node is back',
      timeoutMs: 60_000,
    });
    const next = await waitFor(async () => (await fleet.createTask(quick, nodes)).taskIds[0], {
      what: 'the node is free',
    });
    t.match(await fleet.ended(next), { state: 2 });
  },
);

t.test('a task that is stopped lets go at once of nodes that were never reached', async (t) => {
  const rig = await startRig({ env: { scheduler: { RIGEL_RETRY_DELAY: '600' } } });
  t.teardown(() => rig.stop());
  const { api, fleet } = rig;
  // Nobody listens on the first; the second takes connections and says nothing.
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.teardown(() => silent.close());
  const nodes = ['127.0.0.1:1', `127.0.0.1:${(silent.address() as AddressInfo).port}`];
  await fleet.pool(nodes);
  const template = await fleet.template({ never: { command: 'true', retry: 5 } });
  const id = await fleet.startTask(template, nodes);
  await waitFor(async () => (await api.detail(id))[0]?.steps.list[0]?.message !== '', {
    what: 'the first attempt has failed',
  });
  await api.ok(`/task/stop/${id}`);
  const next = await waitFor(async () => (await fleet.createTask(template, nodes)).taskIds[0], {
    what: 'the nodes are free',
    timeoutMs: 60_000,
  });
  await api.ok(`/task/stop/${next}`);
});
