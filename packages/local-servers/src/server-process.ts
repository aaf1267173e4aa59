import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** How a process ended: its exit code, or the signal that ended it. */
export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A running local server. */
export interface ServerHandle {
  /** Connection address, with credentials where there are some: never log it. */
  url: string;
  port: number;
  pid: number;
  /** Ends the server cleanly, harder after a deadline; resolves when its process is gone. */
  stop(): Promise<void>;
}

/** The command of a server process. */
export interface ServerCommand {
  command: string;
  args: string[];
  env: Record<string, string>;
  /** Account to run as; only root can choose. */
  uid?: number | undefined;
  gid?: number | undefined;
  /** Standard output and error are appended here. */
  logFile: string;
}

/** One step of ending a process: a signal, and the milliseconds that it is given to work. */
export interface EndStep {
  signal: NodeJS.Signals;
  waitMs: number;
}

/** A started server process. */
export interface ServerProcess {
  pid: number;
  /** Resolves when the process has ended; never rejects. */
  exited: Promise<ProcessExit>;
  /** How it ended, once it has. */
  exit(): ProcessExit | undefined;
  /** Sends the signals one after the other until the process is gone. */
  end(steps: EndStep[]): Promise<void>;
  /** The last line written to the log since this process started that matches, trimmed. */
  lastLogLine(pattern: RegExp): Promise<string | undefined>;
}

/**
 * Starts a server process in a session of its own, so that a Ctrl-C in the terminal does not reach it: the caller
 * decides when it stops.
 *
 * @throws Error when the command cannot be run or the log file cannot be written
 */
export async function spawnServer(server: ServerCommand): Promise<ServerProcess> {
  await mkdir(dirname(server.logFile), { recursive: true });
  const log = await open(server.logFile, 'a', 0o600);
  try {
    const logStart = (await log.stat()).size;
    const child = spawn(server.command, server.args, {
      env: server.env,
      uid: server.uid,
      gid: server.gid,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    let exit: ProcessExit | undefined;
    const exited = new Promise<ProcessExit>((resolve) => {
      child.once('exit', (code, signal) => {
        exit = { code, signal };
        resolve(exit);
      });
    });
    await once(child, 'spawn').catch((error: Error) => {
      throw new Error(`cannot run ${server.command}: ${error.message}`, { cause: error });
    });
    return {
      pid: child.pid as number, // set, since 'spawn' was emitted
      exited,
      exit: () => exit,
      end: async (steps) => {
        for (const step of steps) {
          if (exit !== undefined) return;
          child.kill(step.signal);
          await settledWithin(exited, step.waitMs);
        }
        if (exit === undefined) throw new Error(`process ${child.pid} (${server.command}) does not end`);
      },
      lastLogLine: async (pattern) => {
        const written = await textFrom(server.logFile, logStart);
        return written
          .split('\n')
          .filter((line) => pattern.test(line))
          .at(-1)
          ?.trim();
      },
    };
  } finally {
    await log.close();
  }
}

/** Words for how a process ended, for messages. */
export function describeExit(exit: ProcessExit): string {
  return exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
}

async function settledWithin(promise: Promise<unknown>, ms: number): Promise<void> {
  const timer = new AbortController();
  const timeout = delay(ms, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([promise, timeout]);
  timer.abort();
}

const TAIL_BYTES = 256 * 1024;

async function textFrom(file: string, start: number): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const from = Math.max(start, size - TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.max(0, size - from)), 0, null, from);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
