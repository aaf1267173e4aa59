import { findFreePort } from '@rigel/local-servers';
import { type SshdOptions, startSshd } from '@rigel/remote-attempt/testing';
import t from 'tap';
import { loopbackNodes } from '../../support/fleet.js';
import { sharedRig } from '../../support/shared-rig.js';

t.test('nodes that cannot be worked on say why, and the others go on', async (t) => {
  const rig = await sharedRig('one-system');
  const { api, fleet, sshd } = rig;
  /** A further server that lets the rig's key in. */
  const server = (options: SshdOptions & { extraConfig?: string } = {}) =>
    startSshd({
      ...options,
      extraConfig: `AuthorizedKeysFile ${sshd.keyFiles.privateKey}.pub\n${options.extraConfig ?? ''}`,
    });
  const reasonOf = async (task: number, ip: string): Promise<string | undefined> =>
    (await api.detail(task)).find((run) => run.ip === ip)?.steps.list[0]?.message;
  const template = await fleet.template({ greet: { command: 'echo hello' } });

  await t.test('unreachable, key refused, no shell: a reason on that node', async (t) => {
    const stranger = await startSshd();
    t.teardown(() => stranger.stop());
    const noShell = await server({ extraConfig: 'ForceCommand /usr/sbin/nologin' });
    t.teardown(() => noShell.stop());
    const healthy = loopbackNodes(2, sshd.port, 500);
    const unreachable = `127.0.0.1:${await findFreePort()}`;
    const keyRefused = `127.0.0.1:${stranger.port}`;
    const withoutShell = `127.0.0.1:${noShell.port}`;
    const nodes = [...healthy, unreachable, keyRefused, withoutShell];
    await fleet.pool(nodes);
    const id = await fleet.startTask(template, nodes);
    t.match(await fleet.ended(id), { state: 3, end_reason: 'partial', stat: [0, 0, 2, 3, 0] });
    t.match(await reasonOf(id, unreachable), /connection refused/i);
    t.match(await reasonOf(id, keyRefused), /refused the SSH key/);
    t.match(await reasonOf(id, withoutShell), /not started.*not available/);
  });

  await t.test('a host key is learned at first sight, and refused when it changes', async (t) => {
    const first = await server();
    const { port } = first;
    const node = `127.0.0.1:${port}`;
    const { poolId, nodeIds } = await fleet.pool([node]);
    t.match(await fleet.ended(await fleet.startTask(template, [node])), { state: 2 });
    await first.stop();
    const rebuilt = await server({ port });
    t.teardown(() => rebuilt.stop());
    const second = await fleet.startTask(template, [node]);
    t.match(await fleet.ended(second), { state: 3, end_reason: 'failed' });
    t.match(await reasonOf(second, node), /host key .*changed/);

    await api.ok(`/pool/${poolId}/remove_nodes`, { nodes: nodeIds });
    await api.ok(`/pool/${poolId}/add_nodes`, { nodes: [node] });
    t.match(
      await fleet.ended(await fleet.startTask(template, [node])),
      { state: 2 },
      'entered anew, it is a new node',
    );
  });
});
