import { join } from 'node:path';
import {
  accessSettings,
  databaseSettings,
  type EventOwner,
  executorSettings,
  gatewaySettings,
  natsSettings,
  type Participant,
  runtimeRole,
  schedulerSettings,
  tracingSettings,
  verificationSettings,
} from '@rigel/contracts';
import { type LocalConfig, REPOSITORY_DIR } from './config.js';
import type { ExecutorProviders } from './local-providers.js';
import type { CommandSpec } from './process-spec.js';
import { serviceDatabaseUrl } from './secured/database-roles.js';
import type { NatsUsers, Secured } from './secured/secured-folder.js';

/** Where the parts of a stack find each other. */
export interface StackAddresses {
  databaseUrl: string;
  natsUrl: string;
  /** Address for clients, without a slash at the end. */
  httpUrl: string;
  /** Port that the gateway is to listen on. */
  httpPort: number;
  /** What executors get beside the configuration; see `prepareProviders`. */
  providers?: ExecutorProviders;
  /** The users of NATS; absent if `NATS_URL` names a server that is not ours. */
  natsUsers?: NatsUsers;
  /** Present when all connections are encrypted and every part logs in to the database as itself; see `prepareSecured`. */
  secured?: Secured;
}

/** The order of stopping: a process that asks is stopped before the processes that answer it. */
export const STOP_STAGE = { gateway: 1, executor: 2, nginx: 3, scheduler: 3, data: 4, nats: 5, postgres: 6 };

/** Where Node keeps what it has compiled, from 22.1 on (20 does not look), so that each next start of a service takes less. */
const COMPILE_CACHE_DIR = join(REPOSITORY_DIR, 'node_modules', '.cache', 'rigel', 'compiled');

/**
 * The services of a stack: access, catalog, inventory, the schedulers, the executors, the gateway.
 *
 * Each gets the settings that it needs and nothing more: only services that own data get the address of the database, and only
 * executors the way to log in to nodes.
 */
export function stackServices(config: LocalConfig, addresses: StackAddresses): CommandSpec[] {
  const { secured } = addresses;
  const service = (
    name: Participant,
    processName: string,
    stopStage: number,
    env: Record<string, string>,
  ): CommandSpec => ({
    name: processName,
    stopStage,
    command: process.execPath,
    args: [join(REPOSITORY_DIR, 'services', name, 'dist', 'main.js')],
    cwd: REPOSITORY_DIR,
    env: {
      NODE_COMPILE_CACHE: COMPILE_CACHE_DIR,
      ...systemEnvironment(process.env),
      NATS_URL: addresses.natsUrl,
      ...natsAccess(name, config, addresses),
      RIGEL_SERVICE_NAME: processName,
      RIGEL_LOG_LEVEL: config.logLevel,
      ...given(config, tracingSettings),
      ...env,
    },
  });
  const database = (schema: EventOwner) => ({
    ...databaseAccess(schema, config, addresses),
    ...given(config, verificationSettings),
  });
  const services = [
    service('access', 'access', STOP_STAGE.data, { ...database('access'), ...given(config, accessSettings) }),
    service('catalog', 'catalog', STOP_STAGE.data, database('catalog')),
    service('inventory', 'inventory', STOP_STAGE.data, {
      ...database('inventory'),
      RIGEL_SSH_PORT: String(config.sshPort),
    }),
    ...numbered('scheduler', config.schedulers, config.schedulers === 1).map((name) =>
      service('scheduler', name, STOP_STAGE.scheduler, {
        ...database('scheduler'),
        ...given(config, schedulerSettings),
      }),
    ),
    ...numbered('executor', config.executors, false).map((name) =>
      service('executor', name, STOP_STAGE.executor, executorEnvironment(config, addresses.providers)),
    ),
    {
      ...service('gateway', 'gateway', STOP_STAGE.gateway, {
        RIGEL_HTTP_HOST: config.httpHost,
        RIGEL_HTTP_PORT: String(addresses.httpPort),
        ...given(config, gatewaySettings),
        ...(secured === undefined
          ? {}
          : {
              RIGEL_HTTP_TLS_CERT_FILE: secured.http.certFile,
              RIGEL_HTTP_TLS_KEY_FILE: secured.http.keyFile,
            }),
      }),
      readiness: {
        url: `${addresses.httpUrl}/readyz`,
        ...(secured === undefined ? {} : { caFile: secured.caFile }),
      },
    },
  ];
  return services.map((spec, index) => ({ ...spec, env: { ...spec.env, ...opsEnvironment(config, index) } }));
}

