import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DATABASE_URL_FILE } from '@rigel/contracts';
import {
  ensureNatsServer,
  findFreePort,
  reachesClosedFolders,
  runningNats,
  runningNginx,
  runningPostgres,
  startNats,
  startPostgres,
} from '@rigel/local-servers';
import { ConfigError, type LocalConfig } from './config.js';
import { lockDataDir } from './data-dir-lock.js';
import { preparePrivateFolder } from './data-folder.js';
import { endLeftovers } from './leftovers.js';
import { nginxDir, prepareProviders } from './local-providers.js';
import { makeFolder } from './make-folder.js';
import { processStart } from './process-identity.js';
import type { ProcessSpec } from './process-spec.js';
import { waitUntilReady } from './readiness.js';
import { type ProcessRecord, RunFolder } from './run-folder.js';
import { prepareDatabaseRoles } from './secured/database-roles.js';
import { type NatsUsers, prepareNatsUsers, prepareSecured } from './secured/secured-folder.js';
import { STOP_STAGE, type StackAddresses, stackServices } from './stack-services.js';
import { type BackoffOptions, type ProcessStatus, STOP_DEADLINE_MS, Supervisor } from './supervisor.js';
import { createSupervisorLog, type SupervisorLog } from './supervisor-log.js';

const READY_TIMEOUT_MS = 60_000;
const STILL_STARTING_MS = 10_000;

/** Options beside the configuration. */
export interface StackOptions {
  /** Gives up starting: everything is stopped again, and startStack rejects. */
  signal?: AbortSignal;
  /** Kills everything at once: when starting is being given up, or stop() takes too long. */
  killSignal?: AbortSignal;
  /** Gets lines for a person who watches: what is installed, which process died and is started again. */
  onNotice?: (line: string) => void;
  /** The processes to run besides the servers. Default: all of Rigel's services. */
  services?: (config: LocalConfig, addresses: StackAddresses) => ProcessSpec[];
  /** Time for everything to become ready, once started. Default: 60 s. */
  readyTimeoutMs?: number;
  /** For tests only: the database does not wait for the disk. */
  unsafeFastDatabase?: boolean;
  /** For tests only: folder of a new database that is copied, see `templateDir` of startPostgres. */
  databaseTemplateDir?: string | undefined;
  /** How long a process that ended waits for its next start. Default: the supervisor's. */
  backoff?: BackoffOptions;
}

