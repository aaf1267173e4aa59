import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from '@rigel/local-servers';
import type { Sshd } from '@rigel/remote-attempt/testing';
import { waitFor } from '@rigel/testing';
import { answers } from './node-isolation.js';

/** As the kernel does it: first the boot id, then the SSH server, which is the first process of the node. */
const BOOT = `mount --bind "$1" /proc/sys/kernel/random/boot_id && exec /usr/sbin/sshd -D -e -f "$2"`;
const NAMESPACE = ['--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];
const LOOK_MS = 50;

/**
 * A node that restarts when a command on it wants that: an SSH server in a PID namespace of its own, with the keys, the user
 * and the home of another server, and with a boot id of its own. When it goes down all its processes are killed at once. Linux,
 * as root.
 */
export class RestartableNode {
  /** How often it has restarted, and is up again. */
  restarts = 0;
  private server: ChildProcess | undefined;
  private readonly stopping = new AbortController();
  private watching: Promise<void> = Promise.resolve();

  private constructor(
    private readonly sshd: Sshd,
    private readonly host: string,
    private readonly port: number,
    private readonly folder: string,
  ) {}

  static async start(sshd: Sshd, host: string): Promise<RestartableNode> {
    const folder = await mkdtemp(join(tmpdir(), 'rigel-node-'));
    const node = new RestartableNode(sshd, host, await findFreePort(host), folder);
    const shared = (await readFile(sshd.configFile, 'utf8')).replaceAll(/^(ListenAddress|Port) .*$/gm, '');
    await writeFile(join(folder, 'sshd_config'), `${shared}\nListenAddress ${host}\nPort ${node.port}\n`);
    await node.boot();
    node.watching = node.watch();
    return node;
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  /** A command that has the node go down, for so long. */
  restartCommand(downMs: number): string {
    return `echo ${downMs} >restart-${this.host}.new; mv restart-${this.host}.new restart-${this.host}`;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.watching;
    await this.goDown();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async boot(): Promise<void> {
    const bootFile = join(this.folder, 'boot_id');
    await writeFile(bootFile, `${randomUUID()}\n`);
    const command = ['sh', '-c', BOOT, 'sh', bootFile, join(this.folder, 'sshd_config')];
    const server = spawn('unshare', [...NAMESPACE, ...command], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.server = server;
    let said = '';
    server.stderr?.on('data', (chunk: Buffer) => {
      if (said.length < 2_000) said += chunk.toString();
    });
    await waitFor(
      async () => {
        if (server.exitCode !== null) throw new Error(`the node ${this.host} ended at once: ${said}`);
        return answers(this.host, this.port);
      },
      { what: `the SSH server of ${this.host} answers`, timeoutMs: 60_000 },
    );
  }

  private async goDown(): Promise<void> {
    const { server } = this;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const exited = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await exited;
  }

  private async watch(): Promise<void> {
    const { signal } = this.stopping;
    const file = join(this.sshd.home, `restart-${this.host}`);
    while (!signal.aborted) {
      const wanted = await readFile(file, 'utf8').catch(() => undefined);
      if (wanted !== undefined) {
        await rm(file);
        await this.goDown();
        await sleep(Number(wanted), undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        await this.boot();
        this.restarts++;
      }
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
