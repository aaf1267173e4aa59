import { Type } from 'typebox';

/*
 * Settings that an operator may give to a service, read from the environment at its start. They stand here, and not in the
 * services, because the program that starts the services checks them too: it refuses a wrong value at once and in one place.
 */

/** One setting for the gateway, which prints times, and for the scheduler, which reads the times of schedules. */
const timeZone = Type.String({
  default: 'UTC',
  minLength: 1,
  description:
    'IANA time zone in which the API prints times, and in which Rigel reads schedules that name no zone.',
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
      'Port of the operations server of a process (/metrics, /healthz, /readyz); 0: none. If one command starts all processes, they take this port and the following ones.',
  }),
};

/** Where processes send traces. */
export const tracingSettings = {
  RIGEL_OTEL_ENDPOINT: Type.String({
    default: '',
    pattern: '^(https?://[^\\s/].*)?$',
    description:
      'OTLP/HTTP receiver of traces, for instance http://127.0.0.1:4318; empty: no traces, unless OTEL_EXPORTER_OTLP_ENDPOINT is set.',
  }),
};

export const schedulerSettings = {
  RIGEL_TIME_ZONE: timeZone,
  RIGEL_RETRY_DELAY: Type.Number({
    default: 5,
    minimum: 0,
    maximum: 3_600,
    description: 'Seconds between the end of an attempt of a step and the next attempt.',
  }),
  RIGEL_WORK_REPLICAS: Type.Integer({
    default: 1,
    minimum: 1,
    maximum: 5,
    description: 'Number of NATS servers that keep each offer; at most as many as the cluster has.',
  }),
  RIGEL_REMOTE_TIMEOUT: Type.Number({
    default: 600,
    minimum: 1,
    maximum: 86_400,
    description: 'Seconds that one attempt of a remote step may take, if the step names no time limit.',
  }),
  RIGEL_PROVIDER_TIMEOUT: Type.Number({
    default: 450,
    minimum: 1,
    maximum: 86_400,
    description:
      'Seconds that one attempt of a step at a VM provider or load balancer may take, if the step names no time limit.',
  }),
  RIGEL_DEPENDENCY_TIMEOUT: Type.Number({
    default: 1_800,
    minimum: 1,
    maximum: 86_400,
    description: 'Seconds that a node waits for the nodes of a pool that its own pool depends on.',
  }),
};

/** For executors, which connect to nodes, and for the inventory, which says which addresses are one machine: both need the same value. */
export const nodeSettings = {
  RIGEL_SSH_PORT: Type.Integer({
    default: 22,
    minimum: 1,
    maximum: 65_535,
    description:
      'SSH port of nodes whose address names none. Inventory and executors need the same value: an address without a port and one with this port are one machine.',
  }),
};

export const executorSettings = {
  RIGEL_EXECUTOR_CAPABILITIES: Type.String({
    default: 'ssh,vm,sd',
    pattern: '^(ssh|vm|sd|noop)(,(ssh|vm|sd|noop))*$',
    description:
      'Kinds of steps that an executor takes, separated by commas: ssh (remote steps), vm (VM providers), sd (load balancers), noop (benchmarks).',
  }),
  RIGEL_EXECUTOR_SLOTS: Type.Integer({
    default: 100,
    minimum: 1,
    maximum: 10_000,
    description: 'Number of node runs that an executor works on at once.',
  }),
  RIGEL_OUTPUT_LIMIT: Type.Integer({
    default: 1_048_576,
    minimum: 1_024,
    maximum: 67_108_864,
    description:
      'Bytes of output that Rigel keeps of each attempt, in the database and on its node: one half from the beginning, one half from the end.',
  }),
  RIGEL_STOP_GRACE: Type.Number({
    default: 10,
    minimum: 0,
    maximum: 600,
    description:
      'Seconds between TERM and KILL when an executor ends a command, if the step names no time; the command can clean up meanwhile.',
  }),
  RIGEL_SSH_IDLE: Type.Number({
    default: 30,
    minimum: 0,
    maximum: 3_600,
    description:
      'Seconds that an executor keeps a connection to a node for its next task; 0: it closes the connection at once.',
  }),
  RIGEL_CONNECT_RETRY: Type.Number({
    default: 60,
    minimum: 0,
    maximum: 3_600,
    description:
      'Seconds for which an executor tries again to connect to a node that turns it away (the node is full, or still boots); 0: it does not try again.',
  }),
  RIGEL_ATTEMPTS_KEPT: Type.Integer({
    default: 30,
    minimum: 0,
    maximum: 3_650,
    description: 'Days that nodes keep the files of ended attempts; 0: for ever.',
  }),
  RIGEL_SSH_ATTEMPTS_FOLDER: Type.String({
    default: '',
    pattern: '^((/[A-Za-z0-9._-]+)+)?$',
    description:
      'Folder of the nodes for the files of commands, used if the home folder takes no files (its disk is full); it must ' +
      'exist. Default: none. See docs/ssh.md.',
  }),
  RIGEL_SSH_ATTEMPTS_IN_MEMORY: Type.Enum(['on', 'off'], {
    default: 'on',
    description:
      "on: if RIGEL_SSH_ATTEMPTS_FOLDER cannot be used either, the files are in the node's memory (/dev/shm); off: the " +
      'executor does not start such a command.',
  }),
  RIGEL_SSH_ALGORITHMS: Type.Enum(['modern', 'legacy'], {
    default: 'modern',
    description:
      'Algorithms of SSH, if the profile names no others. modern: only safe ones; legacy: also those with SHA-1 or CBC, and ' +
      'RSA keys under 2048 bits, for nodes that have nothing better.',
  }),
  RIGEL_SSH_KEY_PERMISSIONS: Type.Enum(['strict', 'any'], {
    default: 'strict',
    description:
      'strict: the executor refuses a file with a private key that users other than its owner and the groups of the executor may ' +
      'read; any: it uses the file.',
  }),
  RIGEL_SECRETS_DIR: Type.String({
    default: '',
    description: 'Folder of the secrets that parameters may name, one file for each; see docs/secrets.md.',
  }),
  RIGEL_PROFILE_SECRETS_DIR: Type.String({
    default: '',
    description:
      'Folder of the secrets that SSH profiles may name, and parameters cannot; a folder other than RIGEL_SECRETS_DIR. See docs/secrets.md.',
  }),
  RIGEL_SSH_PROFILES_FILE: Type.String({
    default: '',
    description: 'File that says how executors reach the nodes of each cluster by SSH; see docs/ssh.md.',
  }),
};

