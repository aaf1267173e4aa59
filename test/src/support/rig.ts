import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CommandSpec,
  type LocalConfig,
  machinesOf,
  readLocalConfig,
  type Stack,
  type StackOptions,
  stackServices,
  startStack,
} from '@rigel/local';
import { type Sshd, startSshd } from '@rigel/remote-attempt/testing';
import { TEST_CACHE_DIR } from '@rigel/testing';
import { ApiClient } from './api.js';
import { Fleet } from './fleet.js';
import { inOneProcess } from './one-process.js';

/** How long it may take to remove what is left of the local machines. */
const MACHINES_MS = 120_000;

/**
 * The whole system, on free ports and a temporary data folder, with a real SSH server. All services are in one process,
 * unless the test asks for a process for each, as `pnpm start` runs them.
 */
export interface Rig {
  stack: Stack;
  sshd: Sshd;
  /** The local machines that tasks have made; `stop` removes what is left of them. */
  machines: ReturnType<typeof machinesOf>;
  api: ApiClient;
  fleet: Fleet;
  dataDir: string;
  /** The services as `pnpm start` would run them. */
  specs: CommandSpec[];
  /** Kills everything of the stack with SIGKILL, and keeps it down. */
  crash(): Promise<void>;
  /** Starts a stack on the same data folder, after `crash` or `stack.stop`; `stack`, `api` and `fleet` are new then. */
  startAgain(): Promise<void>;
  /** Certificate (PEM) of the authority to trust, when the system is secured. */
  ca: string | undefined;
  /** A client that says by this header who it is. */
  client(authorization: string): ApiClient;
  /** What the process of this name is given by its environment: for one more of its kind. */
  environment(name: string): Record<string, string>;
  /** @throws Error with what NATS refused, when every system is secured (`RIGEL_TEST_SECURED=1`). */
  stop(): Promise<void>;
}

export interface RigOptions {
  /**
   * Each service is a process of its own, as `pnpm start` runs them: for tests that kill, freeze, measure or look into one of
   * them. Default: all are in one process, `services`, which takes a fifth of the processor time of their starts.
   */
  apart?: boolean;
  executors?: number;
  /** Only PostgreSQL and NATS: the test starts the services itself, as `specs` names them. */
  serversOnly?: boolean;
  /** NATS servers to use. Default: one of the stack's own. On a secured system they have the users of its data folder. */
  natsUrl?: string;
  /** A PostgreSQL database to use. Default: a server of the stack's own. */
  databaseUrl?: string;
  /** The data folder, which the caller makes and removes. Default: a temporary one. */
  dataDir?: string;
  schedulers?: number;
  /** Content of the providers file, given the data folder. Default: what `pnpm start` makes. */
  providers?: (dataDir: string) => object;
  /** Services of which two replicas run. */
  twice?: readonly ('catalog' | 'inventory')[];
  /** Settings for the services, by the beginning of the process name (`executor`, `scheduler`, …). */
  env?: Record<string, Record<string, string>>;
  /** What is to be done when the SSH server is there, and before the system starts: files that executors read, say. */
  beforeStart?: (sshd: Sshd) => Promise<void>;
  /** Lines for the SSH server's configuration. */
  sshdConfig?: string;
  /** Added to the environment of what runs on nodes. */
  nodeEnv?: Record<string, string>;
  /** The database does not wait for the disk: for tests that do not kill it. */
  fastDatabase?: boolean;
  /** How long a killed process waits for its next start. Default: the supervisor's. */
  backoff?: StackOptions['backoff'];
  /**
   * With the production configuration of NATS, encryption, and a database role for each service. Default: with
   * `RIGEL_TEST_SECURED=1`, so that every test can be run on such a system.
   */
  secured?: boolean;
  /** Every service leaves a CPU profile in this folder when it ends. */
  profileDir?: string | undefined;
}

