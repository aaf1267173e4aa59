import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findFreePort } from '@rigel/local-servers';
import type { Sshd } from '@rigel/remote-attempt/testing';
import { eachAtOnce } from './each-at-once.js';

const NAMESPACE = ['--pid', '--fork', '--mount-proc', '--kill-child'];
const START_MS = 60_000;
const STARTED_AT_ONCE = 8;

/**
 * Nodes that see only their own processes: an SSH server for each, in a PID namespace of its own, with the keys, the user
 * and the home of another server. Ending a command looks through the processes of its node, so that without this each of
 * n nodes of one machine looks through those of all n.
 */
export class IsolatedNodes {
  private constructor(
    /** The SSH port of every node. */
    readonly port: number,
    private readonly folder: string,
    private readonly servers: Map<string, ChildProcess>,
  ) {
    // For a test that is ended before it can stop its servers.
    process.once('exit', this.kill);
  }

  private readonly kill = (): void => {
    for (const server of this.servers.values()) server.kill('SIGKILL');
  };

  /**
   * Starts them all.
   * @param hosts addresses out of 127.0.0.0/8.
   * @returns why it is not possible on this machine, when it is not.
   */
  static async start(sshd: Sshd, hosts: readonly string[]): Promise<IsolatedNodes | { impossible: string }> {
    const why = await promisify(execFile)('unshare', [...NAMESPACE, 'true']).then(
      () => undefined,
      (error: Error & { stderr?: string }) => error.stderr?.trim() || error.message,
    );
    if (why !== undefined) return { impossible: why };
    const folder = await mkdtemp(join(tmpdir(), 'rigel-nodes-'));
    const port = await findFreePort('0.0.0.0');
    const nodes = new IsolatedNodes(port, folder, new Map());
    try {
      const shared = (await readFile(sshd.configFile, 'utf8')).replaceAll(/^(ListenAddress|Port) .*$/gm, '');
      await eachAtOnce(hosts, STARTED_AT_ONCE, (host) => nodes.add(host, shared));
      return nodes;
    } catch (error) {
      await nodes.stop();
      throw error;
    }
  }

  has(host: string): boolean {
    return this.servers.has(host);
  }

  /** Ends the servers and with each, because it is the first process of its namespace, whatever runs there. */
  async stop(): Promise<void> {
    process.off('exit', this.kill);
    await Promise.all([...this.servers.values()].map(ended));
    await rm(this.folder, { recursive: true, force: true });
  }

  private async add(host: string, shared: string): Promise<void> {
    const configFile = join(this.folder, host);
    await writeFile(configFile, `${shared}\nListenAddress ${host}\nPort ${this.port}\n`);
    const server = spawn('unshare', [...NAMESPACE, '/usr/sbin/sshd', '-D', '-e', '-f', configFile], {
      stdio: 'ignore',
    });
    this.servers.set(host, server);
    const deadline = Date.now() + START_MS;
    while (!(await answers(host, this.port))) {
      if (server.exitCode !== null) throw new Error(`the SSH server of ${host} ended at once`);
      if (Date.now() > deadline) throw new Error(`the SSH server of ${host} does not answer`);
      await sleep(20);
    }
  }
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGKILL');
  await exited;
}

export async function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket
      .once('connect', () => resolve(true))
      .once('error', () => resolve(false))
      .once('connect', () => socket.destroy());
  });
}
