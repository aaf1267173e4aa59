import { Type } from 'typebox';

/*
 * Settings that an operator may give to a service, read from the environment at its start. They stand here, and not in the
 * services, because whoever starts the services checks them too: a wrong value is told at once and in one place.
 */

/** The same for whoever prints times and whoever reads those of schedules. */
const timeZone = Type.String({
  default: 'UTC',
  minLength: 1,
  description: 'IANA time zone in which the API prints times, and schedules are read that name no other.',
});

/** The operations server that every process may have, beside what it serves. */
export const opsSettings = {
  RIGEL_OPS_HOST: Type.String({
    default: '127.0.0.1',
    minLength: 1,
    description: 'Address on which the operations server of a process listens.',
  }),
  RIGEL_OPS_PORT: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 65_535,
    description:
      'Port of the operations server of a process (/metrics, /healthz, /readyz); 0: it has none. Where one command starts all processes, they take this port and the following ones.',
  }),
};

/** Where traces are sent to. */
export const tracingSettings = {
  RIGEL_OTEL_ENDPOINT: Type.String({
    default: '',
    pattern: '^(https?://[^\\s/].*)?$',
    description:
      'OTLP/HTTP receiver that traces are sent to, for instance http://127.0.0.1:4318; empty: none, unless OTEL_EXPORTER_OTLP_ENDPOINT is set.',
  }),
};

export const schedulerSettings = {
  RIGEL_TIME_ZONE: timeZone,
  RIGEL_RETRY_DELAY: Type.Number({
    default: 5,
    minimum: 0,
    maximum: 3_600,
    description: 'Seconds between two attempts of a step.',
  }),
  RIGEL_WORK_REPLICAS: Type.Integer({
    default: 1,
    minimum: 1,
    maximum: 5,
    description: 'NATS servers that keep each offer of work; at most as many as the cluster has.',
  }),
  RIGEL_REMOTE_TIMEOUT: Type.Number({
    default: 600,
    minimum: 1,
    maximum: 86_400,
    description: 'Seconds that one attempt of a remote step may take.',
  }),
  RIGEL_PROVIDER_TIMEOUT: Type.Number({
    default: 450,
    minimum: 1,
    maximum: 86_400,
    description: 'Seconds that one attempt of a VM or service-discovery step may take.',
  }),
  RIGEL_DEPENDENCY_TIMEOUT: Type.Number({
    default: 1_800,
    minimum: 1,
    maximum: 86_400,
    description: 'Seconds that nodes wait for those of a pool that theirs depends on.',
  }),
};

/** For whoever connects to nodes, and for whoever says which addresses are one machine: they must have the same. */
export const nodeSettings = {
  RIGEL_SSH_PORT: Type.Integer({
    default: 22,
    minimum: 1,
    maximum: 65_535,
    description:
      'SSH port of nodes whose address names none. Inventory and executors need the same: an address without port and one with this port are one machine.',
  }),
};

export const executorSettings = {
  RIGEL_EXECUTOR_CAPABILITIES: Type.String({
    default: 'ssh,vm,sd',
    pattern: '^(ssh|vm|sd|noop)(,(ssh|vm|sd|noop))*$',
    description: 'What an executor does, separated by commas: ssh, vm, sd, noop.',
  }),
  RIGEL_EXECUTOR_SLOTS: Type.Integer({
    default: 100,
    minimum: 1,
    maximum: 10_000,
    description: 'Node runs that an executor works on at once.',
  }),
  RIGEL_OUTPUT_LIMIT: Type.Integer({
    default: 1_048_576,
    minimum: 1_024,
    maximum: 67_108_864,
    description:
      'Bytes of output kept of each attempt, in the database and on its node: half of the beginning, half of the end.',
  }),
  RIGEL_STOP_GRACE: Type.Number({
    default: 10,
    minimum: 0,
    maximum: 600,
    description:
      'Seconds that a command that is ended has for its cleaning up, between TERM and KILL, where its step does not say.',
  }),
  RIGEL_SSH_IDLE: Type.Number({
    default: 30,
    minimum: 0,
    maximum: 3_600,
    description: 'Seconds that a connection to a node is kept for its next task; 0: it is closed at once.',
  }),
  RIGEL_CONNECT_RETRY: Type.Number({
    default: 60,
    minimum: 0,
    maximum: 3_600,
    description:
      'Seconds that a node is tried again which turns connections away (it is full, or still booting); 0: it is not.',
  }),
  RIGEL_ATTEMPTS_KEPT: Type.Integer({
    default: 30,
    minimum: 0,
    maximum: 3_650,
    description: 'Days that the files of ended attempts are kept on nodes; 0: for ever.',
  }),
  RIGEL_SSH_ATTEMPTS_FOLDER: Type.String({
    default: '',
    pattern: '^((/[A-Za-z0-9._-]+)+)?$',
    description:
      'Folder of the nodes in which the files of commands are when the home folder there takes none (its disk is full); it ' +
      'must be there. Default: none. See docs/ssh.md.',
  }),
  RIGEL_SSH_ATTEMPTS_IN_MEMORY: Type.Enum(['on', 'off'], {
    default: 'on',
    description:
      "Whether they are in the nodes' memory (/dev/shm) when RIGEL_SSH_ATTEMPTS_FOLDER cannot be used either; off: such " +
      'commands are not started.',
  }),
  RIGEL_SSH_ALGORITHMS: Type.Enum(['modern', 'legacy'], {
    default: 'modern',
    description:
      'Algorithms of SSH, where a profile names no others. legacy: also those by SHA-1 and in CBC, and RSA keys under 2048 ' +
      'bits, for nodes that have nothing better.',
  }),
  RIGEL_SSH_KEY_PERMISSIONS: Type.Enum(['strict', 'any'], {
    default: 'strict',
    description:
      'strict: a file with a private key that others than its owner and the groups of this process may read is refused; ' +
      'any: it is used.',
  }),
  RIGEL_SECRETS_DIR: Type.String({
    default: '',
    description: 'Folder of the secrets that parameters may name, one file for each; see docs/secrets.md.',
  }),
  RIGEL_PROFILE_SECRETS_DIR: Type.String({
    default: '',
    description:
      'Folder of the secrets that SSH profiles name, and no parameter can; another one than RIGEL_SECRETS_DIR. See docs/secrets.md.',
  }),
  RIGEL_SSH_PROFILES_FILE: Type.String({
    default: '',
    description: 'File that says how the nodes of each cluster are reached by SSH; see docs/ssh.md.',
  }),
};

