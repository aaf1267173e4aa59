import { createServer, type Server, type Socket } from 'node:net';
import ssh2 from 'ssh2';
import t from 'tap';
import { type ConnectionSettings, connectToNode } from './connect.js';
import { hostKeyFingerprint } from './host-keys.js';
import { NOTHING_KNOWN, parseKnownHosts } from './known-hosts.js';
import { runAttempt } from './run-attempt.js';
import { generateSshKey } from './ssh-key.js';
import { type Sshd, startSshd } from './testing/sshd.js';

const sshd = await startSshd();
t.teardown(() => sshd.stop());

function settings(sshd: Sshd, more: Partial<ConnectionSettings> = {}): ConnectionSettings {
  return {
    user: sshd.user,
    privateKey: sshd.privateKey,
    hostKeyPolicy: 'accept-new',
    connectTimeoutMs: 20_000,
    keepaliveIntervalMs: 10_000,
    keepaliveCountMax: 3,
    ...more,
  };
}

/** A server that speaks no SSH. */
async function listen(t: Tap, onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}
type Tap = { teardown: (fn: () => Promise<unknown>) => void };

const target = { host: '127.0.0.1', port: sshd.port };
const address = `127.0.0.1:${sshd.port}`;
const otherKey = `ssh-ed25519 ${Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0 '.padEnd(51, 'x'), 'latin1').toString('base64')}`;

t.test('a first connection learns the host key, and a later one expects it', async (t) => {
  const first = await connectToNode(target, settings(sshd));
  t.match(first, { host: '127.0.0.1', port: sshd.port, hostKey: sshd.hostKey, hostKeyLearned: true });
  first.close();
  t.type(await first.closed, 'string');
  const second = await connectToNode({ ...target, pinnedHostKey: first.hostKey }, settings(sshd));
  t.match(second, { hostKey: sshd.hostKey, hostKeyLearned: false });
  second.close();
});

t.test('a host key that changed is refused, by whatever it was known', async (t) => {
  const expected = {
    name: 'ConnectFailure',
    kind: 'host_key_changed',
    message:
      `host key of ${address} changed: expected ${hostKeyFingerprint(otherKey)}, got ` +
      `${hostKeyFingerprint(sshd.hostKey)}; if the machine was rebuilt, remove the node and add it again`,
  };
  await t.rejects(connectToNode({ ...target, pinnedHostKey: otherKey }, settings(sshd)), expected);
  const knownHosts = () => ({ ...NOTHING_KNOWN, keys: [otherKey] });
  await t.rejects(connectToNode(target, settings(sshd, { knownHosts })), expected);
});

t.test('known_hosts decides, and strict accepts nothing else', async (t) => {
  const { lookup: knownHosts } = parseKnownHosts(`[127.0.0.1]:${sshd.port} ${sshd.hostKey} a comment\n`);
  const known = await connectToNode(target, settings(sshd, { knownHosts, hostKeyPolicy: 'strict' }));
  t.match(known, { hostKeyLearned: false });
  known.close();
  await t.rejects(connectToNode(target, settings(sshd, { hostKeyPolicy: 'strict' })), {
    kind: 'host_key_unknown',
    message: `host key of ${address} is not known (${hostKeyFingerprint(sshd.hostKey)}) and the host key policy is strict`,
  });
});

t.test('the key type that is known is the one that is asked for', async (t) => {
  const rsa = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 });
  const ed25519 = generateSshKey();
  const server = new ssh2.Server({ hostKeys: [ed25519.private, rsa.private] }, (client) => {
    client.on('error', () => undefined).on('authentication', (context) => context.accept());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as { port: number };
  const pinnedHostKey = rsa.public.split(' ').slice(0, 2).join(' ');
  const connection = await connectToNode({ host: '127.0.0.1', port, pinnedHostKey }, settings(sshd));
  t.equal(connection.hostKey, pinnedHostKey);
  connection.close();
});

t.test('a key that the node refuses', async (t) => {
  const { private: privateKey } = generateSshKey();
  await t.rejects(connectToNode(target, settings(sshd, { privateKey })), {
    name: 'ConnectFailure',
    kind: 'refused_key',
    message: `${address} refused the SSH key for user ${sshd.user}`,
  });
  await t.rejects(connectToNode(target, settings(sshd, { privateKey: 'no key' })), {
    kind: 'protocol',
    message: /^the SSH private key cannot be used: /,
  });
  await t.rejects(connectToNode(target, settings(sshd, { privateKey: sshd.hostKey })), {
    kind: 'protocol',
    message: /it is a public key/,
  });
});

