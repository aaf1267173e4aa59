import { execFile } from 'node:child_process';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectToNode, type PrivateKeyText } from '@rigel/remote-attempt';
import { startSshd } from '@rigel/remote-attempt/testing';
import { NamedSecrets } from '@rigel/secrets';
import { silentLogger } from '@rigel/testing';
import { pino } from 'pino';
import t from 'tap';
import { sshSettings } from '../testing/provider-runners.js';
import { keyInFile, keyProblem, knownHostsIn } from './key-files.js';
import { SshProfiles } from './profiles.js';

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'rigel-ssh-files-'));
t.teardown(() => rm(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const makeKey = async (name: string): Promise<void> => {
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
};
const certify = async (name: string, ...options: string[]): Promise<void> => {
  await run('ssh-keygen', ['-q', '-s', at('authority'), '-I', 'rigel', ...options, at(`${name}.pub`)]);
};
for (const name of ['authority', 'key', 'other']) await makeKey(name);

t.test('a certificate beside the key is used, and one that was renewed needs no restart', async (t) => {
  const sshd = await startSshd({
    extraConfig: `AuthorizedKeysFile none\nTrustedUserCAKeys ${at('authority.pub')}`,
  });
  t.teardown(() => sshd.stop());
  const profiles = at('profiles.json');
  await certify('other', '-n', sshd.user);
  const other = { file: at('other') };
  await writeFile(
    profiles,
    JSON.stringify({
      default: { user: sshd.user, key: { file: at('key') } },
      clusters: [
        { cluster: 'given', key: other, certificate: { file: at('other-cert.pub') } },
        { cluster: 'secret', key: { secret: 'other' }, certificate: { secret: 'other-cert.pub' } },
      ],
    }),
  );
  const parts = { base: sshSettings, secrets: new NamedSecrets(folder, {}), log: silentLogger };
  const all = await SshProfiles.read(profiles, parts);
  t.teardown(() => all.close());
  const connect = async (cluster: string) => {
    const { connection: settings } = all.of({ id: 1, name: cluster });
    const connection = await connectToNode({ host: '127.0.0.1', port: sshd.port }, settings);
    connection.close();
    return 'in';
  };
  t.equal(await connect('given'), 'in');
  t.equal(await connect('secret'), 'in');
  await t.rejects(connect('standard'), {
    name: 'ConnectFailure',
    message: /refused the SSH key for user [^;]*$/,
  });
  await certify('key', '-n', sshd.user, '-V', '20200101:20200102');
  await t.rejects(connect('standard'), {
    name: 'ConnectFailure',
    message: /its certificate 'rigel' expired at/,
  });
  await certify('key', '-n', sshd.user, '-V', '-1h:+1h');
  t.equal(await connect('standard'), 'in');
});

t.test('a wrong key or certificate is refused at the start, with the reason', async (t) => {
  await certify('other', '-n', 'ann');
  t.equal(await keyProblem(at('other')), undefined);
  const { key } = (await keyInFile(at('other'))()) as Exclude<PrivateKeyText, Buffer | string>;
  await makeKey('wrong');
  await writeFile(at('wrong'), key);
  await run('cp', [at('other-cert.pub'), at('wrong-cert.pub')]);
  t.equal(await keyProblem(at('wrong')), undefined, 'it is the same key');
  await run('cp', [at('authority'), at('wrong')]);
  t.equal(await keyProblem(at('wrong')), 'its certificate is one of another key');
  t.equal(await keyProblem(at('none')), `the file ${at('none')} cannot be read (ENOENT)`);

  const parts = { base: sshSettings, secrets: new NamedSecrets(folder, {}), log: silentLogger };
  const read = async (content: object) => {
    await writeFile(at('profiles.json'), JSON.stringify(content));
    return SshProfiles.read(at('profiles.json'), parts);
  };
  const certificate = { file: at('other-cert.pub') };
  await t.rejects(read({ default: { certificate } }), {
    message: /default\.certificate is given without default\.key$/,
  });
  await t.rejects(read({ default: { key: { file: at('authority') }, certificate } }), {
    message: /default\.key = .* is not a usable private key \(its certificate is one of another key\)$/,
  });
  await t.rejects(read({ default: { key: { file: at('other') }, certificate: 'SECRET' } }), {
    message: /default\.certificate must be .*not shown/,
  });
  const own = await read({
    default: { key: { file: at('other') }, certificate },
    clusters: [{ cluster: 'own', key: { file: at('authority') } }],
  });
  t.ok(own, 'a certificate is one of the key beside it, not of that of a cluster');
});

t.test('a key that others may read is refused, and the message says the way out', async (t) => {
  const file = at('open');
  await makeKey('open');
  t.equal(await keyProblem(file), undefined);
  for (const mode of [0o644, 0o604, 0o601, 0o666]) {
    await chmod(file, mode);
    const shown = `0${mode.toString(8)}`;
    const problem = `others may read the file ${file} (mode ${shown}): chmod 600 it, or set RIGEL_SSH_KEY_PERMISSIONS=any`;
    t.equal(await keyProblem(file), problem);
    await t.rejects(keyInFile(file)(), { message: problem }, 'also when it was opened since the start');
    t.equal(await keyProblem(file, 'any'), undefined);
  }
  const read = async (permissions: 'strict' | 'any') => {
    await writeFile(at('open.json'), JSON.stringify({ default: { key: { file } } }));
    const parts = {
      base: sshSettings,
      secrets: new NamedSecrets(folder, {}),
      permissions,
      log: silentLogger,
    };
    return SshProfiles.read(at('open.json'), parts);
  };
  await t.rejects(read('strict'), { message: /default\.key: others may read the file .*chmod 600/ });
  t.ok(await read('any'));
  // As the volume of a Kubernetes secret with fsGroup has it.
  await chmod(file, 0o440);
  t.equal(await keyProblem(file), undefined, 'for a group of this process');
  if (process.getuid?.() === 0) {
    await chown(file, 0, 54_321);
    t.match(await keyProblem(file), /mode 0440, group 54321, which this process is not in/);
  }
});

t.test('a warning names the lines of known hosts that make no sense', async (t) => {
  await writeFile(at('known_hosts'), 'a comment without its sign\n\n# a comment\n');
  const lines: string[] = [];
  knownHostsIn(
    at('known_hosts'),
    pino({ base: null, timestamp: false }, { write: (line) => lines.push(line) }),
  );
  t.match(lines, [
    /"lines":\[1\],"count":1,"msg":"the executor does not understand some lines of the known hosts/,
  ]);
});