export const accessSettings = {
  RIGEL_ACCESS_AUDIT_DAYS: Type.Integer({
    default: 400,
    minimum: 0,
    maximum: 36_500,
    description: 'Days that the audit is kept; 0: for ever.',
  }),
};

const MIB = 1024 * 1024;

export const gatewaySettings = {
  RIGEL_ACCESS: Type.Enum(['off', 'on'], {
    default: 'off',
    description: 'Whether requests need a token; off is allowed while listening on a loopback address only.',
  }),
  RIGEL_CONSOLE: Type.Enum(['on', 'off'], {
    default: 'on',
    description: 'Whether the web console is served at /console/.',
  }),
  RIGEL_HTTP_TRUST_PROXY: Type.String({
    default: '',
    description: 'Proxies whose X-Forwarded-For is believed: addresses and networks, separated by commas.',
  }),
  RIGEL_HTTP_RATE_LIMIT: Type.Integer({
    default: 60_000,
    minimum: 0,
    maximum: 100_000_000,
    description: 'Requests in a minute of one token, at one gateway; 0: no limit. For access on.',
  }),
  RIGEL_HTTP_FAILED_LIMIT: Type.Integer({
    default: 60,
    minimum: 1,
    maximum: 1_000_000,
    description:
      'Requests in a minute from one address without valid credentials, at one gateway; further ones are not even looked ' +
      'at. For access on.',
  }),
  RIGEL_HTTP_NAMES: Type.String({
    default: '',
    description:
      'Host names beside localhost that clients may use for the API while access is off, separated by commas.',
  }),
  RIGEL_HTTP_STREAMS: Type.Integer({
    default: 2_000,
    minimum: 0,
    maximum: 100_000,
    description:
      'Live streams that a gateway keeps open at once, and clients that wait for a task; more are refused. One token, or one ' +
      'address while access is off, has a tenth of them.',
  }),
  RIGEL_HTTP_BODIES: Type.Integer({
    default: 64 * MIB,
    minimum: 16 * MIB,
    maximum: 4_096 * MIB,
    description:
      'Bytes of the bodies of requests that a gateway keeps at once; a request whose body finds no room is refused with 503. ' +
      'Bodies up to 16 KiB are not counted.',
  }),
  RIGEL_HTTP_BODIES_PER_CLIENT: Type.Integer({
    default: 16 * MIB,
    minimum: 16 * MIB,
    maximum: 4_096 * MIB,
    description: 'The same for one token, or for one address while access is off.',
  }),
  RIGEL_HTTP_TLS_CERT_FILE: Type.String({
    default: '',
    description:
      'Certificate (PEM, with its chain): the API is served by HTTPS. Read anew when the file changes.',
  }),
  RIGEL_HTTP_TLS_KEY_FILE: Type.String({
    default: '',
    description: 'Private key (PEM) of RIGEL_HTTP_TLS_CERT_FILE.',
  }),
  RIGEL_TIME_ZONE: timeZone,
};

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** Whether who listens on this address is reached from its own machine only. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);
const file = (description: string) => Type.String({ default: '', description });

/** How every process connects to NATS, beside the address. */
export const natsSettings = {
  RIGEL_NATS_USER: Type.String({
    default: '',
    description: 'User at NATS; its password is in RIGEL_NATS_PASSWORD_FILE.',
  }),
  RIGEL_NATS_PASSWORD_FILE: file('File with the password of RIGEL_NATS_USER; read anew for each connection.'),
  RIGEL_NATS_CREDENTIALS_FILE: file(
    'Credentials file (JWT and nkey) for NATS, in place of user and password.',
  ),
  RIGEL_NATS_CA_FILE: file(
    'Certificates (PEM) that NATS is trusted by: connections are encrypted and the server is checked.',
  ),
  RIGEL_NATS_CERT_FILE: file('Certificate (PEM) that this process shows to NATS.'),
  RIGEL_NATS_KEY_FILE: file('Private key (PEM) of RIGEL_NATS_CERT_FILE.'),
};

/** How a service that owns a schema uses its database, beside the address. */
export const databaseSettings = {
  RIGEL_DATABASE_PASSWORD_FILE: file('File with the password for DATABASE_URL, which then names none.'),
  RIGEL_MIGRATIONS: Type.Union([Type.Literal('apply'), Type.Literal('check')], {
    default: 'apply',
    description:
      'apply: a service brings its schema up to date when it starts; check: it waits until `rigel database migrate` has.',
  }),
};

/** Whether this is the name of a time zone. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * File in the data folder of a system that runs on one machine, readable by its owner alone: the address of the database,
 * with its password, while the system runs.
 */
export const DATABASE_URL_FILE = 'run/database-url';

/** What a process says over its IPC channel to whoever started it, before it ends because a setting is wrong: in one line. */
export interface ConfigComplaint {
  configError: string;
}
