import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateSshKey } from '@rigel/providers/local-machines';
import { NamedSecrets } from '@rigel/secrets';
import { silentLogger } from '@rigel/testing';
import t from 'tap';
import { sshSettings } from '../testing/provider-runners.js';
import { SshProfiles } from './profiles.js';

const key = generateSshKey();
const folder = t.testdir({
  key: key.private,
  'key.pub': key.public,
  known_hosts: '',
  'lab-key': key.private,
});
const at = (name: string): string => join(folder, name);
for (const name of ['key', 'key.pub', 'lab-key']) chmodSync(at(name), 0o600);
const parts = { base: sshSettings, secrets: new NamedSecrets(folder, {}), log: silentLogger };

async function read(content: unknown): Promise<SshProfiles> {
  const file = at('profiles.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return SshProfiles.read(file, parts);
}

t.test('a profile names the folders for attempts that the home folder cannot take', async (t) => {
  const base = sshSettings.connection.attemptFolders;
  const profiles = await read({
    default: { attempts_folder: '/var/spool/rigel' },
    clusters: [
      { cluster: 'lab', attempts_in_memory: true },
      { cluster: 7, attempts_folder: null, attempts_in_memory: false },
    ],
  });
  const of = (id: number, name: string) => profiles.of({ id, name }).connection.attemptFolders;
  t.same(profiles.of(undefined).connection.attemptFolders, {
    folder: '/var/spool/rigel',
    memory: base?.memory ?? false,
  });
  t.same(of(1, 'lab'), { folder: '/var/spool/rigel', memory: true });
  t.same(of(7, 'x'), { folder: undefined, memory: false });
  for (const [folder, why] of [
    ['var', 'must be an absolute path'],
    ['/var/my folder', 'must be an absolute path'],
    ['/var/../etc', 'must not contain . or ..'],
    ['/', 'must be an absolute path'],
  ] as const) {
    await t.rejects(read({ default: { attempts_folder: folder } }), {
      message: `default.attempts_folder = "${folder}" ${why}`,
    });
  }
  await t.rejects(read({ default: { attempts_in_memory: 'yes' } }), {
    message: 'attempts_in_memory = "yes"',
  });
});

t.test('keys that a profile leaves out come from the default profile, then from the settings', async (t) => {
  const profiles = await read({
    default: { user: 'ops', port: 2200, jump: { host: 'bastion', key: { file: at('key') } } },
    clusters: [
      { cluster: 'lab', port: 2222, key: { secret: 'lab-key' }, connect_timeout: 2.5, jump: null },
      { cluster: 7, user: 'seven', host_keys: 'strict', keepalive_interval: 1, keepalive_count: 2 },
    ],
  });
  const standard = profiles.of(undefined);
  t.match(standard, {
    defaultPort: 2200,
    connection: { user: 'ops', privateKey: sshSettings.connection.privateKey },
  });
  t.type(standard.connection.dial, 'function');
  t.equal(profiles.of({ id: 1, name: 'elsewhere' }), standard);
  const lab = profiles.of({ id: 1, name: 'lab' });
  t.match(lab, { defaultPort: 2222, connection: { user: 'ops', connectTimeoutMs: 2_500 } });
  t.equal(await (lab.connection.privateKey as () => Promise<string>)(), key.private.trimEnd());
  t.notOk(lab.connection.dial);
  const seven = profiles.of({ id: 7, name: 'lab' });
  t.match(seven, {
    defaultPort: 2200,
    connection: { user: 'seven', hostKeyPolicy: 'strict', keepaliveIntervalMs: 1_000, keepaliveCountMax: 2 },
  });
  t.equal(profiles.of({ id: 7, name: 'renamed' }), seven, 'the id goes before the name');
});

t.test('the message of a wrong file names the place and the value', async (t) => {
  const lab = (values: object): object => ({ clusters: [{ cluster: 'lab', ...values }] });
  for (const [content, message] of [
    ['{"default": ', /^\/.*profiles\.json: is not JSON/],
    ['[]', /must be an object with the keys default and clusters/],
    [{ defaults: {} }, /defaults is not a known key; the nearest known one is default$/],
    [{ clusters: {} }, /clusters = {} must be a list/],
    [{ clusters: ['lab'] }, /clusters\[0\] = "lab" must be an object/],
    [{ clusters: [{ user: 'x' }] }, /clusters\[0\]\.cluster is missing/],
    [
      { clusters: [{ cluster: 'a' }, { cluster: 'a' }] },
      /clusters\[1\]\.cluster = "a" already has a profile/,
    ],
    [lab({ usr: 'x' }), /clusters\[0\]\.usr is not a known key; the nearest known one is user$/],
    [lab({ user: 'a b' }), /clusters\[0\]\.user = "a b" is wrong/],
    [lab({ port: 0 }), /clusters\[0\]\.port = 0 is wrong/],
    [lab({ host_keys: 'never' }), /clusters\[0\]\.host_keys = "never" is wrong: .*: accept-new, strict$/],
    [lab({ connect_timeout: 0 }), /clusters\[0\]\.connect_timeout = 0 is wrong/],
    [lab({ known_hosts: '/nowhere' }), /clusters\[0\]\.known_hosts = "\/nowhere" cannot be read \(ENOENT\)/],
    [lab({ key: 'PRIVATE' }), /clusters\[0\]\.key must be {"file".*\(its value is not shown\)$/],
    [lab({ key: { file: '/nowhere' } }), /clusters\[0\]\.key: the file \/nowhere cannot be read/],
    [
      lab({ key: { env: 'NO_SUCH_KEY' } }),
      /clusters\[0\]\.key: the environment variable NO_SUCH_KEY is not set/,
    ],
    [lab({ key: { secret: 'none' } }), /clusters\[0\]\.key: secret none is missing/],
    [
      lab({ key: { file: at('key.pub') } }),
      /clusters\[0\]\.key = {"file":.* is not a usable private key \(it is a public key\)$/,
    ],
    [lab({ jump: { port: 22 } }), /clusters\[0\]\.jump\.host is missing/],
    [
      lab({ jump: { host: 'b', hostkey: 'x' } }),
      /clusters\[0\]\.jump\.hostkey is not a known key; .* host_key$/,
    ],
    [
      lab({ jump: { host: 'b', host_key: 'SHA256:abc' } }),
      /clusters\[0\]\.jump\.host_key = "SHA256:abc" is wrong/,
    ],
    [{ default: { jump: { host: 'b', key: 'PRIVATE' } } }, /default\.jump\.key must be .*not shown/],
  ] as const) {
    const error = await read(content).then(
      () => undefined,
      (reason: Error) => reason,
    );
    t.match(error?.message ?? 'nothing is wrong', message);
    t.equal(error?.name, 'SshProfilesError');
    t.notMatch(error?.message, /PRIVATE/);
  }
  await t.rejects(SshProfiles.read('/nowhere.json', parts), {
    message: '/nowhere.json: cannot be read (ENOENT)',
  });
});
