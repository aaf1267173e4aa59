import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { connectToNode } from './connect.js';
import { privateKeyProblem, publicKeyOf } from './private-key.js';
import { keyFile } from './testing/keys.js';
import { startSshd } from './testing/sshd.js';

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'rigel-keys-'));
t.teardown(() => rm(folder, { recursive: true }));
const PASSPHRASE = 'correct horse';

const keys: { what: string; text: string; encrypted: string[] }[] = [];
for (const [type, bits] of [
  ['ed25519', undefined],
  ['rsa', 2048],
  ['ecdsa', 256],
  ['ecdsa', 384],
  ['ecdsa', 521],
] as const) {
  const name = `${type}${bits ?? ''}`;
  const file = await keyFile(folder, name, type, bits);
  for (const format of type === 'ed25519' ? ['OPENSSH'] : ['OPENSSH', 'PEM', 'PKCS8']) {
    const copy = `${file}.${format}`;
    await copyFile(file, copy);
    const convert = async (from: string, to: string) => {
      const as = format === 'OPENSSH' ? [] : ['-m', format];
      await run('ssh-keygen', ['-q', '-p', ...as, '-P', from, '-N', to, '-f', copy]);
      return readFile(copy, 'utf8');
    };
    const encrypted = [await convert('', PASSPHRASE)];
    keys.push({ what: `${name} as ${format}`, text: await convert(PASSPHRASE, ''), encrypted });
  }
}
const { privateKey: ed25519 } = generateKeyPairSync('ed25519');
keys.push({
  what: 'ed25519 as PKCS8',
  text: ed25519.export({ type: 'pkcs8', format: 'pem' }).toString(),
  encrypted: [
    ed25519
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE })
      .toString(),
  ],
});

t.test('keys of every type and format log in', async (t) => {
  const sshd = await startSshd();
  t.teardown(() => sshd.stop());
  for (const { what, text } of keys) {
    for (const form of [text, text.replaceAll('\n', '\r\n'), `\n${text}\n\n`]) {
      t.equal(privateKeyProblem(form), undefined, what);
      t.equal(privateKeyProblem(Buffer.from(form)), undefined, what);
    }
    await writeFile(`${sshd.keyFiles.privateKey}.pub`, `${publicKeyOf(text)}\n`);
    const connection = await connectToNode(
      { host: '127.0.0.1', port: sshd.port },
      {
        user: sshd.user,
        privateKey: text,
        hostKeyPolicy: 'accept-new',
        connectTimeoutMs: 20_000,
        keepaliveIntervalMs: 10_000,
        keepaliveCountMax: 3,
      },
    );
    connection.close();
    t.pass(what);
  }
});

t.test('the public key is the one that ssh-keygen finds', async (t) => {
  for (const { what, text } of keys.slice(0, -1)) {
    const file = join(folder, 'one');
    await writeFile(file, text, { mode: 0o600 });
    const { stdout } = await run('ssh-keygen', ['-y', '-f', file]);
    t.equal(publicKeyOf(text), stdout.trim().split(' ').slice(0, 2).join(' '), what);
  }
});

t.test('a key with a passphrase is refused, with the way out', async (t) => {
  for (const { what, encrypted } of keys)
    for (const text of encrypted)
      t.match(
        privateKeyProblem(text),
        /^it is encrypted with a passphrase; .*`ssh-keygen -p -N '' -f <copy>` writes it/,
        what,
      );
});

t.test('the message about an unusable key gives the reason and no part of the key', async (t) => {
  const pkcs8 = (text: string) => `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----\n`;
  const { privateKey: x25519 } = generateKeyPairSync('x25519');
  const { privateKey: dsa } = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 });
  const { privateKey: curve } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  const { publicKey } = generateKeyPairSync('ed25519');
  const pem = (key: typeof dsa) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
  for (const [text, message] of [
    ['', /Unsupported key format; ed25519, ECDSA/],
    ['SECRET', /Unsupported key format/],
    [pkcs8('SECRET'), /it cannot be read as PKCS#8; /],
    [pem(x25519), /it is one of type x25519; ed25519, ECDSA .* and RSA keys are supported/],
    [pem(dsa), /it is one of type dsa; /],
    [pem(curve), /./],
    [publicKey.export({ type: 'spki', format: 'pem' }).toString(), /^it is a public key$/],
    [await readFile(join(folder, 'ed25519.pub'), 'utf8'), /^it is a public key$/],
    ['PuTTY-User-Key-File-3: ssh-ed25519\nSECRET', /in the format of PuTTY; `puttygen/],
  ] as const) {
    const problem = privateKeyProblem(text) ?? 'nothing is wrong';
    t.match(problem, message);
    t.notMatch(problem, /SECRET|nothing is wrong/);
    t.notMatch(problem, /\n/);
  }
});
