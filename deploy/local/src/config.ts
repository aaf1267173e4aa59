import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  accessSettings,
  databaseSettings,
  executorSettings,
  gatewaySettings,
  isLoopback,
  isSecretVariable,
  isTimeZone,
  natsSettings,
  nearestName,
  opsSettings,
  schedulerSettings,
  tracingSettings,
  verificationSettings,
} from '@rigel/contracts';
import { ProvidersFileError, readProvidersFile, secretVariables } from '@rigel/providers';
import {
  CLOSE_KEY_FILE,
  LEGACY_HINT,
  privateKeyProblem,
  publicKeyOf,
  readableByOthers,
  weakKeyProblem,
} from '@rigel/remote-attempt';
import { Ajv, type JSONSchemaType } from 'ajv';
import { Type } from 'typebox';

/** The folder that holds the whole code base. */
export const REPOSITORY_DIR = fileURLToPath(new URL('../../..', import.meta.url));

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
const HOST_KEY_MODES = ['accept-new', 'strict'] as const;

/** What `pnpm start` starts, and how. Paths are absolute. */
export interface LocalConfig {
  /** Database, NATS store, logs and pid files. */
  dataDir: string;
  httpHost: string;
  /** 0: a random free port. */
  httpPort: number;
  /** Number of executor processes. */
  executors: number;
  /** Number of scheduler processes. */
  schedulers: number;
  /** NATS with users, permissions and encryption, PostgreSQL with a role for each service, HTTPS. */
  secured: boolean;
  /** PostgreSQL server to use; one is started when not given. */
  databaseUrl: string | undefined;
  /** NATS server to use; one is started when not given. */
  natsUrl: string | undefined;
  sshUser: string | undefined;
  sshPort: number;
  sshKeyFile: string | undefined;
  sshHostKeys: (typeof HOST_KEY_MODES)[number];
  sshKnownHosts: string | undefined;
  /** Says how machines are made and load balancers changed; one for this computer is made when not given. */
  providersFile: string | undefined;
  /** Where the embedded nginx listens on 127.0.0.1; 0: a random free port. */
  balancerPort: number;
  logLevel: (typeof LOG_LEVELS)[number];
  /** Mirror to download nats-server from. */
  natsDownloadUrl: string | undefined;
  natsDownloadSha256: string | undefined;
  /** Settings of the services that were given, as they are: variable to value. */
  serviceSettings: Record<string, string>;
  /** Variables with secrets, for executors alone: those that tasks and SSH profiles may name, and those that their files refer to. */
  secretVariables: Record<string, string>;
}

