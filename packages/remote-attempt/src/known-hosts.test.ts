import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { copyFile, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { connectToNode } from './connect.js';
import type { ConnectFailureKind } from './connect-failure.js';
import { knownHostsFile, parseKnownHosts } from './known-hosts.js';
import { keyFile, publicKeyOf } from './testing/keys.js';
import { type Sshd, startSshd } from './testing/sshd.js';

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'rigel-known-hosts-'));
t.teardown(() => rm(folder, { recursive: true }));

// The server has two keys, and a certificate of the first for the names web.example and db-*.example.
const serverKey = await keyFile(folder, 'host_key', 'ed25519');
const serverRsa = await keyFile(folder, 'host_rsa', 'rsa');
const authority = await keyFile(folder, 'authority', 'ed25519');
const stranger = await publicKeyOf(await keyFile(folder, 'stranger', 'ed25519'));
const strangeRsa = await publicKeyOf(await keyFile(folder, 'strange_rsa', 'rsa'));
await run('ssh-keygen', [
  '-q',
  '-s',
  authority,
  '-I',
  'web',
  '-h',
  '-n',
  'web.example,db-*.example',
  `${serverKey}.pub`,
]);
const [ed, rsa, ca] = [
  await publicKeyOf(serverKey),
  await publicKeyOf(serverRsa),
  await publicKeyOf(authority),
];

async function serve(t: Tap, certificate?: string): Promise<Sshd> {
  const extraConfig = [
    `HostKey ${serverRsa}`,
    ...(certificate ? [`HostCertificate ${certificate}`] : []),
  ].join('\n');
  const sshd = await startSshd({ hostKeyFile: serverKey, extraConfig });
  t.teardown(() => sshd.stop());
  return sshd;
}
type Tap = { teardown: (fn: () => Promise<unknown>) => void };

/** What came of it: let in, or why not. */
type Outcome = 'in' | 'unknown' | 'changed' | 'revoked';
type Policy = 'strict' | 'accept-new';

/** OpenSSH's own client, on the same file. Nothing but the way differs from a server with this name at this port. */
async function bySsh(sshd: Sshd, host: string, port: number, file: string, policy: Policy): Promise<Outcome> {
  // It would add what it learns.
  await copyFile(file, `${file}.${policy}`);
  const options = {
    UserKnownHostsFile: `${file}.${policy}`,
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: policy === 'strict' ? 'yes' : 'accept-new',
    BatchMode: 'yes',
    // What comes after the host key costs time and tells nothing.
    PreferredAuthentications: 'none',
    ProxyCommand: `bash -c 'exec 3<>/dev/tcp/127.0.0.1/${sshd.port}; cat <&3 & trap "kill $!" HUP EXIT; cat >&3'`,
  };
  const given = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  try {
    await run('ssh', ['-F', 'none', ...given, '-p', String(port), `${sshd.user}@${host}`, 'true']);
    throw new Error('ssh was let in without a key');
  } catch (error) {
    const { stderr } = error as { stderr: string };
    if (/Permission denied/.test(stderr)) return 'in';
    if (/REVOKED HOST KEY DETECTED/.test(stderr)) return 'revoked';
    if (/IDENTIFICATION HAS CHANGED/.test(stderr)) return 'changed';
    if (/host key is known for/.test(stderr)) return 'unknown';
    throw error;
  }
}

async function byRigel(
  sshd: Sshd,
  host: string,
  port: number,
  file: string,
  policy: Policy,
): Promise<Outcome> {
  const outcomes: Partial<Record<ConnectFailureKind, Outcome>> = {
    host_key_changed: 'changed',
    host_key_unknown: 'unknown',
    host_key_revoked: 'revoked',
  };
  try {
    const connection = await connectToNode(
      { host, port },
      {
        user: sshd.user,
        privateKey: sshd.privateKey,
        hostKeyPolicy: policy,
        knownHosts: knownHostsFile(file).lookup,
        connectTimeoutMs: 20_000,
        keepaliveIntervalMs: 10_000,
        keepaliveCountMax: 3,
        dial: async () => connectSocket(sshd.port, '127.0.0.1'),
      },
    );
    connection.close();
    return 'in';
  } catch (error) {
    const outcome = outcomes[(error as { kind: ConnectFailureKind }).kind];
    if (outcome === undefined) throw error;
    return outcome;
  }
}

