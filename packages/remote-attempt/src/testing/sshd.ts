import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as connectSocket, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installDebianPackage } from '@rigel/local-servers';

export { type HostileNode, startHostileNode } from './hostile-node.js';
export { mountSmallDisk, type SmallDisk } from './small-disk.js';

const run = promisify(execFile);

const SSHD = '/usr/sbin/sshd';
const ACCOUNT = 'rigel-node';
const START_TRIES = 20;
const START_MS = 10_000;

export interface SshdOptions {
  /** Default 127.0.0.1. With 0.0.0.0 every address 127.x.y.z is a node of its own. */
  listenAddress?: string;
  /** Further lines of sshd_config. They stand first, and the first value of an option counts. */
  extraConfig?: string;
  /** Added to the environment of the sessions. */
  env?: Record<string, string>;
  /** The login shell; needs root, which makes an account for every shell. Default /bin/sh. */
  loginShell?: string;
  /** Fix the port, to start a server again where one was. Default a free one. */
  port?: number;
  /**
   * A program, with its arguments, that runs the server's command line: `unshare`, say. It has to become it (`exec`).
   */
  within?: readonly string[];
  /** What is run in place of sshd: a link to it, by whose name PAM knows it. */
  program?: string;
  /** The host key of an earlier server, as `keyFiles.hostKey`. Default a fresh one. */
  hostKeyFile?: string;
}

/** A throwaway OpenSSH server with its own home folder. */
export interface Sshd {
  port: number;
  /** The user to log in as. */
  user: string;
  /** The client's key, in OpenSSH format. */
  privateKey: string;
  /** `ssh-ed25519 AAAA…`, as a client sees it. */
  hostKey: string;
  /** The files, for programs that want files; they are gone after `stop`. */
  keyFiles: { privateKey: string; hostKey: string };
  /** The server's sshd_config; gone after `stop`. */
  configFile: string;
  /** HOME of the sessions: empty at first, removed by `stop`. */
  home: string;
  /** Kills the open connections; the server itself and detached commands go on. */
  stopSessions(): Promise<void>;
  /** Stops the server, kills what was started through it and is still alive, and removes its files. */
  stop(): Promise<void>;
}

