import { Type } from 'typebox';

/*
 * Settings that a service reads from the environment when it starts. They are here and not in the services, because
 * `pnpm start` checks them too: it reports a wrong value at once and in one place.
 */

/** The gateway, which prints times, and the scheduler, which reads those of schedules, must have the same. */
const timeZone = Type.String({
  default: 'UTC',
  minLength: 1,
  description: 'IANA time zone of the times in the API, and of schedules without a time zone of their own.',
});

/** The operations server, which every process may have. */
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
      'Port of the operations server of a process (/metrics, /healthz, /readyz); 0: no server. If one command starts all processes, they take this port and the following ones.',
  }),
};

/** The receiver of traces. */
export const tracingSettings = {
  RIGEL_OTEL_ENDPOINT: Type.String({
    default: '',
    pattern: '^(https?://[^\\s/].*)?$',
    description:
      'OTLP/HTTP receiver of traces, for instance http://127.0.0.1:4318; empty: the value of OTEL_EXPORTER_OTLP_ENDPOINT, or no traces.',
  }),
};

/** Every service that owns events: each verifies its own tables. */
export const verificationSettings = {
  RIGEL_VERIFY_MINUTES: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 10_080,
    description:
      'Minutes between two verifications of the tables of a service against its events, as `rigel verify` does it; 0: only on request.',
  }),
};

export const schedulerSettings = {
  RIGEL_TIME_ZONE: timeZone,
  RIGEL_RETRY_DELAY: Type.Number({
    default: 5,
    minimum: 0,
    maximum: 3_600,
    description: 'Seconds between two attempts at a step.',
  }),
  RIGEL_WORK_REPLICAS: Type.Integer({
    default: 1,
    minimum: 1,
    maximum: 5,
    description: 'Number of NATS servers that keep each offer of work; at most as many as the cluster has.',
  }),
  RIGEL_REMOTE_TIMEOUT: Type.Number({
    default: 600,
    minimum: 1,
    maximum: 86_400,
    description: 'Time limit in seconds of one attempt at a remote step, if the step has none.',
  }),
  RIGEL_PROVIDER_TIMEOUT: Type.Number({
    default: 450,
    minimum: 1,
    maximum: 86_400,
    description:
      'Time limit in seconds of one attempt at a VM or service-discovery step, if the step has none.',
  }),
  RIGEL_DEPENDENCY_TIMEOUT: Type.Number({
    default: 1_800,
    minimum: 1,
    maximum: 86_400,
    description: 'Seconds that nodes wait for nodes of a pool on which their pool depends.',
  }),
};

/**
 * Executors, which connect to nodes, and the inventory, which decides which addresses are one machine, must have the
 * same.
 */
export const nodeSettings = {
  RIGEL_SSH_PORT: Type.Integer({
    default: 22,
    minimum: 1,
    maximum: 65_535,
    description:
      'SSH port of nodes whose address has none. Inventory and executors need the same value: an address without a port and one with this port are one machine.',
  }),
};

