import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { commandLineOf } from './command-line.js';
import { findFreePort } from './free-port.js';
import { serverEnvironment } from './server-environment.js';
import {
  describeExit,
  type EndStep,
  type ProcessExit,
  type ServerHandle,
  spawnServer,
} from './server-process.js';

const HOST = '127.0.0.1';
const READY_TIMEOUT_MS = 20_000;
const POLL_MS = 25;
const END: EndStep[] = [
  { signal: 'SIGTERM', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
];
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** How to start nginx. */
export interface NginxOptions {
  /** Absolute path of nginx. */
  binary: string;
  /** Folder for its configuration, pid file and temporary files. */
  folder: string;
  /** Where it listens on 127.0.0.1; a random free port when not given. */
  port?: number;
  /** Its error log is appended here. */
  logFile: string;
  /** Called once when it has ended although stop() was not called. */
  onExit?: (exit: ProcessExit) => void;
  /** Gives up starting. */
  signal?: AbortSignal;
}

/** How an nginx that was started here is changed by others. */
export interface NginxControl {
  /** File of the block `upstream`, which nginx includes. */
  upstreamFile: string;
  upstream: string;
  pidFile: string;
  /** The command and its first arguments, for `-t` and `-s reload`. */
  command: string[];
}

/** Where the parts of an nginx in this folder are. */
export function nginxControl(folder: string, binary: string): NginxControl {
  return {
    upstreamFile: join(folder, 'upstreams', 'nodes.conf'),
    upstream: 'nodes',
    pidFile: join(folder, 'nginx.pid'),
    command: [binary, '-e', join(folder, 'error.log'), '-p', folder, '-c', join(folder, 'nginx.conf')],
  };
}

/**
 * The process id of the nginx that runs in this folder, even if another process started it.
 *
 * @returns undefined when none runs
 */
export async function runningNginx(folder: string): Promise<number | undefined> {
  const pid = Number(await readFile(join(folder, 'nginx.pid'), 'utf8').catch(() => ''));
  if (!(pid > 1)) return undefined;
  return (await commandLineOf(pid))?.includes(join(folder, 'nginx.conf')) ? pid : undefined;
}

/**
 * Starts a real nginx that passes all requests on to the servers of one upstream, which has none at first.
 *
 * @returns when it accepts connections
 * @throws Error when it does not start; the message ends with the last line of its log
 */
export async function startNginx(options: NginxOptions): Promise<ServerHandle> {
  const { binary, folder, logFile, signal } = options;
  const port = options.port ?? (await findFreePort(HOST));
  const control = nginxControl(folder, binary);
  await mkdir(join(folder, 'upstreams'), { recursive: true, mode: 0o700 });
  await endWorkersOf(control.pidFile);
  await writeFile(join(folder, 'nginx.conf'), configuration(folder, port, control));
  const empty = `upstream ${control.upstream} {\n    server 127.0.0.1:1 down;\n}\n`;
  await writeFile(control.upstreamFile, empty, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const [command = binary, ...args] = control.command;
  const server = await spawnServer({
    command,
    args: [...args, '-g', 'daemon off;'],
    env: serverEnvironment(),
    logFile,
  });
  let stopping = false;
  void server.exited.then((exit) => {
    if (!stopping) options.onExit?.(exit);
  });
  const stop = async (): Promise<void> => {
    stopping = true;
    await server.end(END);
  };
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await canConnect(port))) {
    const exit = server.exit();
    if (exit !== undefined || Date.now() > deadline || signal?.aborted) {
      await stop();
      signal?.throwIfAborted();
      const reason = (await server.lastLogLine(/\S/)) ?? 'no message';
      const ended = exit === undefined ? 'does not answer' : `ended while starting (${describeExit(exit)})`;
      throw new Error(`nginx ${ended}: ${reason.replaceAll('"', "'")}; its log: ${logFile}`);
    }
    await delay(POLL_MS);
  }
  return { url: `http://${HOST}:${port}`, port, pid: server.pid, stop };
}

function configuration(folder: string, port: number, { pidFile, upstream }: NginxControl): string {
  return [
    // As root, nginx would run its workers as another user, who could not read this folder.
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    'worker_processes 2;',
    `pid ${pidFile};`,
    'error_log stderr;',
    'events { worker_connections 512; }',
    'http {',
    '  access_log off;',
    ...TEMPORARY.map((name) => `  ${name}_temp_path ${join(folder, name)};`),
    `  include ${join(folder, 'upstreams')}/*;`,
    '  server {',
    `    listen ${HOST}:${port};`,
    `    location / { proxy_pass http://${upstream}; }`,
    '  }',
    '}',
    '',
  ].join('\n');
}

/** The workers of a master that was killed go on listening; they are in its process group. */
async function endWorkersOf(pidFile: string): Promise<void> {
  const master = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  if (process.platform !== 'linux' || !(master > 1) || (await commandLineOf(master)) !== undefined) return;
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => '');
    const [, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(group) !== master) continue;
    if (!(await commandLineOf(Number(name)))?.startsWith('nginx:')) continue;
    try {
      process.kill(Number(name), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  await rm(pidFile, { force: true });
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port });
    const done = (connected: boolean) => {
      socket.destroy();
      resolve(connected);
    };
    socket.once('connect', () => done(true)).once('error', () => done(false));
  });
}
