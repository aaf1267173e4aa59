import { createServer } from 'node:net';
import { startSshd } from '@rigel/remote-attempt/testing';
import t from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';

t.test('nodes that cannot be worked on say why, and the others go on', async (t) => {
  const rig = await startRig({ env: { scheduler: { RIGEL_RETRY_DELAY: '0' } } });
  t.teardown(() => rig.stop());
  const { api, fleet, sshd } = rig;
  const noShell = await startSshd({ loginShell: '/usr/sbin/nologin' });
  t.teardown(() => noShell.stop());
  const stranger = await startSshd();
  t.teardown(() => stranger.stop());
  let rebuilt = await startSshd();
  t.teardown(() => rebuilt.stop());
  const closed = await closedPort();

  const healthy = loopbackNodes(2, sshd.port, 500);
  const unreachable = `127.0.0.1:${closed}`;
  const refused = `127.0.0.1:${stranger.port}`;
  const template = await fleet.template({ greet: { command: 'echo hello' } });
  const all = [...healthy, unreachable, refused];
  await fleet.pool(all);
  const id = await fleet.startTask(template, all);
  t.match(await fleet.ended(id), { state: 3, end_reason: 'partial', stat: [0, 0, 2, 2, 0] });
  const reasonOf = async (task: number, ip: string): Promise<string | undefined> =>
    (await api.detail(task)).find((run) => run.ip === ip)?.steps.list[0]?.message;
  t.match(await reasonOf(id, unreachable), /refused/i);
  t.match(await reasonOf(id, refused), /key/);

  await t.test('a changed host key is refused', async (t) => {
    // The stranger's key is not accepted by it, so this server lets the rig's key in.
    const node = `127.0.0.1:${rebuilt.port}`;
    await rebuilt.stop();
    rebuilt = await startSshd({ port: rebuilt.port, authorizedKey: sshd.privateKey } as never);
    await fleet.pool([node]);
    const first = await fleet.startTask(template, [node]);
    const ended = await fleet.ended(first);
    t.match(ended, { state: 2 });
    await rebuilt.stop();
    rebuilt = await startSshd({ port: rebuilt.port, authorizedKey: sshd.privateKey } as never);
    const second = await fleet.startTask(template, [node]);
    t.match(await fleet.ended(second), { state: 3, end_reason: 'failed' });
    t.match(await reasonOf(second, node), /host key .*changed/);
  });
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
