/* What is weak is refused, and the message says the way out, on real servers that offer nothing else. */
import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { type AlgorithmSet, LEGACY_HINT, offeredAlgorithms } from './algorithms.js';
import { connectToNode } from './connect.js';
import { startHostileNode } from './testing/hostile-node.js';
import { type SshdOptions, startSshd } from './testing/sshd.js';

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'rigel-algorithms-'));
t.teardown(() => rm(folder, { recursive: true }));

async function rsaKey(name: string, bits: number): Promise<string> {
  const file = join(folder, name);
  await run('ssh-keygen', ['-q', '-t', 'rsa', '-b', String(bits), '-N', '', '-f', file]);
  return file;
}

type Tap = { teardown: (fn: () => Promise<unknown> | unknown) => void };

/** Connects; the type of the server's host key, or the message that says why not. */
async function reach(
  port: number,
  user: string,
  privateKey: string,
  algorithms?: AlgorithmSet,
): Promise<string> {
  try {
    const connection = await connectToNode(
      { host: '127.0.0.1', port },
      {
        user,
        privateKey,
        hostKeyPolicy: 'accept-new',
        connectTimeoutMs: 20_000,
        keepaliveIntervalMs: 10_000,
        keepaliveCountMax: 3,
        ...(algorithms ? { algorithms } : {}),
      },
    );
    connection.close();
    return connection.hostKey.split(' ')[0] ?? '';
  } catch (error) {
    return (error as Error).message;
  }
}

async function serve(t: Tap, options: SshdOptions) {
  const sshd = await startSshd(options);
  t.teardown(() => sshd.stop());
  return {
    sshd,
    connect: (algorithms?: AlgorithmSet, privateKey = sshd.privateKey) =>
      reach(sshd.port, sshd.user, privateKey, algorithms),
  };
}

t.test('nothing by SHA-1 or in CBC is offered', async (t) => {
  const names = Object.values(offeredAlgorithms([])).flat().join(' ');
  t.notMatch(names, /sha1|cbc|md5|dss|arcfour|(^| )ssh-rsa/);
  t.match(names, /curve25519-sha256 .*aes128-gcm@openssh\.com .*hmac-sha2-256-etm@openssh\.com/);
  t.match(
    Object.values(offeredAlgorithms([], 'legacy')).flat().join(' '),
    /ssh-rsa .*group14-sha1 .*aes128-cbc .*hmac-sha1/,
  );
});

for (const [what, config, offers] of [
  ['key exchange algorithm', 'KexAlgorithms diffie-hellman-group14-sha1', 'diffie-hellman-group14-sha1'],
  ['C->S cipher', 'Ciphers aes128-cbc,aes256-cbc', 'aes128-cbc, aes256-cbc'],
  ['C->S MAC', 'Ciphers aes128-ctr\nMACs hmac-sha1', 'hmac-sha1'],
] as const) {
  t.test(`a server that has only ${offers} is refused, and says what it has`, async (t) => {
    const { sshd, connect } = await serve(t, { extraConfig: config });
    t.equal(
      await connect(),
      `127.0.0.1:${sshd.port}: the SSH handshake failed: no matching ${what}: the server offers only ${offers}; ${LEGACY_HINT}`,
    );
    t.equal(await connect('legacy'), 'ssh-ed25519');
  });
}

t.test('a host key that signs by SHA-1, or is too short, is refused', async (t) => {
  const long = await serve(t, {
    hostKeyFile: await rsaKey('host_key', 2_048),
    extraConfig: 'HostKeyAlgorithms ssh-rsa',
  });
  t.match(
    await long.connect(),
    `no matching host key format: the server offers only ssh-rsa; ${LEGACY_HINT}`,
  );
  t.equal(await long.connect('legacy'), 'ssh-rsa');
  await rm(join(folder, 'host_key'));
  const short = await serve(t, { hostKeyFile: await rsaKey('host_key', 1_024) });
  t.match(
    await short.connect(),
    `its host key is of no use: it is an RSA key of 1024 bits, and 2048 are the least`,
  );
  t.equal(await short.connect('legacy'), 'ssh-rsa');
});

t.test('a login key is not used to sign by SHA-1, and is long enough', async (t) => {
  const { sshd, connect } = await serve(t, {});
  const keys: string[] = [];
  for (const bits of [2_048, 1_024]) {
    const file = await rsaKey(`login-${bits}`, bits);
    await appendFile(`${sshd.keyFiles.privateKey}.pub`, await readFile(`${file}.pub`, 'utf8'));
    keys.push(await readFile(file, 'utf8'));
  }
  const [good, short] = keys;
  t.equal(await connect('modern', good), 'ssh-ed25519', 'where the server takes better');
  t.match(
    await connect('modern', short),
    'the SSH private key cannot be used: it is an RSA key of 1024 bits',
  );
  t.equal(await connect('legacy', short), 'ssh-ed25519');

  // A server of before OpenSSH 7.2 does not say which signatures it takes.
  const old = await startHostileNode({ answer: () => undefined, sayNoSignatures: true });
  t.teardown(() => old.stop());
  t.equal(
    await reach(old.port, 'somebody', good ?? '', 'modern'),
    `127.0.0.1:${old.port} takes signatures of RSA keys by SHA-1 only; a key of ed25519 or ECDSA needs none; ${LEGACY_HINT}`,
  );
  t.equal(await reach(old.port, 'somebody', good ?? '', 'legacy'), 'ssh-ed25519');
});
