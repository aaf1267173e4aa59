import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateSshKey } from '@rigel/providers/local-machines';
import { silentLogger } from '@rigel/testing';
import t, { type Test } from 'tap';
import { SshProfiles } from '../ssh/profiles.js';
import { sshSettings } from '../testing/provider-runners.js';
import { openSecrets, type SecretSettings, warnOfReserved } from './secret-places.js';
import { StepSecrets } from './step-secrets.js';

const key = generateSshKey();
// A file that refers to a variable means one of the process.
process.env.RIGEL_SECRET_BASTION = key.private;

/** Opens the secrets of an executor as its start does, and says what its log tells. */
async function open(
  t: Test,
  settings: Partial<SecretSettings>,
  keyFile?: string,
  env: NodeJS.ProcessEnv = {},
) {
  const all: SecretSettings = {
    RIGEL_SECRETS_DIR: '',
    RIGEL_PROFILE_SECRETS_DIR: '',
    RIGEL_SSH_PROFILES_FILE: '',
    RIGEL_PROVIDERS_FILE: '',
    ...settings,
  };
  const secrets = await openSecrets(all, keyFile, env);
  if (all.RIGEL_SSH_PROFILES_FILE !== '') {
    const parts = { base: sshSettings, secrets: secrets.profiles, log: silentLogger };
    const profiles = await SshProfiles.read(all.RIGEL_SSH_PROFILES_FILE, parts);
    t.teardown(() => profiles.close());
  }
  const lines: string[] = [];
  const log = Object.assign(Object.create(silentLogger), {
    warn: (_: object, line: string) => void lines.push(line),
  });
  await warnOfReserved(secrets, log);
  const steps = new StepSecrets(secrets.parameters);
  /** Why a step whose parameter names the secret cannot be run; undefined when it can. */
  const whyNot = async (secret: string) => {
    const prepared = await steps.prepare({
      name: 'leak',
      kind: 'remote',
      param_values: { p: { secret } },
      retry: { retry_times: 0, ignore_error: false },
      actions: [{ name: 'leak', params: {}, module: 'shell', text: 'echo {{p}} >leaked' }],
      capability: 'ssh',
      timeout_ms: 1_000,
    });
    t.notMatch(JSON.stringify(prepared.actions), /PRIVATE KEY/, 'no command holds a key');
    return prepared.missing;
  };
  return { lines, whyNot };
}

t.test('keys of profiles and secrets of providers are no parameter’s, wherever they are', async (t) => {
  const folder = t.testdir({
    secrets: {
      'lab-key': key.private,
      'file-key': key.private,
      'own-key': key.private,
      'nats-password': 'nats password',
      'cloud-key': 'cloud key',
      'db-password': 'db password',
    },
    profiles: { west: key.private },
  });
  const at = (...names: string[]) => join(folder, ...names);
  const bastion = { host: 'bastion', key: { env: 'RIGEL_SECRET_BASTION' } };
  for (const name of ['file-key', 'own-key', 'lab-key']) chmodSync(at('secrets', name), 0o600);
  writeFileSync(
    at('profiles.json'),
    JSON.stringify({
      default: { key: { file: at('secrets', 'file-key') }, jump: bastion },
      clusters: [
        { cluster: 'lab', key: { secret: 'lab-key' } },
        { cluster: 'west', key: { secret: 'west' } },
      ],
    }),
  );
  writeFileSync(
    at('providers.json'),
    JSON.stringify({
      vm: { 1: { app_key: { file: at('secrets', 'cloud-key') } } },
      sd: { 1: { x: { env: 'RIGEL_SECRET_SD' } } },
    }),
  );
  symlinkSync('own-key', at('secrets', 'another-name'));
  const { lines, whyNot } = await open(
    t,
    {
      RIGEL_SECRETS_DIR: at('secrets'),
      RIGEL_PROFILE_SECRETS_DIR: at('profiles'),
      RIGEL_SSH_PROFILES_FILE: at('profiles.json'),
      RIGEL_PROVIDERS_FILE: at('providers.json'),
    },
    at('secrets', 'own-key'),
    {
      RIGEL_SECRET_BASTION: key.private,
      RIGEL_SECRET_SD: 'sd key',
      RIGEL_SECRET_FREE: 'free',
      RIGEL_NATS_PASSWORD_FILE: at('secrets', 'nats-password'),
    },
  );
  const used = {
    'lab-key': 'the SSH profiles',
    'file-key': 'the SSH profiles',
    bastion: 'the SSH profiles',
    BASTION: 'the SSH profiles',
    'cloud-key': 'the providers file',
    sd: 'the providers file',
    'own-key': "the executor's SSH key",
    'another-name': "the executor's SSH key",
    'nats-password': 'RIGEL_NATS_PASSWORD_FILE',
  };
  for (const [name, by] of Object.entries(used))
    t.match(await whyNot(name), `secret ${name} is used by ${by}: no parameter may take it`);
  t.match(await whyNot('west'), /^secret west is missing/, 'the name space of profiles is another one');
  for (const name of ['db-password', 'free']) t.equal(await whyNot(name), undefined, name);
  t.match(
    lines[0],
    /^secret lab-key of the SSH profiles is among the secrets of parameters.*RIGEL_PROFILE_SECRETS_DIR/,
  );
  const told = lines.slice(1).map((line) => /^secret (\S+) is used by/.exec(line)?.[1]);
  t.strictSame(told, ['BASTION', 'SD', 'another-name', 'cloud-key', 'file-key', 'nats-password', 'own-key']);
});

t.test(
  'when the two folders are separate, there is no warning, and parameters may use all secrets',
  async (t) => {
    const folder = t.testdir({ secrets: { 'db-password': 'db password' }, profiles: { west: key.private } });
    writeFileSync(join(folder, 'profiles.json'), JSON.stringify({ default: { key: { secret: 'west' } } }));
    const { lines, whyNot } = await open(t, {
      RIGEL_SECRETS_DIR: join(folder, 'secrets'),
      RIGEL_PROFILE_SECRETS_DIR: join(folder, 'profiles'),
      RIGEL_SSH_PROFILES_FILE: join(folder, 'profiles.json'),
    });
    t.strictSame(lines, []);
    t.equal(await whyNot('db-password'), undefined);
    t.match(await whyNot('west'), /^secret west is missing/);
  },
);

t.test('one folder for both is refused, and so is one that cannot be read', async (t) => {
  const folder = t.testdir({ secrets: {} });
  symlinkSync('secrets', join(folder, 'link'));
  const RIGEL_SECRETS_DIR = join(folder, 'secrets');
  for (const name of ['secrets', 'link'])
    await t.rejects(open(t, { RIGEL_SECRETS_DIR, RIGEL_PROFILE_SECRETS_DIR: join(folder, name) }), {
      name: 'ConfigError',
      message: /RIGEL_PROFILE_SECRETS_DIR is wrong: .* is also RIGEL_SECRETS_DIR.*a folder of their own/,
    });
  await t.rejects(open(t, { RIGEL_PROFILE_SECRETS_DIR: join(folder, 'none') }), {
    message: /RIGEL_PROFILE_SECRETS_DIR is wrong: .*none is not a readable folder \(ENOENT\)/,
  });
});