function hashed(name: string): string {
  const salt = Buffer.from('0123456789abcdefghij');
  const hash = createHmac('sha1', salt).update(name).digest('base64');
  return `|1|${salt.toString('base64')}|${hash}`;
}

interface Case {
  what: string;
  lines: string[];
  host?: string;
  port?: number;
  strict: Outcome;
  /** Default: as strict, but what is unknown is learned. */
  acceptNew?: Outcome;
  /** Where ssh, told to accept new keys, does otherwise, and why we do not. */
  sshAcceptsNew?: Outcome;
}

const plainCases: Case[] = [
  { what: 'an empty file', lines: [], strict: 'unknown' },
  { what: 'its key', lines: [`web.example ${ed} a comment`], strict: 'in' },
  { what: 'another key', lines: [`web.example ${stranger}`], strict: 'changed' },
  { what: 'another name', lines: [`www.example ${ed}`], strict: 'unknown' },
  { what: 'a comment', lines: [`#web.example ${ed}`], strict: 'unknown' },
  { what: 'letters of another size', host: 'WEB.example', lines: [`web.EXAMPLE ${ed}`], strict: 'in' },
  { what: 'a list', lines: [`10.0.0.7,web.example,x ${ed}`], strict: 'in' },
  { what: 'a pattern with another key', lines: [`*.example ${stranger}`], strict: 'changed' },
  { what: 'a pattern', lines: [`*.example ${ed}`], strict: 'in' },
  { what: 'a pattern that is not met', lines: [`*.examples,?.example ${stranger}`], strict: 'unknown' },
  { what: 'a question mark', lines: [`w?b.exampl? ${ed}`], strict: 'in' },
  { what: 'no regular expression', lines: [`w.b[.]example,.*,web+example ${stranger}`], strict: 'unknown' },
  { what: 'a name that is not meant', lines: [`*.example,!web.example ${stranger}`], strict: 'unknown' },
  { what: 'a name that is not meant, first', lines: [`!web.*,*.example ${ed}`], strict: 'unknown' },
  { what: 'only names that are not meant', lines: [`!www.example ${ed}`], strict: 'unknown' },
  { what: 'one of two lines', lines: [`web.example ${stranger}`, `*.example ${ed}`], strict: 'in' },
  { what: 'a hashed name', lines: [`${hashed('web.example')} ${ed}`], strict: 'in' },
  {
    what: 'another key of a hashed name',
    lines: [`${hashed('web.example')} ${stranger}`],
    strict: 'changed',
  },
  { what: 'another hashed name', lines: [`${hashed('www.example')} ${ed}`], strict: 'unknown' },
  {
    what: 'a hash that is none',
    lines: [`|1|x|y ${stranger}`, `|2|a|b ${stranger}`, `| ${stranger}`],
    strict: 'unknown',
  },
  { what: 'its second key only', lines: [`web.example ${rsa}`], strict: 'in' },
  {
    what: 'its second key and another first one',
    lines: [`web.example ${rsa}`, `web.example ${stranger}`],
    strict: 'changed',
  },
  {
    what: 'its first key and another second one',
    lines: [`web.example ${strangeRsa}`, `web.example ${ed}`],
    strict: 'in',
  },
  { what: 'another key of the other type', lines: [`web.example ${strangeRsa}`], strict: 'changed' },
  { what: 'a port', port: 2222, lines: [`[web.example]:2222 ${ed}`], strict: 'in' },
  { what: 'a port, another key', port: 2222, lines: [`[web.example]:2222 ${stranger}`], strict: 'changed' },
  { what: 'another port', port: 2222, lines: [`[web.example]:2223 ${stranger}`], strict: 'unknown' },
  { what: 'the default port, written down', lines: [`[web.example]:22 ${stranger}`], strict: 'unknown' },
  { what: 'a pattern of ports', port: 2222, lines: [`[*.example]:22?? ${stranger}`], strict: 'changed' },
  {
    what: 'a hashed name with its port',
    port: 2222,
    lines: [`${hashed('[web.example]:2222')} ${stranger}`],
    strict: 'changed',
  },
  {
    what: 'a name without port is not another port',
    port: 2222,
    lines: [`web.example ${stranger}`],
    strict: 'unknown',
  },
  { what: 'but may say that the key is right', port: 2222, lines: [`web.example ${ed}`], strict: 'in' },
  {
    what: 'and does not stand against the one with a port',
    port: 2222,
    lines: [`web.example ${ed}`, `[web.example]:2222 ${stranger}`],
    strict: 'changed',
  },
  { what: 'an IPv6 address', host: '2001:db8::1', lines: [`2001:db8::1 ${stranger}`], strict: 'changed' },
  {
    what: 'an IPv6 address with a port',
    host: '2001:db8::1',
    port: 2222,
    lines: [`[2001:db8::1]:2222 ${stranger}`],
    strict: 'changed',
  },
  { what: 'a revoked key', lines: [`@revoked * ${ed}`], strict: 'revoked', acceptNew: 'revoked' },
  {
    what: 'a revoked key that is known',
    lines: [`web.example ${ed}`, `@revoked *.example ${ed}`],
    strict: 'revoked',
    acceptNew: 'revoked',
  },
  {
    what: 'a key revoked elsewhere',
    lines: [`web.example ${ed}`, `@revoked www.example ${ed}`],
    strict: 'in',
  },
  {
    what: 'another key that is revoked',
    lines: [`web.example ${ed}`, `@revoked * ${stranger}`],
    strict: 'in',
  },
  {
    what: 'a revoked key at a port',
    port: 2222,
    lines: [`@revoked * ${ed}`],
    strict: 'revoked',
    acceptNew: 'revoked',
  },
  {
    what: 'a hashed name whose key is revoked',
    lines: [`@revoked ${hashed('web.example')} ${ed}`],
    strict: 'revoked',
    acceptNew: 'revoked',
  },
  // It shows its warning, and learns the key.
  {
    what: 'a key that is revoked for the name without port',
    port: 2222,
    lines: [`@revoked web.example ${ed}`],
    strict: 'revoked',
    acceptNew: 'revoked',
    sshAcceptsNew: 'in',
  },
  {
    what: 'the same, known by the name with port',
    port: 2222,
    lines: [`[web.example]:2222 ${ed}`, `@revoked web.example ${ed}`],
    strict: 'in',
  },
  { what: 'a marker that there is not', lines: [`@trusted * ${ed}`], strict: 'unknown' },
  { what: 'two markers', lines: [`@cert-authority @revoked * ${ed}`], strict: 'unknown' },
  { what: 'an authority is no key of a host', lines: [`@cert-authority * ${ed}`], strict: 'unknown' },
  { what: 'blanks and tabs', lines: [`  \tweb.example\t ${ed.replace(' ', '\t ')}`], strict: 'in' },
  { what: 'line ends of Windows', lines: ['# x\r', `web.example ${stranger}\r`], strict: 'changed' },
  {
    what: 'wrong lines are passed over',
    lines: [
      'web.example',
      'web.example ssh-ed25519',
      'web.example ssh-ed25519 AAAA',
      `web.example ssh-rsa ${stranger.split(' ')[1]}`,
      `web.example ssh-foo ${stranger.split(' ')[1]}`,
      `web.example no-pty ${stranger}`,
      `web.example ${stranger.slice(0, -8)}`,
      `web.example ${ed}`,
    ],
    strict: 'in',
  },
];