/**
 * Starts a real OpenSSH server on a loopback port, without touching the machine's own. If it is not installed and this
 * process is root's, Debian's package is installed. For root the sessions belong to an account made for tests, else to
 * the current user.
 */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  await ensureSshd();
  const account = await ensureAccount(options.loginShell ?? '/bin/sh', options.loginShell !== undefined);
  const folder = await mkdtemp(join(tmpdir(), 'rigel-sshd-'));
  const home = join(folder, 'home');
  const keyFiles = { privateKey: join(folder, 'client_key'), hostKey: join(folder, 'host_key') };
  await run('chmod', ['755', folder]);
  await mkdir(home, { mode: 0o755 });
  if (account.uid !== undefined) await chown(home, account.uid, account.gid ?? account.uid);
  await generateKey(keyFiles.privateKey);
  if (options.hostKeyFile === undefined) await generateKey(keyFiles.hostKey);
  else await run('cp', ['-p', options.hostKeyFile, `${options.hostKeyFile}.pub`, folder]);
  const hostPublicKey = await readFile(`${keyFiles.hostKey}.pub`, 'utf8');

  const listenAddress = options.listenAddress ?? '127.0.0.1';
  const configFile = join(folder, 'sshd_config');
  let server: { process: ChildProcess; port: number } | undefined;
  let lastError: unknown;
  for (let tries = 0; server === undefined && tries < START_TRIES; tries++) {
    const port = options.port ?? (await freePort());
    await writeFile(configFile, sshdConfig({ ...options, listenAddress }, { port, home, folder, keyFiles }));
    try {
      const command = [...(options.within ?? []), options.program ?? SSHD];
      server = { process: await startServer(command, configFile, port), port };
    } catch (error) {
      // Another process took the port in between.
      lastError = error;
    }
  }
  if (server === undefined) {
    await rm(folder, { recursive: true, force: true });
    throw lastError;
  }
  const { process: child, port } = server;
  // For a test that ends before it can stop its servers.
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  return {
    port,
    user: account.name,
    privateKey: await readFile(keyFiles.privateKey, 'utf8'),
    hostKey: hostPublicKey.trim().split(' ').slice(0, 2).join(' '),
    keyFiles,
    configFile,
    home,
    stopSessions: () => killDescendants(child.pid),
    stop: async () => {
      process.off('exit', killAtExit);
      await killDescendants(child.pid);
      if (child.exitCode === null && child.signalCode === null) {
        const exited = new Promise((resolve) => child.once('exit', resolve));
        child.ref();
        child.kill('SIGKILL');
        await exited;
      }
      await killByHome(home);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

interface Account {
  name: string;
  uid?: number;
  gid?: number;
}

async function ensureSshd(): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  if (!(await isThere(SSHD))) {
    if (!isRoot) throw new Error(`${SSHD} is missing: install the package openssh-server`);
    await installDebianPackage('openssh-server');
  }
  // sshd wants its privilege separation directory, which the service's start would make.
  if (isRoot) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
}

async function ensureAccount(shell: string, own: boolean): Promise<Account> {
  if (process.getuid?.() !== 0) {
    if (own) throw new Error('loginShell: only root can make an account with another shell');
    return { name: userInfo().username };
  }
  const name = own ? `${ACCOUNT}-${shell.replace(/[^a-z0-9]+/g, '').slice(-20)}` : ACCOUNT;
  let lastError: unknown;
  for (let tries = 0; tries < START_TRIES; tries++) {
    const found = await run('id', ['-u', name]).catch(() => undefined);
    if (found !== undefined) {
      const { stdout: gid } = await run('id', ['-g', name]);
      return { name, uid: Number(found.stdout), gid: Number(gid) };
    }
    try {
      await run('useradd', ['--create-home', '--shell', shell, '--password', '*', name]);
    } catch (error) {
      // Another test process is making it, or holds the lock of the password file.
      lastError = error;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
  throw lastError;
}

async function generateKey(file: string): Promise<void> {
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'rigel-test', '-f', file]);
}

function sshdConfig(
  options: SshdOptions & { listenAddress: string },
  server: { port: number; home: string; folder: string; keyFiles: { privateKey: string; hostKey: string } },
): string {
  const env = Object.entries({ ...options.env, HOME: server.home }).map(
    ([name, value]) => `${name}=${value}`,
  );
  return [
    options.extraConfig ?? '',
    `ListenAddress ${options.listenAddress}`,
    `Port ${server.port}`,
    `HostKey ${server.keyFiles.hostKey}`,
    `AuthorizedKeysFile ${server.keyFiles.privateKey}.pub`,
    `SetEnv ${env.join(' ')}`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'UseDNS no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PrintMotd no',
    // Of this one option the last value counts.
    ...(/^MaxStartups/m.test(options.extraConfig ?? '') ? [] : ['MaxStartups 1000']),
    'MaxSessions 100',
    'LogLevel ERROR',
    '',
  ].join('\n');
}

async function startServer(
  command: readonly string[],
  configFile: string,
  port: number,
): Promise<ChildProcess> {
  const [program = SSHD, ...args] = command;
  const child = spawn(program, [...args, '-D', '-e', '-f', configFile], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (said.length < 2000) said += chunk.toString();
  });
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`sshd on port ${port} ended at once: ${said.trim()}`);
    if (await canConnect(port)) {
      // Its messages must not keep the test process alive.
      child.unref();
      (child.stderr as unknown as { unref?: () => void })?.unref?.();
      return child;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill('SIGKILL');
  throw new Error(`sshd on port ${port} does not answer after ${START_MS / 1000} s: ${said.trim()}`);
}

async function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket({ host: '127.0.0.1', port });
    const done = (connected: boolean) => {
      socket.destroy();
      resolve(connected);
    };
    socket.once('connect', () => done(true)).once('error', () => done(false));
  });
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('no free port'));
      });
    });
  });
}

async function isThere(file: string): Promise<boolean> {
  return readFile(file).then(
    () => true,
    () => false,
  );
}

/** Kills the processes below one, not those that were handed over to init. */
async function killDescendants(pid: number | undefined): Promise<void> {
  if (pid === undefined) return;
  const children = new Map<number, number[]>();
  for (const { pid: child, parent } of await listProcesses()) {
    children.set(parent, [...(children.get(parent) ?? []), child]);
  }
  // Only sshd's own processes: the commands below them are to survive the loss of their connection.
  for (const child of children.get(pid) ?? []) {
    for (const grandchild of children.get(child) ?? []) {
      if (await isSshd(grandchild)) killQuietly(grandchild);
    }
    killQuietly(child);
  }
}

async function isSshd(pid: number): Promise<boolean> {
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  return name.startsWith('sshd');
}

/** Kills all processes that were started with this home folder, until none is left. */
async function killByHome(home: string): Promise<void> {
  for (let round = 0; round < 50; round++) {
    let found = 0;
    for (const { pid } of await listProcesses()) {
      const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      if (!environ.split('\0').includes(`HOME=${home}`)) continue;
      found += 1;
      killQuietly(pid);
    }
    if (found === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`processes started below ${home} withstand KILL`);
}

async function listProcesses(): Promise<{ pid: number; parent: number }[]> {
  const processes: { pid: number; parent: number }[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => '');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (parent !== undefined && state !== 'Z') processes.push({ pid: Number(name), parent: Number(parent) });
  }
  return processes;
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It ended meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export { allowSudo, canAllowSudo } from './sudo.js';
