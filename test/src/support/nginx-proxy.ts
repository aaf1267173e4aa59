import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureInstalledProgram } from '@rigel/local-servers';

const START_MS = 30_000;
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/**
 * Starts a real nginx with blocks that stand within `http`, as a file in `conf.d` does.
 * @param port where the blocks have it listen on 127.0.0.1.
 * @returns how to end it.
 * @throws Error with what nginx says when it does not start.
 */
export async function startNginxWith(blocks: string, port: number): Promise<() => Promise<void>> {
  const binary = await ensureInstalledProgram('nginx', 'nginx-light');
  if (binary === undefined)
    throw new Error('nginx is not installed, and only root on Debian can install it here');
  const folder = await mkdtemp(join(tmpdir(), 'rigel-nginx-proxy-'));
  const config = join(folder, 'nginx.conf');
  const log = join(folder, 'error.log');
  const lines = [
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    `pid ${join(folder, 'nginx.pid')};`,
    'events {}',
    'http {',
    'access_log off;',
    ...TEMPORARY.map((name) => `${name}_temp_path ${join(folder, name)};`),
    blocks,
    '}',
  ];
  await writeFile(config, lines.join('\n'));
  const child = spawn(binary, ['-e', log, '-p', folder, '-c', config, '-g', 'daemon off;'], {
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  const kill = (): void => void child.kill('SIGTERM');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    process.off('exit', kill);
    kill();
    await exited;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const deadline = Date.now() + START_MS;
  while (!(await canConnect(port))) {
    if (child.exitCode === null && Date.now() < deadline) {
      await sleep(50);
      continue;
    }
    const said = await readFile(log, 'utf8').catch(() => '');
    await stop();
    throw new Error(`nginx does not start: ${said}`);
  }
  return stop;
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
