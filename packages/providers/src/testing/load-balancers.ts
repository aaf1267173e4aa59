import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureInstalledProgram, findFreePort } from '@rigel/local-servers';

/** A real load balancer, started for a test. */
export interface LoadBalancer {
  /** Where clients go. */
  url: string;
  /** Its keys of an entry of the providers file, without `port`. */
  entry: Record<string, unknown>;
  folder: string;
  stop(): Promise<void>;
}

/** A load balancer, or why there is none on this machine. */
export type StartedBalancer = LoadBalancer | { missing: string };

const START_MS = 15_000;

const missing = (name: string) => ({
  missing: `${name} is not installed, and only root on Debian can install it here`,
});

/** Starts a real nginx whose upstream file is empty at first. */
export async function startNginx(options: { upstreamLines?: string[] } = {}): Promise<StartedBalancer> {
  const nginx = await ensureInstalledProgram('nginx', 'nginx-light');
  if (nginx === undefined) return missing('nginx');
  const folder = await mkdtemp(join(tmpdir(), 'rigel-nginx-'));
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'upstreams'));
  const port = await findFreePort();
  const config = join(folder, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${join(folder, name)};`,
  );
  await writeFile(
    config,
    [
      ...(process.getuid?.() === 0 ? ['user root;'] : []),
      'worker_processes 2;',
      `pid ${join(folder, 'nginx.pid')};`,
      `error_log ${join(folder, 'error.log')};`,
      'events { worker_connections 256; }',
      'http {',
      '  access_log off;',
      ...temporary,
      `  include ${join(folder, 'upstreams')}/*;`,
      `  server { listen 127.0.0.1:${port}; location / { proxy_pass http://web; } }`,
      '}',
      '',
    ].join('\n'),
  );
  const lines = options.upstreamLines ?? ['upstream web {', '    server 127.0.0.1:1 down;', '}', ''];
  await writeFile(join(folder, 'upstreams', 'web.conf'), lines.join('\n'));
  const arguments_ = ['-e', join(folder, 'error.log'), '-p', folder, '-c', config];
  const child = spawn(nginx, [...arguments_, '-g', 'daemon off;'], { stdio: 'ignore' });
  return started(child, port, folder, {
    adapter: 'nginx',
    file: join(folder, 'upstreams', 'web.conf'),
    upstream: 'web',
    pid_file: join(folder, 'nginx.pid'),
    command: [nginx, ...arguments_],
  });
}

/** Starts a real HAProxy with an empty backend `web`. */
export async function startHaproxy(): Promise<StartedBalancer> {
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
