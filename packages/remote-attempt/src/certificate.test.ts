import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ssh2 from 'ssh2';
import t from 'tap';
import { certificateProblem, readCertificate, readCertificateText } from './certificate.js';
import { type ConnectionSettings, connectToNode } from './connect.js';
import { parseKnownHosts } from './known-hosts.js';
import { readPrivateKey } from './private-key.js';
import { runAttempt } from './run-attempt.js';
import { keyFile, publicKeyOf } from './testing/keys.js';
import { type Sshd, startSshd } from './testing/sshd.js';

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'rigel-certificates-'));
t.teardown(() => rm(folder, { recursive: true }));
// The servers' user has to find what they are told of.
await chmod(folder, 0o755);
const authority = await keyFile(folder, 'authority', 'ed25519');
const stranger = await keyFile(folder, 'stranger', 'ed25519');
const rsaAuthority = await keyFile(folder, 'rsa_authority', 'rsa');
const ecdsaAuthority = await keyFile(folder, 'ecdsa_authority', 'ecdsa', 521);

/** Has ssh-keygen make a certificate. @returns its text. */
async function certify(key: string, by: string, ...options: string[]): Promise<string> {
  await run('ssh-keygen', ['-q', '-s', by, '-I', 'tester', ...options, `${key}.pub`]);
  return readFile(`${key}-cert.pub`, 'utf8');
}

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

type Tap = { teardown: (fn: () => Promise<unknown>) => void };
async function serve(t: Tap, options: Parameters<typeof startSshd>[0]): Promise<Sshd> {
  const sshd = await startSshd(options);
  t.teardown(() => sshd.stop());
  return sshd;
}

/** A server that shows a certificate, with a key of its own type. */
async function certifiedServer(t: Tap, type: 'ed25519' | 'rsa' | 'ecdsa', by: string, ...options: string[]) {
  const place = await mkdtemp(join(folder, 'host-'));
  await chmod(place, 0o755);
  const hostKeyFile = await keyFile(place, 'host_key', type);
  await certify(hostKeyFile, by, '-h', ...options);
  const sshd = await serve(t, {
    hostKeyFile,
    // Its keys are renewed in the middle of a session, with the certificate again.
    extraConfig: `HostCertificate ${hostKeyFile}-cert.pub\nRekeyLimit 32K`,
  });
  return { sshd, target: { host: '127.0.0.1', port: sshd.port } };
}

const trusting = async (file: string, ...lines: string[]) =>
  parseKnownHosts([`@cert-authority * ${await publicKeyOf(file)}`, ...lines].join('\n')).lookup;

for (const [type, by] of [
  ['ed25519', authority],
  ['ed25519', rsaAuthority],
  ['rsa', authority],
  ['rsa', rsaAuthority],
  ['ecdsa', ecdsaAuthority],
] as const) {
  t.test(`a host certificate of a key of type ${type}, of ${by.split('/').at(-1)}`, async (t) => {
    const { sshd, target } = await certifiedServer(t, type, by, '-n', '127.0.0.1', '-V', '-1h:+1h');
    const knownHosts = await trusting(by);
    const connection = await connectToNode(target, settings(sshd, { hostKeyPolicy: 'strict', knownHosts }));
    t.match(connection, { hostKey: sshd.hostKey, hostKeyLearned: false });
    let bytes = 0;
    const outcome = await runAttempt(
      connection,
      { key: 'much', actions: [{ kind: 'command', text: 'head -c 200000 /dev/zero', name: 'much' }] },
      {
        onOutput: ({ data }) => {
          bytes += data.length;
        },
      },
    );
    connection.close();
    t.match(outcome, { kind: 'exited', exitCode: 0 });
    t.equal(bytes, 200_000);
    const pinned = { ...target, pinnedHostKey: await publicKeyOf(stranger) };
    const rebuilt = await connectToNode(pinned, settings(sshd, { knownHosts }));
    t.equal(rebuilt.hostKey, sshd.hostKey, 'it stands above a key that was learned once');
    rebuilt.close();
    await t.rejects(connectToNode(target, settings(sshd, { hostKeyPolicy: 'strict' })), {
      name: 'ConnectFailure',
      kind: 'host_key_unknown',
    });
  });
}