/** A running stack. */
export interface Stack {
  httpUrl: string;
  /** With its password: never log it. */
  databaseUrl: string;
  natsUrl: string;
  /** The users of its NATS server; undefined when `NATS_URL` named another one. */
  natsUsers: NatsUsers | undefined;
  /** Certificate of the authority that a secured system's servers are trusted by; undefined when it is not secured. */
  caFile: string | undefined;
  /** Where the embedded load balancer listens; undefined when there is none. */
  balancerUrl: string | undefined;
  /** Resolves, with the reason, when a process finds its configuration wrong at its first start and is not there. */
  misconfigured: Promise<ConfigError>;
  /** Every process as it is now, the servers that were started included. */
  readonly processes: ProcessStatus[];
  /**
   * Sends a signal to a process by name.
   *
   * @throws Error when there is no such process, or it does not run
   */
  kill(name: string, signal: NodeJS.Signals): void;
  /** Stops everything in order; resolves when no process is left and the data folder is free. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL and NATS, unless the configuration names servers to use, and every service, each as a process of
 * its own that is started again when it ends.
 *
 * @returns when everything is ready
 * @throws Error that says what went wrong and where to look, or the reason of the signal; nothing is left running then
 */
export async function startStack(config: LocalConfig, options: StackOptions = {}): Promise<Stack> {
  const { signal = new AbortController().signal, killSignal, readyTimeoutMs = READY_TIMEOUT_MS } = options;
  const logDir = join(config.dataDir, 'logs');
  const notices: string[] = [];
  await preparePrivateFolder(config.dataDir, (line) => notices.push(line), {
    passage: config.databaseUrl === undefined && !(await reachesClosedFolders()),
  });
  await makeFolder(logDir, 0o700);
  const log = createSupervisorLog(join(logDir, 'supervisor.log'), options.onNotice ?? (() => undefined));
  for (const line of notices) log.warn({}, line);
  const runFolder = new RunFolder(join(config.dataDir, 'run'));
  const lock = await lockDataDir(config.dataDir);
  const { backoff } = options;
  const supervisor = new Supervisor({ logDir, runFolder, log, ...(backoff ? { backoff } : {}) });
  const kill = () => supervisor.killAll();
  let stopped: Promise<void> | undefined;
  const stopAll = async () => {
    try {
      await supervisor.stop();
    } finally {
      killSignal?.removeEventListener('abort', kill);
      await rm(join(config.dataDir, DATABASE_URL_FILE), { force: true });
      await lock.release();
    }
  };
  const stop = () => {
    stopped ??= stopAll();
    return stopped;
  };
  killSignal?.addEventListener('abort', kill);
  try {
    await endLeftovers(await leftRecords(config, runFolder), log, STOP_DEADLINE_MS);
    runFolder.clear();
    await checkHttpAddress(config);
    const providers = await prepareProviders(config);
    const servers = await startServers(config, options, supervisor, log, signal);
    const addresses = { ...servers, providers: providers.executors };
    if (providers.nginx !== undefined)
      await startUnlessGivenUp(
        [{ ...providers.nginx.spec, stopStage: STOP_STAGE.nginx }],
        supervisor,
        log,
        signal,
      );
    const urlFile = join(config.dataDir, DATABASE_URL_FILE);
    // Removed first: the mode is that of a new file only.
    await rm(urlFile, { force: true });
    await writeFile(urlFile, `${addresses.databaseUrl}\n`, { mode: 0o600 });
    const services = (options.services ?? stackServices)(config, addresses);
    signal.throwIfAborted();
    await supervisor.start(services);
    const misconfigured = supervisor.misconfigured.then((problem) => new ConfigError(problem));
    const givenUp = new AbortController();
    const ready = waitUntilReady(
      supervisor,
      services,
      readyTimeoutMs,
      AbortSignal.any([signal, givenUp.signal]),
    );
    const wrong = await Promise.race([ready, misconfigured]);
    if (wrong !== undefined) {
      ready.catch(() => undefined);
      givenUp.abort(wrong);
      throw wrong;
    }
    const { httpUrl, databaseUrl, natsUrl } = addresses;
    return {
      httpUrl,
      databaseUrl,
      natsUrl,
      natsUsers: addresses.natsUsers,
      caFile: addresses.secured?.caFile,
      balancerUrl: providers.nginx?.url,
      misconfigured,
      get processes() {
        return supervisor.processes;
      },
      kill: (name, killWith) => supervisor.kill(name, killWith),
      stop,
    };
  } catch (error) {
    await stop();
    // What failed because it was given up says nothing of its own.
    throw signal.aborted ? signal.reason : error;
  }
}

async function startServers(
  config: LocalConfig,
  options: StackOptions,
  supervisor: Supervisor,
  log: SupervisorLog,
  signal: AbortSignal,
): Promise<StackAddresses> {
  const httpPort = config.httpPort === 0 ? await findFreePort(config.httpHost) : config.httpPort;
  const secured = config.secured ? await prepareSecured(config.dataDir) : undefined;
  const natsUsers =
    secured ?? (config.natsUrl === undefined ? await prepareNatsUsers(config.dataDir) : undefined);
  const addresses = {
    ...(secured === undefined ? {} : { secured }),
    ...(natsUsers === undefined ? {} : { natsUsers }),
    databaseUrl: config.databaseUrl ?? '',
    natsUrl: config.natsUrl ?? '',
    httpUrl: `${secured === undefined ? 'http' : 'https'}://${hostForClients(config.httpHost)}:${httpPort}`,
    httpPort,
  };
  const servers: ProcessSpec[] = [];
  // The ports are chosen once: a server that is started again must be found where it was.
  if (config.databaseUrl === undefined) {
    const port = await findFreePort();
    servers.push({
      name: 'postgres',
      stopStage: STOP_STAGE.postgres,
      start: async (start) => {
        const dataDir = postgresDir(config);
        const unsafeFast = options.unsafeFastDatabase ?? false;
        const tls = secured === undefined ? {} : { tls: secured.postgres };
        const templateDir = options.databaseTemplateDir;
        const server = await startPostgres({ ...start, dataDir, port, unsafeFast, templateDir, ...tls });
        addresses.databaseUrl = secured === undefined ? server.url : encrypted(server.url, secured.caFile);
        return server;
      },
    });
  }
  if (config.natsUrl === undefined) {
    const binary = await ensureNatsServer({
      cacheDir: join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rigel'),
      downloadUrl: config.natsDownloadUrl,
      downloadSha256: config.natsDownloadSha256,
      log: (line) => {
        log.info({}, line);
        options.onNotice?.(line);
      },
      signal,
    });
    const port = await findFreePort();
    servers.push({
      name: 'nats',
      stopStage: STOP_STAGE.nats,
      start: async (start) => {
        const server = await startNats({
          ...start,
          ...natsUsers?.nats,
          binary,
          storeDir: natsDir(config),
          port,
        });
        addresses.natsUrl = server.url;
        return server;
      },
    });
  }
  signal.throwIfAborted();
  await startUnlessGivenUp(servers, supervisor, log, signal);
  if (secured !== undefined) await prepareDatabaseRoles(addresses.databaseUrl, secured, signal);
  return addresses;
}

/** The address of a database, by which the connection is encrypted and the server's certificate checked. */
function encrypted(databaseUrl: string, caFile: string): string {
  const url = new URL(databaseUrl);
  url.searchParams.set('sslmode', 'verify-full');
  url.searchParams.set('sslrootcert', caFile);
  return url.href;
}

/** A server may take its time: PostgreSQL replays its log after a crash. So there is no deadline, but a notice now and then. */
async function startUnlessGivenUp(
  servers: ProcessSpec[],
  supervisor: Supervisor,
  log: SupervisorLog,
  signal: AbortSignal,
): Promise<void> {
  const started = supervisor.start(servers);
  const waiting = setInterval(() => {
    const starting = supervisor.processes.filter(({ pid }) => pid === undefined);
    for (const { name, logFile } of starting) {
      log.warn({ process: name }, `${name} is still starting; its log: ${logFile}`);
    }
  }, STILL_STARTING_MS);
  // stop() is what ends a server that is still being started.
  const giveUp = () => void supervisor.stop().catch(() => undefined); // startStack's own call reports the error
  signal.addEventListener('abort', giveUp);
  try {
    await started;
  } finally {
    clearInterval(waiting);
    signal.removeEventListener('abort', giveUp);
  }
}

const postgresDir = (config: LocalConfig): string => join(config.dataDir, 'postgres');
const natsDir = (config: LocalConfig): string => join(config.dataDir, 'nats');

/** The processes that an earlier instance recorded, and servers that it had no time to record. */
async function leftRecords(config: LocalConfig, runFolder: RunFolder): Promise<ProcessRecord[]> {
  const records = runFolder.leftRecords();
  const servers = [
    { name: 'nginx', pid: await runningNginx(nginxDir(config)), stopStage: STOP_STAGE.nginx },
    { name: 'nats', pid: await runningNats(natsDir(config)), stopStage: STOP_STAGE.nats },
    { name: 'postgres', pid: await runningPostgres(postgresDir(config)), stopStage: STOP_STAGE.postgres },
  ];
  for (const { name, pid, stopStage } of servers) {
    if (pid === undefined || records.some((record) => record.pid === pid)) continue;
    const started = await processStart(pid);
    if (started !== undefined) records.push({ name, pid, started, stopStage, stopSignal: 'SIGINT' });
  }
  return records;
}

async function checkHttpAddress({ httpHost, httpPort }: LocalConfig): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      const server = createServer();
      server.once('error', reject);
      server.listen({ host: httpHost, port: httpPort, exclusive: true }, () => server.close(() => resolve()));
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw new ConfigError(`RIGEL_HTTP_PORT = ${httpPort} is taken on ${httpHost}: set another one`);
    if (code === 'EACCES')
      throw new ConfigError(`RIGEL_HTTP_PORT = ${httpPort} is not allowed for this user: set another one`);
    throw new ConfigError(`RIGEL_HTTP_HOST = ${httpHost} cannot be listened on: ${message}`);
  }
}

/** Addresses that mean every interface are not for clients. */
function hostForClients(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
