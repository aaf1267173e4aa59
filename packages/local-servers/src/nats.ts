import { mkdir } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from './free-port.js';
import { serverOfPidFile } from './pid-file.js';
import { serverEnvironment } from './server-environment.js';
import {
  describeExit,
  type EndStep,
  type ProcessExit,
  type ServerHandle,
  type ServerProcess,
  spawnServer,
} from './server-process.js';

const HOST = '127.0.0.1';
const POLL_MS = 25;
const PROBE_TIMEOUT_MS = 2_000;
const READY_TIMEOUT_MS = 60_000;

const END: EndStep[] = [
  { signal: 'SIGTERM', waitMs: 10_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
];

/** How to start a NATS server. */
export interface NatsOptions {
  /** Path of the nats-server program. */
  binary: string;
  /** Folder for JetStream's files; made when missing, opened again when there. */
  storeDir: string;
  /** TCP port on 127.0.0.1; a random free one when not given. */
  port?: number;
  /** Configuration beside what is set here: users, permissions, encryption. */
  configFile?: string;
  /** Variables that the configuration names. */
  env?: Record<string, string>;
  /** The server's log is appended here. */
  logFile: string;
  /** Called once when the server has ended although stop() was not called. */
  onExit?: (exit: ProcessExit) => void;
  /** Gives up starting. A server that has started is not affected. */
  signal?: AbortSignal;
}

const pidFileOf = (storeDir: string): string => join(storeDir, 'nats-server.pid');

/**
 * The process id of the NATS server that uses this folder, even if another process started it.
 *
 * @returns undefined when none runs
 */
export function runningNats(storeDir: string): Promise<number | undefined> {
  const folder = resolve(storeDir);
  return serverOfPidFile(pidFileOf(folder), folder);
}

/**
 * Starts a real NATS server with JetStream on 127.0.0.1.
 *
 * @returns when the server greets a client
 * @throws Error when it does not start; the message ends with the last error of its log
 */
export async function startNats(options: NatsOptions): Promise<ServerHandle> {
  const storeDir = resolve(options.storeDir);
  // Two servers over one folder would destroy it, and nats-server does not look.
  const running = await runningNats(storeDir);
  if (running !== undefined) throw new Error(`the NATS server in ${storeDir} already runs (pid ${running})`);
  await mkdir(storeDir, { recursive: true, mode: 0o700 });
  options.signal?.throwIfAborted();

  const port = options.port ?? (await findFreePort(HOST));
  const server = await spawnServer({
    command: options.binary,
    args: [
      ...(options.configFile === undefined ? [] : ['-c', options.configFile]),
      ...['-a', HOST, '-p', String(port), '-P', pidFileOf(storeDir), '-js', '-sd', storeDir],
    ],
    env: { ...serverEnvironment(), ...options.env },
    logFile: options.logFile,
  });
  await becomesReady(server, port, options);
  let stopping = false;
  void server.exited.then((exit) => {
    if (!stopping) options.onExit?.(exit);
  });
  return {
    url: `nats://${HOST}:${port}`,
    port,
    pid: server.pid,
    stop: () => {
      stopping = true;
      return server.end(END);
    },
  };
}

async function becomesReady(server: ServerProcess, port: number, options: NatsOptions): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (server.exit() === undefined) {
    if ((await greets(port)) && server.exit() === undefined) return;
    if (options.signal?.aborted || Date.now() > deadline) {
      await server.end(END);
      options.signal?.throwIfAborted();
      throw new Error(
        `nats-server did not become ready within ${READY_TIMEOUT_MS / 1000} s; its log: ${options.logFile}`,
      );
    }
    await delay(POLL_MS);
  }
  const reason =
    (await server.lastLogLine(/\[(FTL|ERR)\]/)) ?? (await server.lastLogLine(/\S/)) ?? 'no message';
  throw new Error(
    `nats-server ended while starting (${describeExit(await server.exited)}): ` +
      `${reason.replaceAll('"', "'")}; its log: ${options.logFile}`,
  );
}

// A server greets each client with a line of JSON that says what it can do.
function greets(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = createConnection({ host: HOST, port, timeout: PROBE_TIMEOUT_MS });
    let received = '';
    const finish = (ready: boolean) => {
      socket.destroy();
      done(ready);
    };
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      received += text;
      const end = received.indexOf('\r\n');
      if (end >= 0) finish(received.startsWith('INFO ') && received.includes('"jetstream":true'));
    });
    socket.on('timeout', () => finish(false));
    socket.on('close', () => finish(false));
    socket.on('error', () => finish(false));
  });
}