t.test('no server at the address', async (t) => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const { port: free } = closed.address() as { port: number };
  await new Promise((resolve) => closed.close(resolve));
  await t.rejects(connectToNode({ host: '127.0.0.1', port: free }, settings(sshd)), {
    name: 'ConnectFailure',
    kind: 'unreachable',
    message: `127.0.0.1:${free}: connection refused`,
  });
  await t.rejects(connectToNode({ host: 'no-such-host.invalid', port: 22 }, settings(sshd)), {
    kind: 'unreachable',
    message: /^no-such-host\.invalid:22: the host name cannot be resolved/,
  });
});

t.test('a server that is not an SSH server', async (t) => {
  const silent = await listen(t, () => undefined);
  await t.rejects(
    connectToNode({ host: '127.0.0.1', port: silent }, settings(sshd, { connectTimeoutMs: 200 })),
    {
      kind: 'timeout',
      message: `127.0.0.1:${silent}: no answer in 0.2 s: connected, but the SSH handshake did not finish`,
    },
  );
  const rude = await listen(t, (socket) => socket.destroy());
  await t.rejects(connectToNode({ host: '127.0.0.1', port: rude }, settings(sshd)), {
    name: 'ConnectFailure',
    kind: 'turned_away',
    message: /: (the server closed the connection before the SSH handshake|the connection was reset)$/,
  });
  const web = await listen(t, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await t.rejects(connectToNode({ host: '127.0.0.1', port: web }, settings(sshd)), {
    name: 'ConnectFailure',
    kind: 'protocol',
    message: `127.0.0.1:${web}: it is no SSH server: HTTP/1.1 400 Bad Request`,
  });
  const garbage = await listen(t, (socket) => socket.end(`SSH-2.0-x\r\n${'\x01'.repeat(500)}`));
  await t.rejects(connectToNode({ host: '127.0.0.1', port: garbage }, settings(sshd)), {
    name: 'ConnectFailure',
    kind: 'protocol',
  });
});

t.test('an abort ends the attempt to connect at once', async (t) => {
  let gone: () => void = () => undefined;
  const disconnected = new Promise<void>((resolve) => {
    gone = resolve;
  });
  let seen: () => void = () => undefined;
  const connected = new Promise<void>((resolve) => {
    seen = resolve;
  });
  const port = await listen(t, (socket) => {
    socket.resume();
    socket.once('close', () => gone());
    seen();
  });
  const controller = new AbortController();
  const connecting = connectToNode({ host: '127.0.0.1', port }, settings(sshd), controller.signal);
  const rejected = t.rejects(connecting, { message: 'not needed any more' });
  await connected;
  controller.abort(new Error('not needed any more'));
  await rejected;
  await disconnected;
  await t.rejects(connectToNode(target, settings(sshd), controller.signal), {
    message: 'not needed any more',
  });
});

t.test('a node that stops answering is noticed', async (t) => {
  const own = await startSshd();
  t.teardown(() => own.stop());
  const connection = await connectToNode(
    { host: '127.0.0.1', port: own.port },
    settings(own, { keepaliveIntervalMs: 50, keepaliveCountMax: 2 }),
  );
  const running = runAttempt(
    connection,
    // The command stops the server's processes of this connection, as a node does that hangs.
    {
      key: 'hang',
      actions: [
        {
          kind: 'command',
          text: 'kill -STOP $(cat /proc/$PPID/stat | cut -d " " -f 4); sleep 600',
          name: 'hang',
        },
      ],
    },
    { onOutput: () => undefined },
  );
  await t.rejects(running, { name: 'ConnectionLost', message: /was lost: Keepalive timeout/ });
  t.equal(await connection.closed, 'Keepalive timeout');
});

t.test('servers that offer only what was usual eight years ago', async (t) => {
  const old = await startSshd({
    extraConfig: [
      'KexAlgorithms diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha256',
      'Ciphers aes128-ctr,aes256-ctr',
      'MACs hmac-sha1,hmac-sha2-256',
    ].join('\n'),
  });
  t.teardown(() => old.stop());
  const connection = await connectToNode({ host: '127.0.0.1', port: old.port }, settings(old));
  const spec = { key: 'old', actions: [{ kind: 'command' as const, text: 'true', name: 'try' }] };
  t.match(await runAttempt(connection, spec, { onOutput: () => undefined }), { kind: 'exited', exitCode: 0 });
  connection.close();
});
