import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { killByHome } from './processes.js';
import { type LocalMachine, StateFolder } from './state-folder.js';

const HOST_PROGRAM = fileURLToPath(new URL('machine-host.js', import.meta.url));
const HOST_START_MS = 20_000;
const POLL_MS = 50;

interface HostAnswer {
  pid: number;
  /** Machines that the host cannot serve, and why. */
  problems: Record<string, string>;
}

/**
 * Throwaway machines on this computer. Each machine is an SSH server with its own loopback address (on other systems
 * than Linux, its own port); its commands really run, in its own folder. The machines live in a process without a
 * parent, which goes on when the process that made them ends.
 */
export class LocalMachines {
  private readonly state: StateFolder;

  constructor(readonly folder: string) {
    this.state = new StateFolder(folder);
  }

  /** Makes the machine of a token, or finds it. The machine answers when the call returns. */
  async create(token: string, authorizedKey: string, signal: AbortSignal): Promise<LocalMachine> {
    const machine = await this.state.create(token, authorizedKey);
    await this.serveAll(machine.vmId, signal);
    return machine;
  }

  find(token: string): Promise<LocalMachine | undefined> {
    return this.state.read(StateFolder.vmIdOf(token));
  }

  /** The machine; if its process has died, it is started again. */
  async describe(vmId: string, signal: AbortSignal): Promise<LocalMachine | undefined> {
    const machine = await this.state.read(vmId);
    if (machine) await this.serveAll(vmId, signal);
    return machine;
  }

  /** Ends all processes of the machine and removes it. A machine that does not exist counts as removed. */
  async return(vmId: string, signal: AbortSignal): Promise<void> {
    await this.state.remove(vmId);
    const host = await this.askHost(signal).catch(() => undefined);
    await killByHome(new Set([this.state.homeOf(vmId)]), signal);
    await this.state.removeRest(vmId);
    if (host?.problems[vmId]) throw new Error(host.problems[vmId]);
  }

  list(): Promise<LocalMachine[]> {
    return this.state.list();
  }

  /** When a machine was made, in milliseconds since 1970; undefined: it is gone. */
  madeAt(vmId: string): Promise<number | undefined> {
    return this.state.madeAt(vmId);
  }

  /** The folder in which a machine's commands run. */
  homeOf(vmId: string): string {
    return this.state.homeOf(vmId);
  }

  /** Starts all machines again after a restart of the computer. */
  async resume(signal: AbortSignal): Promise<void> {
    if ((await this.list()).length > 0) await this.serveAll(undefined, signal);
  }

  /** Removes every machine and ends their process. */
  async destroy(signal: AbortSignal): Promise<void> {
    const ids = (await this.list()).map(({ vmId }) => vmId);
    for (const vmId of ids) await this.state.remove(vmId);
    const host = await this.askHost(signal).catch(() => undefined);
    await killByHome(new Set(ids.map((vmId) => this.state.homeOf(vmId))), signal);
    for (const vmId of ids) await this.state.removeRest(vmId);
    if (host === undefined) return;
    try {
      process.kill(host.pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }

  /** Makes sure that the host runs and has read the folder. */
  private async serveAll(vmId: string | undefined, signal: AbortSignal): Promise<void> {
    const deadline = Date.now() + HOST_START_MS;
    let spawned = 0;
    for (;;) {
      signal.throwIfAborted();
      let problem: string;
      try {
        const { problems } = await this.askHost(signal);
        if (vmId === undefined || problems[vmId] === undefined) return;
        throw new Error(`machine ${vmId} cannot be served: ${problems[vmId]}`);
      } catch (error) {
        signal.throwIfAborted();
        if ((error as NodeJS.ErrnoException).code === undefined) throw error;
        problem = (error as Error).message;
      }
      if (Date.now() > deadline)
        throw new Error(`the host of local machines does not answer: ${problem}; its log: ${this.logFile}`);
      // Several processes may start a host; the first to listen stays. A host that dies while it starts is started
      // again.
      if (spawned === 0 || Date.now() - spawned > HOST_START_MS / 4) {
        spawned = Date.now();
        this.spawnHost();
      }
      await sleep(POLL_MS, undefined, { signal });
    }
  }

  private get logFile(): string {
    return join(this.folder, 'host.log');
  }

  private spawnHost(): void {
    const log = openSync(this.logFile, 'a', 0o640);
    const passedOn = ['PATH', 'LANG', 'TMPDIR', 'TZ', 'USER', 'LOGNAME'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    });
    const child = spawn(process.execPath, [HOST_PROGRAM, this.folder], {
      cwd: this.folder,
      env: Object.fromEntries(passedOn),
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.on('error', () => undefined);
    child.unref();
  }

  private async askHost(signal: AbortSignal): Promise<HostAnswer> {
    const { host, port, id } = await this.state.hostAddress();
    return new Promise((resolve, reject) => {
      const ask = request(
        { host, port, path: `/${id}/look`, method: 'POST', agent: false, signal },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (part: string) => {
            text += part;
          });
          response.on('error', reject);
          response.on('end', () => {
            if (response.statusCode === 200) resolve(JSON.parse(text) as HostAnswer);
            else
              reject(
                new Error(
                  response.statusCode === 404
                    ? `${host}:${port} is taken by another program`
                    : `the host of local machines failed: ${text}`,
                ),
              );
          });
        },
      );
      ask.on('error', reject);
      ask.end();
    });
  }
}