/** All processes run on one machine, so each has the operations port after that of the process before it. */
function opsEnvironment({ serviceSettings }: LocalConfig, index: number): Record<string, string> {
  const { RIGEL_OPS_PORT: first = '0', RIGEL_OPS_HOST: host } = serviceSettings;
  if (first === '0') return {};
  return { RIGEL_OPS_PORT: String(Number(first) + index), ...(host ? { RIGEL_OPS_HOST: host } : {}) };
}

/** How a process logs in to NATS. */
function natsAccess(
  participant: Participant,
  config: LocalConfig,
  { natsUsers, secured }: StackAddresses,
): Record<string, string> {
  if (natsUsers === undefined) return given(config, natsSettings);
  return {
    RIGEL_NATS_USER: participant,
    RIGEL_NATS_PASSWORD_FILE: natsUsers.natsPasswordFile(participant),
    ...(secured === undefined ? {} : { RIGEL_NATS_CA_FILE: secured.caFile }),
  };
}

/** How a service logs in to its database. */
function databaseAccess(
  schema: EventOwner,
  config: LocalConfig,
  { databaseUrl, secured }: StackAddresses,
): Record<string, string> {
  if (secured === undefined) return { DATABASE_URL: databaseUrl, ...given(config, databaseSettings) };
  const role = runtimeRole(schema);
  return {
    DATABASE_URL: serviceDatabaseUrl(databaseUrl, role),
    RIGEL_DATABASE_PASSWORD_FILE: join(secured.databasePasswords, role),
    RIGEL_MIGRATIONS: 'check',
  };
}

function numbered(name: string, count: number, bare: boolean): string[] {
  return bare ? [name] : Array.from({ length: count }, (_, i) => `${name}-${i + 1}`);
}

/** Those of a service's own settings that were given. */
function given(config: LocalConfig, settings: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(config.serviceSettings).filter(([name]) => name in settings));
}

function executorEnvironment(
  config: LocalConfig,
  providers: ExecutorProviders | undefined,
): Record<string, string> {
  const keyFile = config.sshKeyFile ?? providers?.sshKeyFile;
  return {
    RIGEL_DATA_DIR: config.dataDir,
    ...config.secretVariables,
    ...given(config, executorSettings),
    RIGEL_SSH_PORT: String(config.sshPort),
    RIGEL_SSH_HOST_KEYS: config.sshHostKeys,
    ...(config.sshUser === undefined ? {} : { RIGEL_SSH_USER: config.sshUser }),
    ...(keyFile === undefined ? {} : { RIGEL_SSH_KEY_FILE: keyFile }),
    ...(config.sshKnownHosts === undefined ? {} : { RIGEL_SSH_KNOWN_HOSTS: config.sshKnownHosts }),
    ...(providers === undefined ? {} : { ...providers.secrets, RIGEL_PROVIDERS_FILE: providers.file }),
  };
}

const SYSTEM_VARIABLES =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|NODE_OPTIONS|NODE_COMPILE_CACHE|NODE_EXTRA_CA_CERTS|OTEL_\w+)$/;

/** The variables of an environment that describe the system, not Rigel. */
export function systemEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const entries = Object.entries(env).filter(
    ([name, value]) => SYSTEM_VARIABLES.test(name) && value !== undefined,
  );
  return Object.fromEntries(entries) as Record<string, string>;
}