/** A variable of the environment is wrong; the message is one line that names it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

interface Variables {
  RIGEL_DATA_DIR: string;
  RIGEL_HTTP_HOST: string;
  RIGEL_HTTP_PORT: number;
  RIGEL_EXECUTORS: number;
  RIGEL_SCHEDULERS: number;
  RIGEL_SECURED: boolean;
  DATABASE_URL?: string;
  NATS_URL?: string;
  RIGEL_SSH_USER?: string;
  RIGEL_SSH_PORT: number;
  RIGEL_SSH_KEY_FILE?: string;
  RIGEL_SSH_HOST_KEYS: (typeof HOST_KEY_MODES)[number];
  RIGEL_SSH_KNOWN_HOSTS?: string;
  RIGEL_PROVIDERS_FILE?: string;
  RIGEL_BALANCER_PORT: number;
  RIGEL_LOG_LEVEL: (typeof LOG_LEVELS)[number];
  RIGEL_NATS_DOWNLOAD_URL?: string;
  RIGEL_NATS_DOWNLOAD_SHA256?: string;
}

type VariableName = keyof Variables;

// In words, for messages: a pattern does not help a person who mistyped a value.
const EXPECTED: Record<VariableName, string> = {
  RIGEL_DATA_DIR: 'a folder',
  RIGEL_HTTP_HOST: 'a host name or IP address',
  RIGEL_HTTP_PORT: 'a whole number from 0 to 65535',
  RIGEL_EXECUTORS: 'a whole number from 1 to 64',
  RIGEL_SCHEDULERS: 'a whole number from 1 to 16',
  RIGEL_SECURED: 'true or false',
  DATABASE_URL: 'postgres://user:password@host:port/database',
  NATS_URL: 'nats://host:port',
  RIGEL_SSH_USER: 'a user name without blanks',
  RIGEL_SSH_PORT: 'a whole number from 1 to 65535',
  RIGEL_SSH_KEY_FILE: 'a file that can be read',
  RIGEL_SSH_HOST_KEYS: HOST_KEY_MODES.join(' or '),
  RIGEL_SSH_KNOWN_HOSTS: 'a file',
  RIGEL_PROVIDERS_FILE: 'a file that can be read',
  RIGEL_BALANCER_PORT: 'a whole number from 0 to 65535',
  RIGEL_LOG_LEVEL: `one of ${LOG_LEVELS.join(', ')}`,
  RIGEL_NATS_DOWNLOAD_URL: 'an http or https address',
  RIGEL_NATS_DOWNLOAD_SHA256: '64 hexadecimal digits',
};

/** For the configuration reference. */
const MEANINGS: Record<VariableName, string> = {
  RIGEL_DATA_DIR: 'Folder of the database, the store of NATS, logs and pid files.',
  RIGEL_HTTP_HOST: 'Address on which the gateway listens.',
  RIGEL_HTTP_PORT: 'Port on which the gateway listens; 0: any free one.',
  RIGEL_EXECUTORS: 'Number of executor processes.',
  RIGEL_SCHEDULERS: 'Number of scheduler processes.',
  RIGEL_SECURED:
    'NATS with permissions for each service, a database role for each service, and encryption everywhere; see docs/deploy.md.',
  DATABASE_URL: 'PostgreSQL server to use; without it, `pnpm start` starts one.',
  NATS_URL: 'NATS server to use; without it, `pnpm start` starts one.',
  RIGEL_SSH_USER: 'User on the nodes; default: the user who runs `pnpm start`.',
  RIGEL_SSH_PORT: 'SSH port of nodes whose address names none.',
  RIGEL_SSH_KEY_FILE: 'Private key for the nodes, as for the executor above.',
  RIGEL_SSH_HOST_KEYS: 'How executors treat host keys that they do not know; as for the executor above.',
  RIGEL_SSH_KNOWN_HOSTS: 'File of known host keys, as for the executor above.',
  RIGEL_PROVIDERS_FILE:
    'File that names the VM providers and load balancers; without it, `pnpm start` makes one for this machine (docs/providers.md).',
  RIGEL_BALANCER_PORT: 'Port on 127.0.0.1 of the nginx that `pnpm start` runs; 0: any free one.',
  RIGEL_LOG_LEVEL: 'Least severe level that the processes log.',
  RIGEL_NATS_DOWNLOAD_URL:
    'Mirror of the releases of nats-server, or the address of one .tar.gz, used if PATH has no nats-server; default: its releases on GitHub.',
  RIGEL_NATS_DOWNLOAD_SHA256: 'SHA-256 that the downloaded archive must have, instead of the known one.',
};

// They hold passwords.
const NOT_SHOWN = new Set<string>(['DATABASE_URL', 'NATS_URL', 'RIGEL_NATS_DOWNLOAD_URL']);

const SCHEMA: JSONSchemaType<Variables> = {
  type: 'object',
  properties: {
    RIGEL_DATA_DIR: { type: 'string', default: resolve(REPOSITORY_DIR, '.rigel') },
    RIGEL_HTTP_HOST: { type: 'string', pattern: '^[0-9A-Za-z._:-]+$', default: '127.0.0.1' },
    RIGEL_HTTP_PORT: { type: 'integer', minimum: 0, maximum: 65535, default: 8080 },
    RIGEL_EXECUTORS: { type: 'integer', minimum: 1, maximum: 64, default: 2 },
    RIGEL_SCHEDULERS: { type: 'integer', minimum: 1, maximum: 16, default: 1 },
    RIGEL_SECURED: { type: 'boolean', default: false },
    DATABASE_URL: { type: 'string', nullable: true, pattern: '^postgres(ql)?://[^\\s/]' },
    NATS_URL: { type: 'string', nullable: true, pattern: '^(nats|tls)://[^\\s/]' },
    RIGEL_SSH_USER: { type: 'string', nullable: true, pattern: '^[^\\s@:]+$' },
    RIGEL_SSH_PORT: { type: 'integer', minimum: 1, maximum: 65535, default: 22 },
    RIGEL_SSH_KEY_FILE: { type: 'string', nullable: true },
    RIGEL_SSH_HOST_KEYS: { type: 'string', enum: HOST_KEY_MODES, default: 'accept-new' },
    RIGEL_SSH_KNOWN_HOSTS: { type: 'string', nullable: true },
    RIGEL_PROVIDERS_FILE: { type: 'string', nullable: true },
    RIGEL_BALANCER_PORT: { type: 'integer', minimum: 0, maximum: 65535, default: 0 },
    RIGEL_LOG_LEVEL: { type: 'string', enum: LOG_LEVELS, default: 'info' },
    RIGEL_NATS_DOWNLOAD_URL: { type: 'string', nullable: true, pattern: '^https?://[^\\s/]' },
    RIGEL_NATS_DOWNLOAD_SHA256: { type: 'string', nullable: true, pattern: '^[0-9A-Fa-f]{64}$' },
  },
  required: [],
  additionalProperties: false,
};

