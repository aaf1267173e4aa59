import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { generateSshKey } from '@rigel/providers/local-machines';
import t from 'tap';
import { ConfigError, REPOSITORY_DIR, readLocalConfig, unknownVariables } from './config.js';

t.test('nothing needs to be set', async (t) => {
  const config = readLocalConfig({ PATH: '/bin', RIGEL_HTTP_PORT: '', DATABASE_URL: '' });
  t.strictSame(config, {
    dataDir: join(REPOSITORY_DIR, '.rigel'),
    httpHost: '127.0.0.1',
    httpPort: 8080,
    executors: 2,
    schedulers: 1,
    secured: false,
    databaseUrl: undefined,
    natsUrl: undefined,
    sshUser: undefined,
    sshPort: 22,
    sshKeyFile: undefined,
    sshHostKeys: 'accept-new',
    sshKnownHosts: undefined,
    providersFile: undefined,
    balancerPort: 0,
    logLevel: 'info',
    natsDownloadUrl: undefined,
    natsDownloadSha256: undefined,
    serviceSettings: {},
    secretVariables: {},
  });
});

t.test('every variable is read', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'rigel-config-'));
  t.teardown(() => rm(dir, { recursive: true }));
  const key = generateSshKey();
  const keyFile = join(dir, 'key');
  await writeFile(keyFile, key.private, { mode: 0o600 });
  const providersFile = join(dir, 'providers.json');
  await writeFile(providersFile, '{"vm": {"1": {"adapter": "locl"}}}');
  t.throws(
    () => readLocalConfig({ RIGEL_PROVIDERS_FILE: providersFile }),
    /RIGEL_PROVIDERS_FILE is wrong: .*vm\.1\.adapter = "locl" must be one of local, rest; the nearest is local/,
  );
  await writeFile(providersFile, '{}');
  await writeFile(`${keyFile}.pub`, key.public, { mode: 0o600 });
  t.throws(
    () => readLocalConfig({ RIGEL_SSH_KEY_FILE: `${keyFile}.pub` }),
    /cannot be used: it is a public key/,
  );
  await chmod(keyFile, 0o644);
  t.throws(
    () => readLocalConfig({ RIGEL_SSH_KEY_FILE: keyFile }),
    /RIGEL_SSH_KEY_FILE = .* cannot be used: others may read it \(mode 0644\): chmod 600 it/,
  );
  t.ok(readLocalConfig({ RIGEL_SSH_KEY_FILE: keyFile, RIGEL_SSH_KEY_PERMISSIONS: 'any' }));
  await chmod(keyFile, 0o600);
  const knownHosts = join(dir, 'known_hosts');
  await writeFile(knownHosts, '');
  const profilesFile = join(dir, 'profiles.json');
  await writeFile(profilesFile, '{"default": {"key": {"env": "BASTION_KEY"}}}');
  const config = readLocalConfig({
    RIGEL_SSH_PROFILES_FILE: profilesFile,
    RIGEL_SECRETS_DIR: relative(process.cwd(), dir),
    RIGEL_SECRET_DB_PASSWORD: 'password',
    RIGEL_PROFILE_SECRETS_DIR: relative(process.cwd(), dir),
    RIGEL_PROFILE_SECRET_LAB_KEY: 'lab key',
    BASTION_KEY: 'key',
    OTHER_KEY: 'not handed on',
    RIGEL_DATA_DIR: 'some/data',
    RIGEL_HTTP_HOST: '::1',
    RIGEL_HTTP_PORT: '0',
    RIGEL_EXECUTORS: '3',
    RIGEL_SCHEDULERS: '3',
    DATABASE_URL: 'postgresql://me:secret@db/rigel',
    NATS_URL: 'nats://127.0.0.1:4222',
    RIGEL_SSH_USER: 'deploy',
    RIGEL_SSH_PORT: '2222',
    RIGEL_SSH_KEY_FILE: keyFile,
    RIGEL_SSH_HOST_KEYS: 'strict',
    RIGEL_SSH_KNOWN_HOSTS: relative(process.cwd(), knownHosts),
    RIGEL_PROVIDERS_FILE: providersFile,
    RIGEL_BALANCER_PORT: '8081',
    RIGEL_LOG_LEVEL: 'debug',
    RIGEL_NATS_DOWNLOAD_URL: 'https://mirror/nats',
    RIGEL_NATS_DOWNLOAD_SHA256: 'a'.repeat(64),
    RIGEL_RETRY_DELAY: '0.5',
    RIGEL_EXECUTOR_SLOTS: '7',
    RIGEL_TIME_ZONE: 'Europe/Berlin',
  });
  t.strictSame(config, {
    dataDir: join(process.cwd(), 'some/data'),
    httpHost: '::1',
    httpPort: 0,
    executors: 3,
    schedulers: 3,
    secured: false,
    databaseUrl: 'postgresql://me:secret@db/rigel',
    natsUrl: 'nats://127.0.0.1:4222',
    sshUser: 'deploy',
    sshPort: 2222,
    sshKeyFile: keyFile,
    sshHostKeys: 'strict',
    sshKnownHosts: knownHosts,
    providersFile,
    balancerPort: 8081,
    logLevel: 'debug',
    natsDownloadUrl: 'https://mirror/nats',
    natsDownloadSha256: 'a'.repeat(64),
    serviceSettings: {
      RIGEL_RETRY_DELAY: '0.5',
      RIGEL_EXECUTOR_SLOTS: '7',
      RIGEL_TIME_ZONE: 'Europe/Berlin',
      RIGEL_SECRETS_DIR: dir,
      RIGEL_PROFILE_SECRETS_DIR: dir,
      RIGEL_SSH_PROFILES_FILE: profilesFile,
    },
    secretVariables: {
      RIGEL_SECRET_DB_PASSWORD: 'password',
      RIGEL_PROFILE_SECRET_LAB_KEY: 'lab key',
      BASTION_KEY: 'key',
    },
  });
});