export const executorSettings = {
  RIGEL_EXECUTOR_CAPABILITIES: Type.String({
    default: 'ssh,vm,sd',
    pattern: '^(ssh|vm|sd|noop)(,(ssh|vm|sd|noop))*$',
    description: 'The kinds of steps that an executor runs, separated by commas: ssh, vm, sd, noop.',
  }),
  RIGEL_EXECUTOR_SLOTS: Type.Integer({
    default: 100,
    minimum: 1,
    maximum: 10_000,
    description: 'Node runs that an executor works on at one time.',
  }),
  RIGEL_OUTPUT_LIMIT: Type.Integer({
    default: 1_048_576,
    minimum: 1_024,
    maximum: 67_108_864,
    description:
      'Bytes of output kept of each attempt, in the database and on its node: half from the beginning, half from the end.',
  }),
  RIGEL_STOP_GRACE: Type.Number({
    default: 10,
    minimum: 0,
    maximum: 600,
    description: 'Seconds between TERM and KILL when a command is ended, if its step has no stop_grace.',
  }),
  RIGEL_SSH_IDLE: Type.Number({
    default: 30,
    minimum: 0,
    maximum: 3_600,
    description:
      'Seconds for which an executor keeps a connection to a node for its next task; 0: it closes it at once.',
  }),
  RIGEL_CONNECT_RETRY: Type.Number({
    default: 60,
    minimum: 0,
    maximum: 3_600,
    description:
      'Seconds for which an executor retries a node that refuses connections (it is full, or still booting); 0: no retry.',
  }),
  RIGEL_ATTEMPTS_KEPT: Type.Integer({
    default: 30,
    minimum: 0,
    maximum: 3_650,
    description: 'Days for which nodes keep the files of ended attempts; 0: for ever.',
  }),
  RIGEL_SSH_ATTEMPTS_FOLDER: Type.String({
    default: '',
    pattern: '^((/[A-Za-z0-9._-]+)+)?$',
    description:
      'Folder on the nodes for the files of commands when the home folder cannot take them (its disk is full). It must ' +
      'exist. Default: none. See docs/ssh.md.',
  }),
  RIGEL_SSH_ATTEMPTS_IN_MEMORY: Type.Enum(['on', 'off'], {
    default: 'on',
    description:
      "on: the files go into the node's memory (/dev/shm) when RIGEL_SSH_ATTEMPTS_FOLDER cannot take them either; off: " +
      'such commands are not started.',
  }),
  RIGEL_SSH_ALGORITHMS: Type.Enum(['modern', 'legacy'], {
    default: 'modern',
    description:
      'SSH algorithms, if a profile names no others. legacy: also algorithms with SHA-1 or CBC, and RSA keys under 2048 ' +
      'bits, for nodes that have nothing better.',
  }),
  RIGEL_SSH_KEY_PERMISSIONS: Type.Enum(['strict', 'any'], {
    default: 'strict',
    description:
      'strict: an executor refuses a private key file that anyone but its owner and the groups of this process may read; ' +
      'any: it uses the file.',
  }),
  RIGEL_SECRETS_DIR: Type.String({
    default: '',
    description: 'Folder of the secrets that parameters may name, one file for each; see docs/secrets.md.',
  }),
  RIGEL_PROFILE_SECRETS_DIR: Type.String({
    default: '',
    description:
      'Folder of the secrets that SSH profiles may name and parameters may not; not the same as RIGEL_SECRETS_DIR. See docs/secrets.md.',
  }),
  RIGEL_SSH_PROFILES_FILE: Type.String({
    default: '',
    description: 'File with the SSH profiles: how to reach the nodes of each cluster; see docs/ssh.md.',
  }),
};

export const accessSettings = {
  RIGEL_ACCESS_AUDIT_DAYS: Type.Integer({
    default: 400,
    minimum: 0,
    maximum: 36_500,
    description: 'Days for which the audit keeps its lines; 0: for ever.',
  }),
};

const MIB = 1024 * 1024;