const NAMES = Object.keys(EXPECTED) as VariableName[];

/** The variables of `pnpm start`, beside those of the services. */
export const LOCAL_SETTINGS: { name: string; default: unknown; expected: string; meaning: string }[] =
  NAMES.map((name) => ({
    name,
    default: (SCHEMA.properties as Record<string, { default?: unknown }>)[name]?.default,
    expected: EXPECTED[name],
    meaning: MEANINGS[name],
  }));
// The schemas are typebox's: to check them first, each process would compile the schema of schemas (0.1 s).
const ajv = new Ajv({ coerceTypes: true, useDefaults: true, allErrors: true, validateSchema: false });
const validate = ajv.compile(SCHEMA);

const SERVICE_SETTINGS = {
  ...opsSettings,
  ...tracingSettings,
  ...schedulerSettings,
  ...executorSettings,
  ...gatewaySettings,
  ...accessSettings,
  ...verificationSettings,
  ...natsSettings,
  ...databaseSettings,
};
type ServiceSettingName = keyof typeof SERVICE_SETTINGS;
const SERVICE_SETTING_NAMES = Object.keys(SERVICE_SETTINGS) as ServiceSettingName[];
const validateServiceSettings = ajv.compile(Type.Object(SERVICE_SETTINGS));

/**
 * Reads the configuration from the environment. An empty variable counts as absent.
 *
 * @throws ConfigError that names every wrong variable with its value and what is expected, in one line
 */