const certifiedCases: Case[] = [
  { what: 'its authority', lines: [`@cert-authority *.example ${ca}`], strict: 'in' },
  {
    what: 'its authority, for its name',
    lines: [`@cert-authority ${hashed('web.example')} ${ca}`],
    strict: 'in',
  },
  {
    what: 'its authority and another key',
    lines: [`web.example ${stranger}`, `@cert-authority *.example ${ca}`],
    strict: 'in',
  },
  { what: 'another authority', lines: [`@cert-authority *.example ${stranger}`], strict: 'unknown' },
  {
    what: 'another authority and its key',
    lines: [`@cert-authority *.example ${stranger}`, `web.example ${ed}`],
    strict: 'in',
  },
  {
    what: 'another authority and another key',
    lines: [`@cert-authority *.example ${stranger}`, `web.example ${strangeRsa}`],
    strict: 'changed',
  },
  { what: 'its authority for other hosts', lines: [`@cert-authority *.elsewhere ${ca}`], strict: 'unknown' },
  {
    what: 'its authority, but not its name',
    host: 'www.example',
    lines: [`@cert-authority *.example ${ca}`],
    strict: 'unknown',
  },
  {
    what: 'a certificate knows no patterns',
    host: 'db-7.example',
    lines: [`@cert-authority *.example ${ca}`],
    strict: 'unknown',
  },
  {
    what: 'its authority, a name that it is not for, and its key',
    host: 'www.example',
    lines: [`@cert-authority *.example ${ca}`, `www.example ${ed}`],
    strict: 'in',
  },
  {
    what: 'its authority at a port',
    port: 2222,
    lines: [`@cert-authority [*.example]:* ${ca}`],
    strict: 'in',
  },
  {
    what: 'its authority for the name without port',
    port: 2222,
    lines: [`@cert-authority *.example ${ca}`],
    strict: 'in',
  },
  {
    what: 'a revoked authority',
    lines: [`@cert-authority * ${ca}`, `@revoked * ${ca}`],
    strict: 'revoked',
    acceptNew: 'revoked',
  },
  {
    what: 'a revoked key with a certificate',
    lines: [`@cert-authority * ${ca}`, `@revoked * ${ed}`],
    strict: 'revoked',
    acceptNew: 'revoked',
  },
  {
    what: 'another revoked authority',
    lines: [`@cert-authority * ${ca}`, `@revoked * ${stranger}`],
    strict: 'in',
  },
  { what: 'no authority at all, and its key', lines: [`web.example ${ed}`], strict: 'in' },
  {
    what: 'an authority of which it has no certificate, and a certificate',
    lines: [`@cert-authority * ${rsa}`, `web.example ${rsa}`],
    strict: 'changed',
  },
];