export const accessSettings = {
  RIGEL_ACCESS_AUDIT_DAYS: Type.Integer({
    default: 400,
    minimum: 0,
    maximum: 36_500,
    description: 'Days that the audit keeps its lines; 0: for ever.',
  }),
};

const MIB = 1024 * 1024;

export const gatewaySettings = {
  RIGEL_ACCESS: Type.Enum(['off', 'on'], {
    default: 'off',
    description:
      'on: requests need a token; off: they need none, which is allowed only if the gateway listens on a loopback address.',
  }),
  RIGEL_HTTP_TRUST_PROXY: Type.String({
    default: '',
    description:
      'Proxies whose X-Forwarded-For the gateway believes: addresses and networks, separated by commas, for instance 10.0.0.7, 192.168.0.0/16, loopback, uniquelocal.',
  }),
  RIGEL_HTTP_RATE_LIMIT: Type.Integer({
    default: 60_000,
    minimum: 0,
    maximum: 100_000_000,
    description:
      'Requests in a minute with one token, at one gateway; 0: no limit. In force while access is on.',
  }),
  RIGEL_HTTP_FAILED_LIMIT: Type.Integer({
    default: 60,
    minimum: 1,
    maximum: 1_000_000,
    description:
      'Requests in a minute from one address without a valid token, at one gateway; further ones get 429. In force while access ' +
      'is on.',
  }),
  RIGEL_HTTP_NAMES: Type.String({
    default: '',
    description:
      'Host names that clients may use for the API while access is off, beside localhost; separated by commas.',
  }),
  RIGEL_HTTP_STREAMS: Type.Integer({
    default: 2_000,
    minimum: 0,
    maximum: 100_000,
    description:
      'Live streams that a gateway keeps open at once, and as many clients that wait for a task; it refuses more. One token, or ' +
      'one address while access is off, may have a tenth of them.',
  }),
  RIGEL_HTTP_BODIES: Type.Integer({
    default: 64 * MIB,
    minimum: 16 * MIB,
    maximum: 4_096 * MIB,
    description:
      'Bytes of request bodies that a gateway keeps at once. It refuses a request whose body finds no room, with 503. Bodies up ' +
      'to 16 KiB do not count.',
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
      'Certificate (PEM, with its chain): the gateway serves the API by HTTPS. It reads the file again when that changes.',
  }),
  RIGEL_HTTP_TLS_KEY_FILE: Type.String({
    default: '',
    description: 'Private key (PEM) of RIGEL_HTTP_TLS_CERT_FILE.',
  }),
  RIGEL_TIME_ZONE: timeZone,
};

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** Whether only programs of the same machine can reach a server that listens on this address. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);
const file = (description: string) => Type.String({ default: '', description });

/** How every process connects to NATS, beside the address. */
export const natsSettings = {
  RIGEL_NATS_USER: Type.String({
    default: '',
    description: 'User at NATS; its password is in RIGEL_NATS_PASSWORD_FILE.',
  }),
  RIGEL_NATS_PASSWORD_FILE: file(
    'File with the password of RIGEL_NATS_USER; read again for each connection.',
  ),
  RIGEL_NATS_CREDENTIALS_FILE: file(
    'Credentials file (JWT and nkey) for NATS, instead of user and password.',
  ),
  RIGEL_NATS_CA_FILE: file(
    'Certificates (PEM) of the authorities to trust: the connection to NATS is encrypted, and the process checks the certificate of the server.',
  ),
  RIGEL_NATS_CERT_FILE: file('Certificate (PEM) that this process shows to NATS.'),
  RIGEL_NATS_KEY_FILE: file('Private key (PEM) of RIGEL_NATS_CERT_FILE.'),
};

/** How a service that owns a schema uses its database, beside the address. */
export const databaseSettings = {
  RIGEL_DATABASE_PASSWORD_FILE: file('File with the password for DATABASE_URL, which then contains none.'),
  RIGEL_MIGRATIONS: Type.Union([Type.Literal('apply'), Type.Literal('check')], {
    default: 'apply',
    description:
      'apply: the service brings its schema up to date when it starts; check: it waits until `rigel database migrate` has done so.',
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

/** The message of a process to the program that started it, over the IPC channel, before it ends because a setting is wrong: one line. */
export interface ConfigComplaint {
  configError: string;
}