t.test('a wrong value is one line that names it', async (t) => {
  const message = (env: NodeJS.ProcessEnv): string => {
    try {
      readLocalConfig(env);
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
    return 'accepted';
  };
  const cases: [string, string, string][] = [
    ['RIGEL_TIME_ZONE', 'Mars/X', 'RIGEL_TIME_ZONE = Mars/X is wrong: expected an IANA time zone'],
    ['RIGEL_RETRY_DELAY', 'soon', 'RIGEL_RETRY_DELAY = soon is wrong: expected a number from 0 to 3600'],
    ['RIGEL_HTTP_PORT', '80a', 'RIGEL_HTTP_PORT = 80a is wrong: expected a whole number from 0 to 65535'],
    ['RIGEL_HTTP_PORT', '65536', 'RIGEL_HTTP_PORT = 65536 is wrong: expected a whole number from 0 to 65535'],
    ['RIGEL_HTTP_PORT', '-1', 'RIGEL_HTTP_PORT = -1 is wrong: expected a whole number from 0 to 65535'],
    [
      'RIGEL_HTTP_HOST',
      '0.0.0.0',
      'RIGEL_HTTP_HOST = 0.0.0.0 can be reached from other machines: set RIGEL_ACCESS=on, so that requests need a token',
    ],
    ['RIGEL_HTTP_HOST', 'a b', 'RIGEL_HTTP_HOST = a b is wrong: expected a host name or IP address'],
    ['RIGEL_EXECUTORS', '65', 'RIGEL_EXECUTORS = 65 is wrong: expected a whole number from 1 to 64'],
    ['RIGEL_EXECUTORS', '1.5', 'RIGEL_EXECUTORS = 1.5 is wrong: expected a whole number from 1 to 64'],
    ['RIGEL_SCHEDULERS', '0', 'RIGEL_SCHEDULERS = 0 is wrong: expected a whole number from 1 to 16'],
    ['RIGEL_SSH_HOST_KEYS', 'no', 'RIGEL_SSH_HOST_KEYS = no is wrong: expected accept-new or strict'],
    [
      'RIGEL_SSH_KEY_FILE',
      '/no/key',
      'RIGEL_SSH_KEY_FILE = /no/key is wrong: expected a file that can be read',
    ],
    ['RIGEL_SSH_USER', 'a"\\\nb', 'RIGEL_SSH_USER = a???b is wrong: expected a user name without blanks'],
    [
      'DATABASE_URL',
      'mysql://a:secret@b',
      'DATABASE_URL (value not shown) is wrong: expected postgres://user:password@host:port/database',
    ],
    ['NATS_URL', 'secret@host', 'NATS_URL (value not shown) is wrong: expected nats://host:port'],
  ];
  for (const [name, value, expected] of cases) t.equal(message({ [name]: value }), expected);
  t.equal(
    message({ RIGEL_SSH_PORT: 'x', RIGEL_LOG_LEVEL: 'loud' }),
    'RIGEL_SSH_PORT = x is wrong: expected a whole number from 1 to 65535; ' +
      'RIGEL_LOG_LEVEL = loud is wrong: expected one of trace, debug, info, warn, error, fatal',
  );
});

t.test('a mistyped name is told with the one that was probably meant', async (t) => {
  t.strictSame(
    unknownVariables({
      RIGEL_HTTP_PROT: '1',
      RIGEL_SSH_KEY: 'x',
      RIGEL_EXECUTORS: '1',
      RIGEL_TEST_SECURED: '1',
      OTHER: 'x',
    }),
    [
      'RIGEL_HTTP_PROT is not a known variable and is ignored; the nearest known one is RIGEL_HTTP_PORT',
      'RIGEL_SSH_KEY is not a known variable and is ignored; the nearest known one is RIGEL_SSH_KEY_FILE',
    ],
  );
});
