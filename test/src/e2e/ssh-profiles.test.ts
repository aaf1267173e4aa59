import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Sshd, startSshd } from '@rigel/remote-attempt/testing';
import t from 'tap';
import { loopbackHosts, loopbackNodes, uniqueName } from '../support/fleet.js';
import { startRig } from '../support/rig.js';

t.test('each cluster is reached as its profile says', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rigel-profiles-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const sshd = async (options: Parameters<typeof startSshd>[0]): Promise<Sshd> => {
    const server = await startSshd(options);
    t.teardown(() => server.stop());
    return server;
  };
  // Another user where we are root, who can make accounts.
  const isRoot = process.getuid?.() === 0;
  const west = await sshd({ listenAddress: '0.0.0.0', ...(isRoot ? { loginShell: '/bin/bash' } : {}) });
  const inside = await sshd({ listenAddress: '0.0.0.0' });
  const insideNodes = [1, 2, 3, 4].map((n) => `127.44.0.${n}`);
  // A single connection may be on its way in, as many ways through it as there are nodes.
  const bastion = await sshd({
    extraConfig: `PermitOpen ${insideNodes.map((host) => `${host}:${inside.port}`).join(' ')}\nMaxStartups 1`,
  });
  const outsider = await sshd({});
  const jump = (more: object = {}) => ({
    host: '127.0.0.1',
    port: bastion.port,
    user: bastion.user,
    key: { env: 'BASTION_KEY' },
    host_key: bastion.hostKey,
    ...more,
  });
  const behind = { user: inside.user, port: inside.port, key: { secret: 'inside-key' } };
  const file = join(folder, 'profiles.json');
  await writeFile(join(folder, 'inside-key'), inside.privateKey, { mode: 0o600 });
  const content = {
    clusters: [
      { cluster: 'west', user: west.user, port: west.port, key: { file: west.keyFiles.privateKey } },
      { cluster: 'inside', ...behind, jump: jump(), host_keys: 'accept-new', connect_timeout: 10 },
      { cluster: 'impostor', ...behind, jump: jump({ host_key: outsider.hostKey }) },
      { cluster: 'stranger', ...behind, jump: { ...jump(), host_key: undefined } },
      { cluster: 'no-entry', ...behind, jump: jump({ key: { file: outsider.keyFiles.privateKey } }) },
      // The fifth cluster that is made below.
      { cluster: 6, user: west.user, port: west.port, key: { file: west.keyFiles.privateKey } },
    ],
  };
  await writeFile(file, JSON.stringify(content));
  const rig = await startRig({
    executors: 1,
    env: {
      executor: {
        RIGEL_SSH_PROFILES_FILE: file,
        RIGEL_PROFILE_SECRETS_DIR: folder,
        BASTION_KEY: bastion.privateKey,
        RIGEL_SSH_IDLE: '30',
      },
    },
  });
  t.teardown(() => rig.stop());
  const { api, fleet } = rig;
  const pool = async (cluster: string, nodes: string[]) => {
    const cluster_id = await api.ok<number>('/cluster/create', { name: cluster, desc: '', biz: '1' });
    const service = { name: uniqueName('s'), desc: '', service_type: 'Java', docker_image: '-', cluster_id };
    const { id: service_id } = await api.ok<{ id: number }>('/service/create', service);
    const { id } = await api.ok<{ id: number }>('/pool/create', {
      name: uniqueName('p'),
      desc: '',
      vm_type: 1,
      sd_id: 1,
      service_id,
    });
    await api.ok(`/pool/${id}/add_nodes`, { nodes });
    return cluster_id;
  };
  const template = await fleet.template({ who: { command: 'printf "%s %s" "$(id -un)" "$HOME"' } });
  const said = async (nodes: string[]) => {
    const id = await fleet.startTask(template, nodes);
    await fleet.ended(id);
    return Promise.all(
      (await api.detail(id)).map(async ({ id: runId, steps }) => {
        const [[, text = ''] = []] = await api.nodeLog(runId);
        return steps.list[0]?.message || text;
      }),
    );
  };

  const hosts = loopbackHosts(20, 100);
  const westNodes = hosts.slice(0, 2);
  const plain = loopbackNodes(1, rig.sshd.port, 200);
  await pool('west', westNodes);
  await pool('inside', [...insideNodes, '127.44.0.9']);
  await pool('impostor', ['127.44.0.5']);
  await pool('stranger', ['127.44.0.6']);
  await pool('no-entry', ['127.44.0.7']);
  t.equal(await pool('by-id', hosts.slice(2, 3)), 6);
  await pool('unlisted', plain);

  await t.test('user, port and key, by the name of the cluster or its id; others as before', async (t) => {
    const there = `${west.user} ${west.home}`;
    t.same(await said(westNodes), [there, there]);
    t.same(await said(hosts.slice(2, 3)), [there]);
    t.same(await said(plain), [`${rig.sshd.user} ${rig.sshd.home}`]);
    t.same(await said(westNodes), [there, there], 'over the connections that are kept');
  });

  await t.test('through a jump host, all over one connection to it', async (t) => {
    const there = `${inside.user} ${inside.home}`;
    t.same(await said(insideNodes), [there, there, there, there]);
    const [message = ''] = await said(['127.44.0.9']);
    t.match(
      message,
      new RegExp(`^127.44.0.9:${inside.port}, through jump host 127.0.0.1:${bastion.port}: .*open failed`),
    );
  });

  await t.test('a jump host that is not the known one, is not known, or lets us not in', async (t) => {
    const address = `jump host: .*127.0.0.1:${bastion.port}`;
    t.match(
      (await said(['127.44.0.5']))[0],
      new RegExp(`^jump host: host key of 127.0.0.1:${bastion.port} changed: expected SHA256`),
    );
    t.match(
      (await said(['127.44.0.6']))[0],
      new RegExp(`^${address} is not known .*; that of a jump host has to be$`),
    );
    t.match(
      (await said(['127.44.0.7']))[0],
      new RegExp(`^${address} refused the SSH key for user ${bastion.user}$`),
    );
  });

  await t.test('a jump host that is away', async (t) => {
    await bastion.stop();
    const [message = ''] = await said(insideNodes);
    t.match(message, new RegExp(`^jump host: 127.0.0.1:${bastion.port}: connection refused$`));
  });
});
