import { chown, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from './free-port.js';
import { serverOfPidFile } from './pid-file.js';
import { asAccount, type PostgresAccount, postgresAccount } from './postgres-account.js';
import { type PostgresBinaries, postgresBinaries } from './postgres-binaries.js';
import { clusterDirOf, ensureCluster, POSTGRES_USER, passwordFileOf } from './postgres-cluster.js';
import { ensureTemplate } from './postgres-template.js';
import { serverEnvironment } from './server-environment.js';
import {
  describeExit,
  type EndStep,
  type ProcessExit,
  type ServerHandle,
  type ServerProcess,
  spawnServer,
} from './server-process.js';

const HOST = '127.0.0.1';
const DATABASE = 'postgres';
const MAX_CONNECTIONS = 200;
const POLL_MS = 25;
// Replaying the log after a crash takes as long as it takes; ending it half-way would only start it over.
const READY_TIMEOUT_MS = 600_000;
const SHARED_MEMORY_TIMEOUT_MS = 30_000;

/** SIGINT is PostgreSQL's fast shutdown, SIGQUIT the immediate one (recovery at the next start). */
const END: EndStep[] = [
  { signal: 'SIGINT', waitMs: 10_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
];

/** How to start PostgreSQL. */
export interface PostgresOptions {
  /** Folder for the cluster and its password file; made when missing, opened again when there. */
  dataDir: string;
  /** TCP port on 127.0.0.1; a random free one when not given. */
  port?: number;
  /** The server's log is appended here. */
  logFile: string;
  /** Called once when the server has ended although stop() was not called. */
  onExit?: (exit: ProcessExit) => void;
  /** Gives up starting. A server that has started is not affected. */
  signal?: AbortSignal;
  /** Certificate and key (PEM): only encrypted connections are accepted. */
  tls?: { cert: string; key: string };
  /** Programs of another PostgreSQL than the one that npm installs. */
  binaries?: PostgresBinaries;
  /** For tests only: does not wait for the disk, so a crash of the machine loses or breaks data. */
  unsafeFast?: boolean;
  /**
   * For tests only: folder of new clusters, made when missing. A cluster that is to be made is copied from there, in a
   * tenth of the time; so they all have one password.
   */
  templateDir?: string | undefined;
}

/** File, readable by its owner alone, that holds the password of the superuser `rigel`. */
export function postgresPasswordFile(dataDir: string): string {
  return passwordFileOf(resolve(dataDir));
}

/**
 * The process id of the server that has this data folder open, even if another process started it.
 *
 * @returns undefined when none runs
 */
export function runningPostgres(dataDir: string): Promise<number | undefined> {
  const clusterDir = clusterDirOf(resolve(dataDir));
  return serverOfPidFile(join(clusterDir, 'postmaster.pid'), clusterDir);
}

/**
 * Starts a real PostgreSQL server on 127.0.0.1, over an existing cluster or a new one.
 *
 * Commits wait for the disk. Login is by password (SCRAM) only; the password is random and stays in a file.
 *
 * @returns when the server accepts connections
 * @throws Error when it does not start; the message ends with the last error of its log
 */
export async function startPostgres(options: PostgresOptions): Promise<ServerHandle> {
  const dataDir = resolve(options.dataDir);
  const unsafeFast = options.unsafeFast ?? false;
  const running = await runningPostgres(dataDir);
  if (running !== undefined) throw new Error(`the PostgreSQL in ${dataDir} already runs (pid ${running})`);
  const binaries = options.binaries ?? (await postgresBinaries());
  const account = await postgresAccount(clusterDirOf(dataDir));
  const cluster = { binaries, account, unsafeFast, signal: options.signal };
  const copyOf =
    options.templateDir === undefined
      ? undefined
      : await ensureTemplate(resolve(options.templateDir), cluster);
  const password = await ensureCluster(dataDir, { ...cluster, copyOf });

  const clusterDir = clusterDirOf(dataDir);
  // PostgreSQL takes the number in a killed server's pid file for a running server when any process of the same
  // account has it by now. That none has this cluster open was seen above; sharing its memory is checked
  // by the server itself.
  await rm(join(clusterDir, 'postmaster.pid'), { force: true });

  const port = options.port ?? (await findFreePort(HOST));
  const settings = {
    listen_addresses: HOST,
    port,
    // The path of a socket file would have to fit into 100 bytes.
    unix_socket_directories: '',
    max_connections: MAX_CONNECTIONS,
    fsync: unsafeFast ? 'off' : 'on',
    synchronous_commit: unsafeFast ? 'off' : 'on',
    full_page_writes: unsafeFast ? 'off' : 'on',
    // Compiling costs more than any of our short queries.
    jit: 'off',
    ...(options.tls === undefined ? {} : await encryption(dataDir, options.tls, account)),
  };
  const command = await asAccount(
    account,
    binaries.postgres,
    ['-D', clusterDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    [join(clusterDir, 'PG_VERSION')],
  );
  const sharedMemoryDeadline = Date.now() + SHARED_MEMORY_TIMEOUT_MS;
  for (;;) {
    options.signal?.throwIfAborted();
    const server = await spawnServer({ ...command, env: serverEnvironment(), logFile: options.logFile });
    if (await becomesReady(server, clusterDir, options)) {
      let stopping = false;
      void server.exited.then((exit) => {
        if (!stopping) options.onExit?.(exit);
      });
      return {
        url: `postgres://${POSTGRES_USER}:${password}@${HOST}:${port}/${DATABASE}`,
        port,
        pid: server.pid,
        stop: () => {
          stopping = true;
          return server.end(END);
        },
      };
    }
    // The processes of a killed server end by themselves within moments.
    const inUse = await server.lastLogLine(/pre-existing shared memory block/);
    if (inUse === undefined || Date.now() > sharedMemoryDeadline)
      throw await startError(server, options.logFile);
    await delay(POLL_MS * 4, undefined, { signal: options.signal });
  }
}

/** Settings by which it takes encrypted connections only; the files are the server's own, as it wants its key to be. */
async function encryption(
  dataDir: string,
  tls: { cert: string; key: string },
  account: PostgresAccount,
): Promise<Record<string, string>> {
  const own = async (name: string, text: string): Promise<string> => {
    const file = join(dataDir, name);
    await rm(file, { force: true });
    await writeFile(file, text, { mode: 0o600 });
    if (account !== undefined) await chown(file, account.uid, account.gid);
    return file;
  };
  return {
    ssl: 'on',
    ssl_min_protocol_version: 'TLSv1.2',
    // Of 1.2: a key of each connection's own, and no CBC. Those of 1.3 are all like that.
    ssl_ciphers: 'ECDHE+AESGCM:ECDHE+CHACHA20',
    ssl_cert_file: await own('server.crt', tls.cert),
    ssl_key_file: await own('server.key', tls.key),
    hba_file: await own('pg_hba.tls.conf', `hostssl all all ${HOST}/32 scram-sha-256\n`),
  };
}

async function startError(server: ServerProcess, logFile: string): Promise<Error> {
  const exit = server.exit();
  const reason =
    (await server.lastLogLine(/(FATAL|PANIC):/)) ?? (await server.lastLogLine(/\S/)) ?? 'no message';
  const ended = exit === undefined ? 'did not become ready' : `ended while starting (${describeExit(exit)})`;
  return new Error(`PostgreSQL ${ended}: ${reason.replaceAll('"', "'")}; its log: ${logFile}`);
}

async function becomesReady(
  server: ServerProcess,
  clusterDir: string,
  options: PostgresOptions,
): Promise<boolean> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (server.exit() === undefined) {
    if (await postmasterReady(clusterDir, server.pid)) return true;
    if (options.signal?.aborted || Date.now() > deadline) {
      await server.end(END);
      options.signal?.throwIfAborted();
      return false;
    }
    await delay(POLL_MS);
  }
  return false;
}

// The file is PostgreSQL's own way of telling its state: the process id in the first line, the state in the eighth.
async function postmasterReady(clusterDir: string, pid: number): Promise<boolean> {
  try {
    const lines = (await readFile(join(clusterDir, 'postmaster.pid'), 'utf8')).split('\n');
    return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