t.test('a host certificate that does not hold', async (t) => {
  const strict = { hostKeyPolicy: 'strict' as const, knownHosts: await trusting(authority) };
  for (const [options, said] of [
    [['-n', 'elsewhere'], /its certificate is for elsewhere, not for 127\.0\.0\.1/],
    [['-n', '127.0.0.1', '-V', '20200101:20200102'], /its certificate expired at 20(19|20)-/],
    [['-n', '127.0.0.1', '-V', '20990101:20990102'], /its certificate is not valid before 209[89]-/],
    [['-n', '127.0.0.1', '-O', 'critical:x=y'], /its certificate has options that are not known: x/],
  ] as const) {
    const { sshd, target } = await certifiedServer(t, 'ed25519', authority, ...options);
    await t.rejects(connectToNode(target, settings(sshd, strict)), {
      kind: 'host_key_unknown',
      message: said,
    });
    const [host] = [`[127.0.0.1]:${sshd.port}`];
    const knownHosts = await trusting(authority, `${host} ${sshd.hostKey}`);
    const connection = await connectToNode(target, settings(sshd, { ...strict, knownHosts }));
    t.notOk(connection.hostKeyLearned, 'its key counts still');
    connection.close();
    const other = await trusting(authority, `${host} ${await publicKeyOf(stranger)}`);
    await t.rejects(connectToNode(target, settings(sshd, { ...strict, knownHosts: other })), {
      kind: 'host_key_changed',
      message: said,
    });
  }
  const { sshd, target } = await certifiedServer(t, 'ed25519', stranger);
  await t.rejects(connectToNode(target, settings(sshd, strict)), {
    kind: 'host_key_unknown',
    message: /its certificate is of an authority that is not known \(SHA256:/,
  });
});

t.test('a server that shows the certificate of another key', async (t) => {
  const file = await keyFile(folder, 'real', 'ed25519');
  const { blob, key } = readCertificateText(await certify(file, authority, '-h', '-n', '127.0.0.1'));
  const knownHosts = await trusting(authority);
  for (const [whose, signer] of [
    ['its own', file],
    ["somebody else's", stranger],
  ] as const) {
    const server = certificateServer(blob, await readFile(signer, 'utf8'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const target = { host: '127.0.0.1', port: (server.address() as { port: number }).port };
    const privateKey = await readFile(stranger);
    const connecting = connectToNode(target, {
      user: 'x',
      privateKey,
      hostKeyPolicy: 'strict',
      knownHosts,
      connectTimeoutMs: 20_000,
      keepaliveIntervalMs: 10_000,
      keepaliveCountMax: 3,
    });
    if (signer === file) {
      const connection = await connecting;
      t.equal(connection.hostKey, key, whose);
      connection.close();
    } else {
      await t.rejects(connecting, {
        name: 'ConnectFailure',
        kind: 'protocol',
        message: /signature verification failed/,
      });
    }
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A server that shows this certificate and signs with this key; ssh2 has to be talked into it. */
function certificateServer(blob: Buffer, signer: string): ssh2.Server {
  const name = 'ssh-ed25519-cert-v01@openssh.com';
  const key = ssh2.utils.parseKey(signer) as ssh2.ParsedKey;
  return new ssh2.Server({ hostKeys: [signer] }, (client) => {
    client.on('error', () => undefined).on('authentication', (context) => context.accept());
    // biome-ignore lint/suspicious/noExplicitAny: its insides, which have no types
    const protocol = (client as any)._protocol;
    const { kex, cs, sc } = protocol._offer.lists;
    const side = ({ cipher, mac, compress }: typeof cs) => ({
      cipher: cipher.array,
      mac: mac.array,
      compress: compress.array,
      lang: [],
    });
    protocol._offer = new protocol._offer.constructor({
      kex: kex.array,
      serverHostKey: [name],
      cs: side(cs),
      sc: side(sc),
    });
    protocol._hostKeys[name] = {
      type: 'ssh-ed25519',
      getPublicSSH: () => {
        protocol._kex.negotiated.serverHostKey = 'ssh-ed25519';
        return blob;
      },
      sign: (data: Buffer) => key.sign(data),
    };
  });
}

t.test('a certificate whose signature is wrong', async (t) => {
  const key = await keyFile(folder, 'forged', 'ed25519');
  const { blob } = readCertificateText(await certify(key, authority, '-h', '-n', 'here'));
  for (const at of [blob.length - 1, blob.indexOf('here')]) {
    const forged = Buffer.from(blob);
    forged[at] = (forged[at] ?? 0) ^ 1;
    t.throws(() => readCertificate(forged), { message: 'the signature of the certificate is wrong' });
  }
  for (const length of [0, 3, 40, 100, blob.length - 1])
    t.throws(() => readCertificate(blob.subarray(0, length)), { message: /the certificate cannot be read/ });
  t.throws(() => readCertificate(Buffer.concat([blob, Buffer.from('x')])), { message: /cannot be read/ });
  t.equal(
    certificateProblem(readCertificate(blob), { kind: 'host', name: 'here', now: Date.now() }),
    undefined,
  );
  t.match(certificateProblem(readCertificate(blob), { kind: 'user', name: 'here', now: 0 }), /one of a host/);
});

t.test('logging in with a certificate', async (t) => {
  const sshd = await serve(t, {
    extraConfig: ['AuthorizedKeysFile none', `TrustedUserCAKeys ${folder}/trusted`, 'MaxAuthTries 6'].join(
      '\n',
    ),
  });
  const all = await Promise.all([authority, rsaAuthority, ecdsaAuthority].map(publicKeyOf));
  await writeFile(join(folder, 'trusted'), `${all.join('\n')}\n`);
  const target = { host: '127.0.0.1', port: sshd.port };
  const connect = async (key: string, certificate: string) => {
    const privateKey = { key: await readFile(key), certificate };
    const connection = await connectToNode(target, settings(sshd, { privateKey }));
    connection.close();
  };
  for (const [type, by] of [
    ['ed25519', authority],
    ['rsa', rsaAuthority],
    ['ecdsa', ecdsaAuthority],
  ] as const) {
    const key = await keyFile(folder, `user_${type}`, type);
    await connect(key, await certify(key, by, '-n', `${sshd.user},other`, '-V', '-1h:+1h'));
    t.pass(`a key of type ${type}`);
  }
  const key = join(folder, 'user_ed25519');
  const refused = `^127\\.0\\.0\\.1:${sshd.port} refused the SSH key for user ${sshd.user}; its certificate 'tester' `;
  for (const [by, options, said] of [
    [authority, ['-n', sshd.user, '-V', '20200101:20200102'], 'expired at 20(19|20)-'],
    [authority, ['-n', sshd.user, '-V', '20990101:20990102'], 'is not valid before 209[89]-'],
    [authority, ['-n', 'ann,bob'], `is for ann, bob, not for ${sshd.user}$`],
    [authority, [], `is for nobody, not for ${sshd.user}$`],
    [stranger, ['-n', sshd.user], '\\(of authority SHA256:.*\\) was refused as well$'],
  ] as const)
    await t.rejects(connect(key, await certify(key, by, ...options)), {
      kind: 'refused_key',
      message: new RegExp(refused + said),
    });
});

t.test('a key with a certificate that a node does not trust still is a key', async (t) => {
  const sshd = await serve(t, {});
  const certificate = await certify(sshd.keyFiles.privateKey, stranger, '-n', 'nobody');
  const privateKey = { key: sshd.privateKey, certificate };
  const connection = await connectToNode(
    { host: '127.0.0.1', port: sshd.port },
    settings(sshd, { privateKey }),
  );
  connection.close();
  t.pass('it logged in');
});

t.test('certificates that do not belong to a key', async (t) => {
  const [mine, theirs] = [
    await keyFile(folder, 'mine', 'ed25519'),
    await keyFile(folder, 'theirs', 'ed25519'),
  ];
  const key = await readFile(mine);
  const read = (certificate: string) => () => readPrivateKey({ key, certificate });
  t.throws(read(await certify(theirs, authority, '-n', 'x')), {
    message: 'its certificate is one of another key',
  });
  t.throws(read(await certify(mine, authority, '-h')), { message: 'its certificate is one of a host' });
  t.throws(read(await readFile(`${mine}.pub`, 'utf8')), { message: 'it is no certificate' });
});
