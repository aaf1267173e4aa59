import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findFreePort, findInstalledProgram, nginxControl, startNginx } from '@rigel/local-servers';
import { secretVariables } from '@rigel/providers';
import { generateSshKey, LocalMachines } from '@rigel/providers/local-machines';
import type { LocalConfig } from './config.js';
import type { ServerSpec } from './process-spec.js';

/** What executors need for machines and load balancers. */
export interface ExecutorProviders {
  /** The providers file. */
  file: string;
  /** A private key for nodes, made because there is none. */
  sshKeyFile?: string;
  /** Variables that the providers file refers to. */
  secrets: Record<string, string>;
}

/** The providers of a stack. */
export interface PreparedProviders {
  executors: ExecutorProviders;
  /** The embedded load balancer, when nginx is installed. */
  nginx?: { spec: Omit<ServerSpec, 'stopStage'>; url: string };
}

/** Port on which services of local machines must listen, so that the embedded nginx reaches them. */
export const SERVICE_PORT = 8000;
/** Folder of the embedded nginx. */
export const nginxDir = (config: LocalConfig): string => join(config.dataDir, 'nginx');
/** File in the data folder, written if no providers file is given. */
const PROVIDERS_FILE = 'providers.json';

/** The throwaway machines of a stack with this data folder. */
export const machinesOf = (dataDir: string): LocalMachines => new LocalMachines(join(dataDir, 'machines'));

/**
 * The providers file that was given, otherwise one for this computer: VM provider 1 makes local machines, and service
 * discovery 1 is an nginx of ours, when nginx is installed.
 */
export async function prepareProviders(config: LocalConfig): Promise<PreparedProviders> {
  if (config.providersFile !== undefined) {
    const names = secretVariables(readFileSync(config.providersFile, 'utf8'));
    const given = names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
    return { executors: { file: config.providersFile, secrets: Object.fromEntries(given) } };
  }
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const machines = { adapter: 'local', folder: machinesOf(config.dataDir).folder };
  const binary = await findInstalledProgram('nginx');
  const nginx = binary === undefined ? undefined : await embeddedNginx(config, binary);
  const file = join(config.dataDir, PROVIDERS_FILE);
  const content = { vm: { 1: machines }, sd: nginx === undefined ? {} : { 1: nginx.entry } };
  await writeWhole(file, `${JSON.stringify(content, undefined, 2)}\n`, 0o600);
  const sshKeyFile = config.sshKeyFile === undefined ? await keyFileIn(config.dataDir) : undefined;
  return {
    executors: { file, secrets: {}, ...(sshKeyFile === undefined ? {} : { sshKeyFile }) },
    ...(nginx === undefined ? {} : { nginx: { spec: nginx.spec, url: nginx.url } }),
  };
}

async function embeddedNginx(config: LocalConfig, binary: string) {
  const folder = nginxDir(config);
  const port = config.balancerPort === 0 ? await findFreePort() : config.balancerPort;
  const { upstreamFile, upstream, pidFile, command } = nginxControl(folder, binary);
  return {
    url: `http://127.0.0.1:${port}`,
    entry: { adapter: 'nginx', file: upstreamFile, upstream, pid_file: pidFile, command, port: SERVICE_PORT },
    spec: {
      name: 'nginx',
      start: (start) => startNginx({ ...start, binary, folder, port }),
    } satisfies Omit<ServerSpec, 'stopStage'>,
  };
}

/** A key for local machines, if the user has none. It is kept, because machines go on when the stack ends. */
async function keyFileIn(dataDir: string): Promise<string | undefined> {
  const usual = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => join(homedir(), '.ssh', name));
  if (usual.some((file) => existsSync(file))) return undefined;
  const file = join(dataDir, 'ssh', 'id_ed25519');
  if (!existsSync(file)) {
    await mkdir(join(dataDir, 'ssh'), { recursive: true, mode: 0o700 });
    await writeWhole(file, generateSshKey().private, 0o600);
  }
  return file;
}

async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  await writeFile(`${file}.new`, text, { mode });
  await rename(`${file}.new`, file);
}
