import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSshKey } from '@rigel/providers/local-machines';
import t from 'tap';
import { REPOSITORY_DIR, readLocalConfig } from './config.js';
import { stackServices, systemEnvironment } from './stack-services.js';

const addresses = {
  databaseUrl: 'postgres://rigel:secret@127.0.0.1:20000/postgres',
  natsUrl: 'nats://127.0.0.1:20001',
  httpUrl: 'http://127.0.0.1:20002',
  httpPort: 20002,
};

const keyFolder = mkdtempSync(join(tmpdir(), 'rigel-key-'));
t.teardown(() => rmSync(keyFolder, { recursive: true }));
const keyFile = join(keyFolder, 'id_ed25519');
const knownHosts = join(keyFolder, 'known_hosts');
writeFileSync(knownHosts, '');
writeFileSync(keyFile, generateSshKey().private, { mode: 0o600 });

t.test('each service is a process with what it needs and nothing more', async (t) => {
  const config = readLocalConfig({
    RIGEL_DATA_DIR: '/data',
    RIGEL_SSH_USER: 'deploy',
    RIGEL_SSH_KEY_FILE: keyFile,
    RIGEL_SSH_KNOWN_HOSTS: knownHosts,
    RIGEL_LOG_LEVEL: 'warn',
  });
  const services = stackServices(config, addresses);
  t.strictSame(services.map(({ name, stopStage }) => [stopStage, name]).sort(), [
    [1, 'gateway'],
    [2, 'executor-1'],
    [2, 'executor-2'],
    [3, 'scheduler'],
    [4, 'access'],
    [4, 'catalog'],
    [4, 'inventory'],
  ]);
  const common = {
    NODE_COMPILE_CACHE: join(REPOSITORY_DIR, 'node_modules', '.cache', 'rigel', 'compiled'),
    ...systemEnvironment(process.env),
    NATS_URL: addresses.natsUrl,
    RIGEL_LOG_LEVEL: 'warn',
  };
  const database = { ...common, DATABASE_URL: addresses.databaseUrl };
  const expected: Record<string, Record<string, string>> = {
    access: { ...database, RIGEL_SERVICE_NAME: 'access' },
    inventory: { ...database, RIGEL_SERVICE_NAME: 'inventory', RIGEL_SSH_PORT: '22' },
    catalog: { ...database, RIGEL_SERVICE_NAME: 'catalog' },
    scheduler: { ...database, RIGEL_SERVICE_NAME: 'scheduler' },
    gateway: {
      ...common,
      RIGEL_SERVICE_NAME: 'gateway',
      RIGEL_HTTP_HOST: '127.0.0.1',
      RIGEL_HTTP_PORT: '20002',
    },
    'executor-2': {
      ...common,
      RIGEL_SERVICE_NAME: 'executor-2',
      RIGEL_DATA_DIR: '/data',
      RIGEL_SSH_USER: 'deploy',
      RIGEL_SSH_PORT: '22',
      RIGEL_SSH_KEY_FILE: keyFile,
      RIGEL_SSH_HOST_KEYS: 'accept-new',
      RIGEL_SSH_KNOWN_HOSTS: knownHosts,
    },
  };
  for (const [name, env] of Object.entries(expected)) {
    const service = services.find((service) => service.name === name);
    t.strictSame(service?.env, env, name);
    t.equal(service?.command, process.execPath);
    t.strictSame(service?.args, [
      join(REPOSITORY_DIR, 'services', name.replace(/-\d$/, ''), 'dist', 'main.js'),
    ]);
  }
  t.strictSame(
    services
      .filter(({ readiness }) => readiness !== undefined)
      .map(({ name, readiness }) => [name, readiness]),
    [['gateway', { url: 'http://127.0.0.1:20002/readyz' }]],
  );
});

t.test('the numbers of executors and schedulers can be chosen', async (t) => {
  const names = (env: NodeJS.ProcessEnv) =>
    stackServices(readLocalConfig(env), addresses).map(({ name }) => name);
  t.strictSame(names({ RIGEL_EXECUTORS: '1', RIGEL_SCHEDULERS: '2' }), [
    'access',
    'catalog',
    'inventory',
    'scheduler-1',
    'scheduler-2',
    'executor-1',
    'gateway',
  ]);
  t.equal(names({ RIGEL_EXECUTORS: '64' }).length, 69);
});

t.test('of our environment only what describes the system is passed on', async (t) => {
  const env = {
    PATH: '/bin',
    HOME: '/h',
    LC_ALL: 'C',
    AWS_SECRET_ACCESS_KEY: 'x',
    RIGEL_HTTP_PORT: '1',
    PGPASSWORD: 'x',
  };
  t.strictSame(systemEnvironment(env), { PATH: '/bin', HOME: '/h', LC_ALL: 'C' });
});
