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
import { Agent } from './agent.js';
import { askForMachine } from './machine-gone.js';
import { measuredAccess } from './metrics.js';
import { NodeConnections } from './node-connections.js';
import { NoopRunner } from './noop-runner.js';
import { SdRunner } from './sd-runner.js';
import { openSecrets, tellReserved } from './secret-places.js';
import { keyInFile, keyProblem, knownHostsIn } from './ssh-files.js';
import { SshProfiles, SshProfilesError } from './ssh-profiles.js';
import { SshRunner, type SshSettings, sshAccess } from './ssh-runner.js';
import { StepSecrets } from './step-secrets.js';
import { VmRunner } from './vm-runner.js';

const CAPABILITIES = ['ssh', 'vm', 'sd', 'noop'] as const;
/** How long providers may take at the start to bring back what they keep up themselves. */
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
      'accept-new: learn a host key at first sight, refuse it when it changes; strict: only known keys.',
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

/** The settings, and the file of the key where there is one. */
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
  // A key that no node can accept is told now, not by every node. One that was not named may not be needed.
  if (config.RIGEL_SSH_KEY_FILE && problem)
    throw new ConfigError(`RIGEL_SSH_KEY_FILE is wrong: ${key}: ${problem}`);
  if (problem) log.warn({ file: key }, `the SSH key cannot be used: ${problem}`);
  if (!key)
    log.warn(
      'there is no SSH key (RIGEL_SSH_KEY_FILE is not set and ~/.ssh has none): every node will refuse',
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

/** A file that is named has to be there: without it every host would be new. */
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

/** Has providers bring back what they keep up themselves; whoever fails is tried again by the first step that needs it. */
function resumeProviders({ vm }: Providers, signal: AbortSignal, log: Logger): void {
  for (const entry of vm.values()) {
    entry
      .call(async (provider, call) => provider.resume?.(call), {
        signal: AbortSignal.any([signal, AbortSignal.timeout(RESUME_MS)]),
        correlationId: 'resume',
      })
      .catch((error: unknown) => {
        if (!signal.aborted)
          log.warn({ provider: entry.name, reason: String(error) }, 'a provider could not resume');
      });
  }
}

/** Starts an executor: it takes offered node runs and works on them until it is asked to end. */
export async function startExecutor(context: ServiceContext<Static<typeof ExecutorConfig>>): Promise<void> {
  const { config, name, log, bus, onShutdown } = context;
  const capabilities = CAPABILITIES.filter((c) => config.RIGEL_EXECUTOR_CAPABILITIES.split(',').includes(c));
  const { ssh, keyFile } = await readSshSettings(config, log);
  const secrets = await openSecrets(config, keyFile);
  const profiles = await readProfiles(config, ssh, secrets.profiles, log);
  const stepSecrets = new StepSecrets(secrets.parameters);
  await tellReserved(secrets, log);
  const providers = readProviders(config.RIGEL_PROVIDERS_FILE, ssh);
  resumeProviders(providers, context.signal, log);
  // Unique for each process: a lease of an earlier process of the same name is not this one's.
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
  onShutdown('work', async () => {
    await agent.stop();
    connections.close();
    profiles.close();
  });
  serveHealth(context, 'executor', {});
}
