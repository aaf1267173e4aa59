import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConfigComplaint } from '@rigel/contracts';
import type { ProcessExit } from '@rigel/local-servers';
import type { CommandSpec, ProcessSpec, ServerSpec } from './process-spec.js';
import type { SupervisorLog } from './supervisor-log.js';

const KILL_DEADLINE_MS = 5_000;
/** Time to read what a process that has ended may have left in its channel. */
const CHANNEL_DEADLINE_MS = 1_000;
const PINO_ERROR = 50;

/** A process that was started. */
export interface LaunchedProcess {
  pid: number;
  /** Resolves when it has ended, for whatever reason; never rejects. */
  exited: Promise<ProcessExit>;
  /** The error in its configuration, if that ended it; known when it has ended. Never rejects. */
  configError: Promise<string | undefined>;
  /** Asks it to end, kills it after the deadline, resolves when it is gone. */
  stop(deadlineMs: number): Promise<void>;
}

/** Options of a start. */
export interface LaunchOptions {
  logFile: string;
  /** Gets errors of logging. */
  log: SupervisorLog;
  /** Gives up the start of a server that is not ready yet. */
  signal: AbortSignal;
}

/** The signal that asks a process to end. */
export function stopSignalOf(spec: ProcessSpec): NodeJS.Signals {
  // SIGTERM would have PostgreSQL wait for its clients; SIGINT ends NATS as well.
  return 'start' in spec ? 'SIGINT' : 'SIGTERM';
}

/**
 * Starts a process, once.
 *
 * @throws Error when it cannot be started
 */
export function launch(spec: ProcessSpec, options: LaunchOptions): Promise<LaunchedProcess> {
  return 'start' in spec ? launchServer(spec, options) : launchCommand(spec, options);
}

async function launchServer(spec: ServerSpec, { logFile, signal }: LaunchOptions): Promise<LaunchedProcess> {
  let ended: (exit: ProcessExit) => void = () => undefined;
  const exited = new Promise<ProcessExit>((resolve) => {
    ended = resolve;
  });
  const handle = await spec.start({ logFile, onExit: ended, signal });
  return {
    pid: handle.pid,
    exited,
    configError: Promise.resolve(undefined),
    stop: async () => {
      await handle.stop();
      ended({ code: 0, signal: null });
    },
  };
}

async function launchCommand(spec: CommandSpec, { logFile, log }: LaunchOptions): Promise<LaunchedProcess> {
  const output = await open(logFile, 'a', 0o600);
  try {
    const child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      // In a session of its own, so that a Ctrl-C in the terminal reaches only us, and we decide the order of stopping.
      detached: true,
      // The channel closes when we are gone, also when we are killed; the process notices that.
      stdio: ['ignore', output.fd, 'pipe', 'ipc'],
    });
    const exited = new Promise<ProcessExit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    const configError = complaintOf(child, exited);
    await once(child, 'spawn').catch((error: Error) => {
      throw new Error(`cannot run ${spec.command}: ${error.message}`, { cause: error });
    });
    child.on('error', (error) =>
      log.error({ err: error, name: spec.name }, `${spec.name}: ${error.message}`),
    );
    logErrorOutput(child, spec.name, logFile, log);
    const pid = child.pid as number; // set, since 'spawn' was emitted
    return { pid, exited, configError, stop: (deadlineMs) => stop(child, pid, exited, deadlineMs) };
  } finally {
    await output.close();
  }
}

/** The channel is read to its end, which may come after the end of the process. */
async function complaintOf(child: ChildProcess, exited: Promise<unknown>): Promise<string | undefined> {
  let complaint: string | undefined;
  child.on('message', (message: Partial<ConfigComplaint> | null) => {
    if (typeof message?.configError === 'string') complaint = message.configError;
  });
  const closed = new Promise((resolve) => child.once('disconnect', resolve));
  await exited;
  await settled(closed, CHANNEL_DEADLINE_MS);
  return complaint;
}

async function stop(
  child: ChildProcess,
  pid: number,
  exited: Promise<unknown>,
  deadlineMs: number,
): Promise<void> {
  const gone = () => child.exitCode !== null || child.signalCode !== null;
  if (gone()) return;
  child.kill('SIGTERM');
  await settled(exited, deadlineMs);
  if (gone()) return;
  // Its whole group: processes that it started must not stay behind.
  process.kill(-pid, 'SIGKILL');
  await settled(exited, KILL_DEADLINE_MS);
  if (!gone()) throw new Error(`process ${pid} does not end`);
}

async function settled(promise: Promise<unknown>, deadlineMs: number): Promise<void> {
  const timer = new AbortController();
  await Promise.race([
    promise,
    delay(deadlineMs, undefined, { signal: timer.signal }).catch(() => undefined),
  ]);
  timer.abort();
}

/** Appends the error output to the log as JSON lines too, so that one program can read the file. */
function logErrorOutput(child: ChildProcess, name: string, logFile: string, log: SupervisorLog): void {
  if (child.stderr === null) return;
  const file = createWriteStream(logFile, { flags: 'a' });
  file.on('error', (error) =>
    log.error({ err: error, name }, `${logFile} cannot be written: ${error.message}`),
  );
  createInterface({ input: child.stderr })
    .on('line', (msg) => {
      const entry = { level: PINO_ERROR, time: Date.now(), pid: child.pid, name, stream: 'stderr', msg };
      file.write(`${JSON.stringify(entry)}\n`);
    })
    .on('close', () => file.end());
}