const ALL_SECURED = process.env.RIGEL_TEST_SECURED === '1';

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const folder = await mkdtemp(join(tmpdir(), 'rigel-rig-'));
  const sshd = await startSshd({
    listenAddress: '0.0.0.0',
    ...(options.sshdConfig === undefined ? {} : { extraConfig: options.sshdConfig }),
    ...(options.nodeEnv === undefined ? {} : { env: options.nodeEnv }),
  });
  try {
    const keyFile = join(folder, 'id_ed25519');
    await writeFile(keyFile, sshd.privateKey, { mode: 0o600 });
    const dataDir = options.dataDir ?? join(folder, 'data');
    const providersFile = join(folder, 'providers.json');
    if (options.providers) await writeFile(providersFile, JSON.stringify(options.providers(dataDir)));
    const read = readLocalConfig({
      ...(options.providers ? { RIGEL_PROVIDERS_FILE: providersFile } : {}),
      RIGEL_DATA_DIR: dataDir,
      ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
      RIGEL_HTTP_PORT: '0',
      RIGEL_SECURED: String(options.secured ?? ALL_SECURED),
      RIGEL_EXECUTORS: String(options.executors ?? 2),
      RIGEL_SCHEDULERS: String(options.schedulers ?? 1),
      RIGEL_SSH_USER: sshd.user,
      RIGEL_SSH_KEY_FILE: keyFile,
      RIGEL_SSH_PORT: String(sshd.port),
    });
    // Not by its variable, which `RIGEL_SECURED` refuses: only here somebody else has made those servers secure.
    const config = options.natsUrl === undefined ? read : { ...read, natsUrl: options.natsUrl };
    const start = () => startRigStack(config, options);
    await options.beforeStart?.(sshd);
    const machines = machinesOf(dataDir);
    const rig: Rig = {
      ...(await start()),
      machines,
      sshd,
      dataDir,
      environment: (name) => {
        const env = rig.specs.find((spec) => spec.name === name)?.env;
        if (env === undefined) throw new Error(`there is no process ${name}`);
        return env;
      },
      startAgain: async () => void Object.assign(rig, await start()),
      stop: async () => {
        await rig.stack.stop();
        const refused = ALL_SECURED && options.secured === undefined ? await natsRefusals(dataDir) : [];
        // They outlive the stack, and would outlive their folder.
        await machines.destroy(AbortSignal.timeout(MACHINES_MS));
        await sshd.stop();
        await rm(folder, { recursive: true, force: true });
        if (refused.length > 0) throw new Error(`NATS refused what the system needs:\n${refused.join('\n')}`);
      },
    };
    return rig;
  } catch (error) {
    await sshd.stop();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** The stack, and who speaks to it. */
async function startRigStack(
  config: LocalConfig,
  options: RigOptions,
): Promise<Pick<Rig, 'stack' | 'specs' | 'api' | 'fleet' | 'ca' | 'client' | 'crash'>> {
  const killing = new AbortController();
  const specs: CommandSpec[] = [];
  const stack = await startStack(config, {
    killSignal: killing.signal,
    unsafeFastDatabase: options.fastDatabase ?? true,
    databaseTemplateDir: TEST_CACHE_DIR,
    ...(options.backoff ? { backoff: options.backoff } : {}),
    services: (config, addresses) => {
      const services = withReplicas(stackServices(config, addresses), options.twice ?? []);
      for (const service of services)
        specs.push({
          ...service,
          args: [...profiling(options.profileDir), ...service.args],
          env: { ...service.env, ...settingsFor(service.name, options.env ?? {}) },
        });
      if (options.serversOnly) return [];
      return options.apart ? specs : [inOneProcess(specs, join(config.dataDir, 'logs'))];
    },
  });
  const ca = stack.caFile === undefined ? undefined : await readFile(stack.caFile, 'utf8');
  const client = (authorization?: string) => new ApiClient(stack.httpUrl, undefined, authorization, ca);
  const api = client();
  const crash = async (): Promise<void> => {
    killing.abort();
    await stack.stop();
  };
  return { stack, specs, api, fleet: new Fleet(api), ca, client, crash };
}

/** Lines in the logs of a system's processes, and of NATS itself, that tell of something that its users may not do there. */
export async function natsRefusals(dataDir: string): Promise<string[]> {
  const folder = join(dataDir, 'logs');
  const refusals: string[] = [];
  const starts = (await readFile(join(folder, 'nats.log'), 'utf8').catch(() => '')).split(
    'Server is ready',
  ).length;
  for (const name of await readdir(folder)) {
    for (const line of (await readFile(join(folder, name), 'utf8')).split('\n')) {
      // A server that was killed has forgotten whom it let answer what came before.
      if (starts > 2 && line.includes('"_INBOX.')) continue;
      if (/(permissions|publish|subscription) violation/i.test(line)) refusals.push(`${name}: ${line}`);
    }
  }
  return refusals;
}

function withReplicas(services: CommandSpec[], names: readonly string[]): CommandSpec[] {
  return services.flatMap((service) => {
    if (!names.includes(service.name)) return [service];
    const name = `${service.name}-2`;
    return [service, { ...service, name, env: { ...service.env, RIGEL_SERVICE_NAME: name } }];
  });
}

function settingsFor(name: string, env: Record<string, Record<string, string>>): Record<string, string> {
  return Object.assign(
    {},
    ...Object.entries(env).flatMap(([prefix, values]) => (name.startsWith(prefix) ? [values] : [])),
  );
}

function profiling(folder: string | undefined): string[] {
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}