export function readLocalConfig(env: NodeJS.ProcessEnv): LocalConfig {
  const given = Object.fromEntries(NAMES.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
  const variables: unknown = { ...given };
  if (!validate(variables)) {
    const wrong = new Set(validate.errors?.map((error) => error.instancePath.slice(1)));
    throw new ConfigError(
      [...wrong].map((name) => complaint(name as VariableName, given[name] ?? '')).join('; '),
    );
  }
  const serviceSettings = readServiceSettings(env);
  const { RIGEL_HTTP_HOST: host } = variables;
  if (!isLoopback(host) && serviceSettings.RIGEL_ACCESS !== 'on') {
    throw new ConfigError(
      `RIGEL_HTTP_HOST = ${host} can be reached from other machines: set RIGEL_ACCESS=on, so that requests need a token`,
    );
  }
  if (variables.RIGEL_SECURED) {
    const given = (['DATABASE_URL', 'NATS_URL'] as const).find((name) => variables[name] !== undefined);
    if (given !== undefined)
      throw new ConfigError(
        `RIGEL_SECURED = true is wrong: ${given} names a server, and pnpm start can secure only servers that it starts`,
      );
  }
  const path = (file: string | undefined) => (file === undefined ? undefined : resolve(file));
  const sshKeyFile = path(variables.RIGEL_SSH_KEY_FILE);
  if (sshKeyFile !== undefined) {
    try {
      accessSync(sshKeyFile, constants.R_OK);
    } catch {
      throw new ConfigError(complaint('RIGEL_SSH_KEY_FILE', sshKeyFile));
    }
    checkKey(sshKeyFile, serviceSettings);
  }
  const sshKnownHosts = path(variables.RIGEL_SSH_KNOWN_HOSTS);
  if (sshKnownHosts !== undefined) checkReadable('RIGEL_SSH_KNOWN_HOSTS', sshKnownHosts);
  const providersFile = path(variables.RIGEL_PROVIDERS_FILE);
  if (providersFile !== undefined) checkProviders(providersFile);
  return {
    dataDir: resolve(variables.RIGEL_DATA_DIR),
    httpHost: variables.RIGEL_HTTP_HOST,
    httpPort: variables.RIGEL_HTTP_PORT,
    executors: variables.RIGEL_EXECUTORS,
    schedulers: variables.RIGEL_SCHEDULERS,
    secured: variables.RIGEL_SECURED,
    databaseUrl: variables.DATABASE_URL,
    natsUrl: variables.NATS_URL,
    sshUser: variables.RIGEL_SSH_USER,
    sshPort: variables.RIGEL_SSH_PORT,
    sshKeyFile,
    sshHostKeys: variables.RIGEL_SSH_HOST_KEYS,
    sshKnownHosts,
    providersFile,
    balancerPort: variables.RIGEL_BALANCER_PORT,
    logLevel: variables.RIGEL_LOG_LEVEL,
    natsDownloadUrl: variables.RIGEL_NATS_DOWNLOAD_URL,
    natsDownloadSha256: variables.RIGEL_NATS_DOWNLOAD_SHA256,
    serviceSettings,
    secretVariables: readSecretVariables(env, serviceSettings.RIGEL_SSH_PROFILES_FILE),
  };
}

/** Services run in another folder than we do. */
const PATH_SETTINGS = SERVICE_SETTING_NAMES.filter((name) => /_(FILE|DIR)$/.test(name));

function readSecretVariables(
  env: NodeJS.ProcessEnv,
  profilesFile: string | undefined,
): Record<string, string> {
  const names = Object.keys(env).filter(isSecretVariable);
  if (profilesFile !== undefined) {
    try {
      names.push(...secretVariables(readFileSync(profilesFile, 'utf8')));
    } catch {
      throw new ConfigError(`RIGEL_SSH_PROFILES_FILE = ${printable(profilesFile)} is not a file with JSON`);
    }
  }
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

/** Checks the settings as the services will: a service that starts and then refuses a value says so too late. */
function readServiceSettings(env: NodeJS.ProcessEnv): Record<string, string> {
  const given = Object.fromEntries(
    SERVICE_SETTING_NAMES.flatMap((name) => (env[name] ? [[name, env[name]]] : [])),
  );
  if (!validateServiceSettings({ ...given })) {
    const wrong = new Set(validateServiceSettings.errors?.map((error) => error.instancePath.slice(1)));
    throw new ConfigError(
      [...wrong]
        .map(
          (name) =>
            `${name} = ${printable(given[name] ?? '')} is wrong: ${expectation(name as ServiceSettingName)}`,
        )
        .join('; '),
    );
  }
  for (const name of PATH_SETTINGS) {
    if (given[name] === undefined) continue;
    given[name] = resolve(given[name]);
    checkReadable(name, given[name]);
  }
  const zone = given.RIGEL_TIME_ZONE;
  if (zone !== undefined && !isTimeZone(zone)) {
    throw new ConfigError(`RIGEL_TIME_ZONE = ${printable(zone)} is wrong: expected an IANA time zone`);
  }
  return given;
}

function expectation(name: ServiceSettingName): string {
  const schema = SERVICE_SETTINGS[name] as { minimum?: number; maximum?: number; description?: string };
  if (schema.minimum === undefined) return `expected ${schema.description ?? 'another value'}`;
  return `expected a number from ${schema.minimum} to ${schema.maximum}`;
}

/**
 * A line for each variable that looks like one of ours and is none, with the name that it is nearest to: a mistyped
 * name would otherwise be ignored in silence. Those that begin with `RIGEL_TEST_` belong to the tests.
 */
export function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  const known: string[] = [...NAMES, ...SERVICE_SETTING_NAMES];
  return Object.keys(env)
    .filter((name) => /^RIGEL_(?!TEST_)/.test(name) && !isSecretVariable(name) && !known.includes(name))
    .sort()
    .map(
      (name) =>
        `${name} is not a known variable and is ignored; the nearest known one is ${nearestName(name, known)}`,
    );
}

/** Checks that the file or folder can be read. The service that reads it checks its content. */
function checkReadable(name: string, path: string): void {
  try {
    if (name.endsWith('_DIR')) readdirSync(path);
    else readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(`${name} = ${printable(path)} cannot be read (${code})`);
  }
}

/** Refuses a key that no node can accept now, instead of on every node. */
function checkKey(file: string, settings: Record<string, string>): void {
  const others = settings.RIGEL_SSH_KEY_PERMISSIONS === 'any' ? undefined : readableByOthers(statSync(file));
  const text = readFileSync(file);
  let problem =
    others === undefined ? privateKeyProblem(text) : `others may read it (${others}): ${CLOSE_KEY_FILE}`;
  if (problem === undefined && settings.RIGEL_SSH_ALGORITHMS !== 'legacy') {
    const weak = weakKeyProblem(publicKeyOf(text));
    if (weak !== undefined) problem = `it is ${weak}; ${LEGACY_HINT}`;
  }
  if (problem !== undefined)
    throw new ConfigError(`RIGEL_SSH_KEY_FILE = ${printable(file)} cannot be used: ${problem}`);
}

/** Secrets too: executors get the same environment for them. */
function checkProviders(file: string): void {
  try {
    readProvidersFile(file, { ssh: undefined });
  } catch (error) {
    if (!(error instanceof ProvidersFileError)) throw error;
    throw new ConfigError(`RIGEL_PROVIDERS_FILE is wrong: ${error.message}`);
  }
}

function complaint(name: VariableName, value: string): string {
  const shown = NOT_SHOWN.has(name) ? '(value not shown)' : `= ${printable(value)}`;
  return `${name} ${shown} is wrong: expected ${EXPECTED[name]}`;
}

function printable(value: string): string {
  const line = value.replaceAll(/[\p{Cc}"\\]/gu, '?');
  return line.length > 100 ? `${line.slice(0, 100)}…` : line;
}
