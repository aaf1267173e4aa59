import { spawn } from 'node:child_process';
import {
  ConnectFailure,
  ConnectionLost,
  type ConnectionSettings,
  connectToNode,
  type NodeConnection,
  runScript,
  type ScriptResult,
} from '@rigel/remote-attempt';
import { ProviderError } from '../provider-error.js';

/** Runs POSIX shell scripts on the host of a load balancer. The scripts may be repeated. */
export interface HostShell {
  run(script: string, signal: AbortSignal): Promise<ScriptResult>;
}

/** Most characters of output that are kept. */
const LONGEST_OUTPUT = 1024 * 1024;

/** Few variables of this process: a script, and the processes that it starts, do not need the executor's passwords. */
function scriptEnvironment(): Record<string, string> {
  const passedOn = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'TZ', 'USER', 'LOGNAME'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(passedOn);
}

/** The computer of this process. */
export const localShell: HostShell = {
  run: (script, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      // A new process group, so that the script can be ended as a whole.
      const child = spawn('/bin/sh', ['-s'], {
        env: scriptEnvironment(),
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true,
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          if (output.length < LONGEST_OUTPUT) output += text;
        });
      }
      const onAbort = (): void => {
        try {
          if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It has ended already.
        }
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      child.on('error', reject);
      child.on('close', (code) => {
        signal.removeEventListener('abort', onAbort);
        resolve({ status: code ?? 255, output });
      });
      child.stdin.on('error', () => undefined);
      child.stdin.end(`(\n${script}\n) </dev/null`);
    }),
};

/** A host reached by SSH, over one connection that stays open. */
export class SshShell implements HostShell {
  private connection: Promise<NodeConnection> | undefined;
  private pinned: string | undefined;

  constructor(
    private readonly target: { host: string; port: number; hostKey?: string },
    private readonly settings: ConnectionSettings,
  ) {
    this.pinned = target.hostKey;
  }

  async run(script: string, signal: AbortSignal): Promise<ScriptResult> {
    signal.throwIfAborted();
    let connection: NodeConnection;
    try {
      connection = await this.connect();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ConnectFailure) throw new ProviderError('unavailable', error.message);
      throw error;
    }
    try {
      return await runScript(connection, script, signal);
    } catch (error) {
      if (error instanceof ConnectionLost) throw new ProviderError('unknown', error.message);
      throw error;
    }
  }

  private connect(): Promise<NodeConnection> {
    if (this.connection) return this.connection;
    const connecting = this.open();
    this.connection = connecting;
    connecting.then(
      ({ closed }) => closed.then(() => this.forget(connecting)),
      () => this.forget(connecting),
    );
    return connecting;
  }

  private async open(): Promise<NodeConnection> {
    const { host, port } = this.target;
    const connection = await connectToNode(
      { host, port, ...(this.pinned === undefined ? {} : { pinnedHostKey: this.pinned }) },
      this.settings,
    );
    this.pinned = connection.hostKey;
    return connection;
  }

  private forget(connection: Promise<NodeConnection>): void {
    if (this.connection === connection) this.connection = undefined;
  }
}