export const gatewaySettings = {
  RIGEL_ACCESS: Type.Enum(['off', 'on'], {
    default: 'off',
    description: 'Whether requests need a token; off is allowed only on a loopback address.',
  }),
  RIGEL_CONSOLE: Type.Enum(['on', 'off'], {
    default: 'on',
    description: 'Whether the web console is served at /console/.',
  }),
  RIGEL_HTTP_TRUST_PROXY: Type.String({
    default: '',
    description:
      'Proxies whose header X-Forwarded-For the gateway trusts: addresses and networks, separated by commas.',
  }),
  RIGEL_HTTP_RATE_LIMIT: Type.Integer({
    default: 60_000,
    minimum: 0,
    maximum: 100_000_000,
    description: 'Requests per minute of one token, at one gateway; 0: no limit. Only with RIGEL_ACCESS=on.',
  }),
  RIGEL_HTTP_FAILED_LIMIT: Type.Integer({
    default: 60,
    minimum: 1,
    maximum: 1_000_000,
    description:
      'Requests per minute from one address without valid credentials, at one gateway; the gateway does not check the ' +
      'credentials of further ones. Only with RIGEL_ACCESS=on.',
  }),
  RIGEL_HTTP_NAMES: Type.String({
    default: '',
    description:
      'Host names, besides localhost, by which clients may address the API while access is off, separated by commas.',
  }),
  RIGEL_HTTP_STREAMS: Type.Integer({
    default: 2_000,
    minimum: 0,
    maximum: 100_000,
    description:
      'Live streams, and clients that wait for a task, that a gateway serves at one time; it refuses more. One token, or one ' +
      'address while access is off, may have a tenth of them.',
  }),
  RIGEL_HTTP_BODIES: Type.Integer({
    default: 64 * MIB,
    minimum: 16 * MIB,
    maximum: 4_096 * MIB,
    description:
      'Bytes of request bodies that a gateway holds at one time; it refuses a request beyond that with 503. ' +
      'Bodies up to 16 KiB do not count.',
  }),
  RIGEL_HTTP_BODIES_PER_CLIENT: Type.Integer({
    default: 16 * MIB,
    minimum: 16 * MIB,
    maximum: 4_096 * MIB,
    description: 'As RIGEL_HTTP_BODIES, for one token, or for one address while access is off.',
  }),
  RIGEL_HTTP_TLS_CERT_FILE: Type.String({
    default: '',
    description:
      'Certificate (PEM, with its chain); with it the API is served over HTTPS. The gateway reads the file again when it changes.',
  }),
  RIGEL_HTTP_TLS_KEY_FILE: Type.String({
    default: '',
    description: 'Private key (PEM) of RIGEL_HTTP_TLS_CERT_FILE.',
  }),
  RIGEL_TIME_ZONE: timeZone,
};

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** Whether a server on this address can be reached from its own machine only. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);
const file = (description: string) => Type.String({ default: '', description });

/** How every process connects to NATS, besides the address. */
export const natsSettings = {
  RIGEL_NATS_USER: Type.String({
    default: '',
    description: 'NATS user; its password is in RIGEL_NATS_PASSWORD_FILE.',
  }),
  RIGEL_NATS_PASSWORD_FILE: file('File with the password of RIGEL_NATS_USER; read for each connection.'),
  RIGEL_NATS_CREDENTIALS_FILE: file(
    'Credentials file (JWT and nkey) for NATS, instead of user and password.',
  ),
  RIGEL_NATS_CA_FILE: file(
    'Certificates (PEM) of the authorities that sign the certificate of NATS; with it connections are encrypted and the server is checked.',
  ),
  RIGEL_NATS_CERT_FILE: file('Certificate (PEM) by which this process identifies itself to NATS.'),
  RIGEL_NATS_KEY_FILE: file('Private key (PEM) of RIGEL_NATS_CERT_FILE.'),
};

/** How a service that owns a schema uses its database, besides the address. */
export const databaseSettings = {
  RIGEL_DATABASE_PASSWORD_FILE: file('File with the password for DATABASE_URL, which then contains none.'),
  RIGEL_MIGRATIONS: Type.Union([Type.Literal('apply'), Type.Literal('check')], {
    default: 'apply',
    description:
      'apply: a service migrates its schema when it starts; check: it waits until `rigel database migrate` has done so.',
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
 * File in the data folder of a system on one machine, readable by its owner only. While the system runs it contains the
 * address of the database, with the password.
 */
export const DATABASE_URL_FILE = 'run/database-url';

/**
 * The message, one line, that a process sends over its IPC channel to its parent before it ends because a setting is
 * wrong.
 */
export interface ConfigComplaint {
  configError: string;
}
