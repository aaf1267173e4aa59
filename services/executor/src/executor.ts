import { existsSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@rigel/clock';
import { executorSettings, newExecutor, nodeSettings } from '@rigel/contracts';
import { WorkQueue } from '@rigel/messaging';
import { NO_PROVIDERS, type Providers, ProvidersFileError, readProvidersFile } from '@rigel/providers';
import { attemptsFolderProblem, type KnownHostsLookup } from '@rigel/remote-attempt';
import { ConfigError, type ServiceContext, serveHealth } from '@rigel/runtime';
import type { ProfileSecrets } from '@rigel/secrets';
import type { Logger } from 'pino';
import { type Static, Type } from 'typebox';
import { Agent } from './agent/agent.js';
import { measuredAccess } from './metrics.js';
import { NoopRunner } from './noop-runner.js';
import { askForMachine } from './providers/machine-gone.js';
import { serveMachineLists } from './providers/machine-list.js';
import { SdRunner } from './providers/sd-runner.js';
import { VmRunner } from './providers/vm-runner.js';
import { openSecrets, warnOfReserved } from './secrets/secret-places.js';
import { StepSecrets } from './secrets/step-secrets.js';
import { keyInFile, keyProblem, knownHostsIn } from './ssh/key-files.js';
import { type SshSettings, sshAccess } from './ssh/node-access.js';
import { NodeConnections } from './ssh/node-connections.js';
import { SshProfiles, SshProfilesError } from './ssh/profiles.js';
import { SshRunner } from './ssh/ssh-runner.js';

const CAPABILITIES = ['ssh', 'vm', 'sd', 'noop'] as const;
/** How long a provider may take, when the executor starts, to bring its own parts back up. */
const RESUME_MS = 60_000;

export const ExecutorConfig = Type.Object({
  ...executorSettings,
  RIGEL_SSH_USER: Type.String({
    default: '',
    description: 'User on the nodes; default: the user of this process.',
  }),
  ...nodeSettings,
  RIGEL_SSH_KEY_FILE: Type.String({
    default: '',
    description:
      'Private key without a passphrase; its certificate may lie beside it (<file>-cert.pub). Default: ~/.ssh/id_ed25519, or id_ecdsa, or id_rsa.',
  }),
  RIGEL_SSH_HOST_KEYS: Type.Enum(['accept-new', 'strict'], {
    default: 'accept-new',
    description:
      'accept-new: learn the key of a new host, refuse a changed key; strict: accept only known keys.',
  }),
  RIGEL_PROVIDERS_FILE: Type.String({
    default: '',
    description: 'File that names the VM providers and load balancers; see docs/providers.md.',
  }),
  RIGEL_SSH_KNOWN_HOSTS: Type.String({
    default: '',
    description:
      'File of known host keys in the format of OpenSSH, read again when it changes; default: ~/.ssh/known_hosts.',
  }),
});

const CONNECT_TIMEOUT_MS = 15_000;

/** The settings for SSH, and the file of the private key if there is one. */
async function readSshSettings(
  config: Static<typeof ExecutorConfig>,
  log: Logger,
): Promise<{ ssh: SshSettings; keyFile: string | undefined }> {
  const key = config.RIGEL_SSH_KEY_FILE
    ? config.RIGEL_SSH_KEY_FILE
    : ['id_ed25519', 'id_ecdsa', 'id_rsa']
        .map((name) => join(homedir(), '.ssh', name))
        .find((file) => existsSync(file));
  const { RIGEL_SSH_ALGORITHMS: algorithms, RIGEL_SSH_KEY_PERMISSIONS: permissions } = config;
  const problem = key && (await keyProblem(key, permissions, algorithms));
  // A key that no node can accept ends the start, before every node refuses it. A key that no setting names may not be
  // needed.
  if (config.RIGEL_SSH_KEY_FILE && problem)
    throw new ConfigError(`RIGEL_SSH_KEY_FILE is wrong: ${key}: ${problem}`);
  if (problem) log.warn({ file: key }, `the executor cannot use the SSH key: ${problem}`);
  if (!key)
    log.warn(
      'there is no SSH key, so every node will refuse the login: RIGEL_SSH_KEY_FILE is not set and ~/.ssh has no key',
    );
  const folder = config.RIGEL_SSH_ATTEMPTS_FOLDER || undefined;
  const folderProblem = folder && attemptsFolderProblem(folder);
  if (folderProblem) throw new ConfigError(`RIGEL_SSH_ATTEMPTS_FOLDER is wrong: ${folder} ${folderProblem}`);
  const knownHosts = readKnownHosts(config.RIGEL_SSH_KNOWN_HOSTS, log);
  const ssh: SshSettings = {
    connection: {
      user: config.RIGEL_SSH_USER || userInfo().username,
      privateKey: key ? keyInFile(key, permissions) : '',
      algorithms,
      hostKeyPolicy: config.RIGEL_SSH_HOST_KEYS,
      ...(knownHosts ? { knownHosts } : {}),
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      keepaliveIntervalMs: 10_000,
      keepaliveCountMax: 3,
      attemptFolders: { folder, memory: config.RIGEL_SSH_ATTEMPTS_IN_MEMORY === 'on' },
    },
    defaultPort: config.RIGEL_SSH_PORT,
    outputLimitBytes: config.RIGEL_OUTPUT_LIMIT,
    stopGraceMs: config.RIGEL_STOP_GRACE * 1_000,
    connectRetryMs: config.RIGEL_CONNECT_RETRY * 1000,
  };
  return { ssh, keyFile: key };
}

/** The known hosts. A file that the setting names has to exist: without it every host would be new. */
function readKnownHosts(named: string, log: Logger): KnownHostsLookup | undefined {
  const file = named || join(homedir(), '.ssh', 'known_hosts');
  if (named === '' && !existsSync(file)) return undefined;
  try {
    return knownHostsIn(file, log);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(`RIGEL_SSH_KNOWN_HOSTS is wrong: ${file} cannot be read (${code})`);
  }
}

function readProviders(file: string, ssh: SshSettings): Providers {
  if (file === '') return NO_PROVIDERS;
  try {
    return readProvidersFile(file, { ssh });
  } catch (error) {
    if (error instanceof ProvidersFileError)
      throw new ConfigError(`RIGEL_PROVIDERS_FILE is wrong: ${error.message}`);
    throw error;
  }
}

async function readProfiles(
  config: Static<typeof ExecutorConfig>,
  base: SshSettings,
  secrets: ProfileSecrets,
  log: Logger,
): Promise<SshProfiles> {
  const { RIGEL_SSH_PROFILES_FILE: file, RIGEL_SSH_KEY_PERMISSIONS: permissions } = config;
  if (file === '') return new SshProfiles(base);
  try {
    return await SshProfiles.read(file, { base, secrets, permissions, log });
  } catch (error) {
    if (error instanceof SshProfilesError)
      throw new ConfigError(`RIGEL_SSH_PROFILES_FILE is wrong: ${error.message}`);
    throw error;
  }
}

/** Has providers bring their own parts back up. If one fails, the first step that needs it tries again. */
function resumeProviders({ vm }: Providers, signal: AbortSignal, log: Logger): void {
  for (const entry of vm.values()) {
    entry
      .call(async (provider, call) => provider.resume?.(call), {
        signal: AbortSignal.any([signal, AbortSignal.timeout(RESUME_MS)]),
        correlationId: 'resume',
      })
      .catch((error: unknown) => {
        if (!signal.aborted)
          log.warn(
            { provider: entry.name, reason: String(error) },
            'a provider could not bring its own parts back up',
          );
      });
  }
}

/** Starts an executor, which takes offered node runs and works on them until its process ends. */
export async function startExecutor(context: ServiceContext<Static<typeof ExecutorConfig>>): Promise<void> {
  const { config, name, log, bus, onShutdown } = context;
  const capabilities = CAPABILITIES.filter((c) => config.RIGEL_EXECUTOR_CAPABILITIES.split(',').includes(c));
  const { ssh, keyFile } = await readSshSettings(config, log);
  const secrets = await openSecrets(config, keyFile);
  const profiles = await readProfiles(config, ssh, secrets.profiles, log);
  const stepSecrets = new StepSecrets(secrets.parameters);
  await warnOfReserved(secrets, log);
  const providers = readProviders(config.RIGEL_PROVIDERS_FILE, ssh);
  resumeProviders(providers, context.signal, log);
  // The name is unique for each process: a lease of an earlier process with the same setting is not this one's.
  const { name: executor, key } = newExecutor(name);
  const connections = new NodeConnections({
    idleMs: config.RIGEL_SSH_IDLE * 1000,
    keptDays: config.RIGEL_ATTEMPTS_KEPT,
    log,
  });
  const access = connections.over(measuredAccess(sshAccess));
  const agent = new Agent({
    executor,
    key,
    capabilities,
    slots: config.RIGEL_EXECUTOR_SLOTS,
    bus,
    work: new WorkQueue(bus, log),
    clock: systemClock,
    createRunner: (capability, claimed, runLog) => {
      switch (capability) {
        case 'noop':
          return new NoopRunner(systemClock);
        case 'vm':
          return new VmRunner(
            claimed,
            providers.vm,
            { access, settings: profiles.of(claimed.plan.cluster) },
            systemClock,
            runLog,
          );
        case 'sd':
          return new SdRunner(claimed, providers.sd, systemClock);
        case 'ssh':
          return new SshRunner(
            claimed,
            profiles.of(claimed.plan.cluster),
            access,
            systemClock,
            stepSecrets,
            runLog,
            askForMachine(providers.vm, runLog),
          );
      }
    },
    log,
  });
  agent.start();
  if (capabilities.includes('vm')) onShutdown('lists of machines', serveMachineLists(bus, providers.vm));
  onShutdown('work', async () => {
    await agent.stop();
    connections.close();
    profiles.close();
  });
  serveHealth(context, 'executor', {});
}