for (const [name, cases, certificate] of [
  ['a server with two keys', plainCases, undefined],
  ['a server with a certificate', certifiedCases, `${serverKey}-cert.pub`],
] as const) {
  t.test(`known hosts as ssh reads them: ${name}`, async (t) => {
    const sshd = await serve(t, certificate);
    for (const [index, one] of cases.entries()) {
      const { what, lines, host = 'web.example', port = 22, strict } = one;
      const acceptNew = one.acceptNew ?? (strict === 'unknown' ? 'in' : strict);
      const file = join(folder, `known_hosts-${name.length}-${index}`);
      await writeFile(file, `${lines.join('\n')}\n`);
      const bySshNew = one.sshAcceptsNew ?? one.acceptNew;
      const outcomes = await Promise.all([
        byRigel(sshd, host, port, file, 'strict'),
        byRigel(sshd, host, port, file, 'accept-new'),
        bySsh(sshd, host, port, file, 'strict'),
        // What is unknown ssh learns, which needs no looking at each time.
        bySshNew === undefined ? acceptNew : bySsh(sshd, host, port, file, 'accept-new'),
      ]);
      const expected = [strict, acceptNew, strict, bySshNew ?? acceptNew];
      t.same(outcomes, expected, `${what}: strict and accept-new, then the same by ssh`);
    }
  });
}

t.test('which lines are not understood', async (t) => {
  const { wrongLines } = parseKnownHosts(
    ['# a comment', '', `a ${ed}`, 'a b c', `@x a ${ed}`, `|1|x|y ${ed}`].join('\n'),
  );
  t.same(wrongLines, [4, 5, 6]);
});

t.test('a pattern that takes long to match is matched at once', async (t) => {
  const { lookup } = parseKnownHosts(`${'*a'.repeat(200)}* ${ed}`);
  t.same(lookup('a'.repeat(150), 22).keys, []);
});

t.test('a file that changes is read again', async (t) => {
  const file = join(folder, 'changing');
  await writeFile(file, `web.example ${ed}\n`);
  const { lookup } = knownHostsFile(file);
  t.same(lookup('web.example', 22), { keys: [ed], authorities: [], revoked: [] });
  await writeFile(file, `@revoked web.example ${ed}\n`);
  await utimes(file, 1, 1);
  t.same(lookup('web.example', 22), { keys: [], authorities: [], revoked: [ed] });
  await rm(file);
  t.same(lookup('web.example', 22).revoked, [ed], 'one that is gone still counts');
  t.throws(() => knownHostsFile(file), { code: 'ENOENT' });
});
