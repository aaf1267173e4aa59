import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureInstalledProgram, findFreePort, nginxControl, startNginx } from '@rigel/local-servers';

/** A real load balancer, started for a test. */
export interface LoadBalancer {
  /** The address for clients. */
  url: string;
  /** Its keys of an entry of the providers file, without `port`. */
  entry: Record<string, unknown>;
  folder: string;
  stop(): Promise<void>;
}

/** A load balancer, or why this machine has none. */
export type StartedBalancer = LoadBalancer | { missing: string };

const START_MS = 15_000;

const missing = (name: string) => ({
  missing: `${name} is not installed, and only root on Debian can install it here`,
});

/** Starts a real nginx whose upstream is empty at first. */
export async function startTestNginx(): Promise<StartedBalancer> {
  const binary = await ensureInstalledProgram('nginx', 'nginx-light');
  if (binary === undefined) return missing('nginx');
  const folder = await mkdtemp(join(tmpdir(), 'rigel-nginx-'));
  const server = await startNginx({ binary, folder, logFile: join(folder, 'nginx.log') });
  const kill = () => process.kill(server.pid, 'SIGTERM');
  process.once('exit', kill);
  const { upstreamFile, upstream, pidFile, command } = nginxControl(folder, binary);
  return {
    url: server.url,
    entry: { adapter: 'nginx', file: upstreamFile, upstream, pid_file: pidFile, command },
    folder,
    stop: async () => {
      process.off('exit', kill);
      await server.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Starts a real HAProxy with an empty backend `web`. */
export async function startTestHaproxy(): Promise<StartedBalancer> {
  const haproxy = await ensureInstalledProgram('haproxy', 'haproxy');
  if (haproxy === undefined) return missing('haproxy');
  const folder = await mkdtemp(join(tmpdir(), 'rigel-haproxy-'));
  const port = await findFreePort();
  const config = join(folder, 'haproxy.cfg');
  const socket = join(folder, 'admin.sock');
  await writeFile(
    config,
    [
      'global',
      `  stats socket ${socket} mode 600 level admin`,
      'defaults',
      '  mode http',
      '  timeout connect 2s',
      '  timeout client 30s',
      '  timeout server 30s',
      'frontend clients',
      `  bind 127.0.0.1:${port}`,
      '  default_backend web',
      'backend web',
      '  balance roundrobin',
      '',
    ].join('\n'),
  );
  const child = spawn(haproxy, ['-db', '-f', config], { stdio: 'ignore' });
  return started(child, port, folder, { adapter: 'haproxy', socket, backend: 'web' });
}

async function started(
  child: ChildProcess,
  port: number,
  folder: string,
  entry: Record<string, unknown>,
): Promise<LoadBalancer> {
  const kill = () => child.kill('SIGTERM');
  process.once('exit', kill);
  const deadline = Date.now() + START_MS;
  while (!(await canConnect(port))) {
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`${String(entry.adapter)} does not start, see ${folder}`);
    await sleep(20);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    entry,
    folder,
    stop: async () => {
      process.off('exit', kill);
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        await exited;
      }
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const done = (connected: boolean) => {
      socket.destroy();
      resolve(connected);
    };
    socket.once('connect', () => done(true)).once('error', () => done(false));
  });
}
