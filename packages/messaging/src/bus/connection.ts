import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { inboxPrefix } from '@rigel/contracts';
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  type NatsConnection,
  usernamePasswordAuthenticator,
} from 'nats';
import type { Logger } from 'pino';

/**
 * How a process proves its identity to NATS. It reads the files for each connection, so they may change while it runs.
 */
export type NatsCredentials = { user: string; passwordFile: string } | { credentialsFile: string };

/** Files (PEM) for an encrypted connection. */
export interface NatsTls {
  /** Certificates of the authorities to trust. */
  caFile: string;
  /** Certificate of this process, for servers that ask for one. */
  certFile?: string;
  keyFile?: string;
}

export interface ConnectOptions {
  /** Addresses of the servers, separated by commas. */
  url: string;
  /** Name of the connection in the server's monitoring. */
  name: string;
  log: Logger;
  /** The participant of `PARTS` that this process is; absent: the server has no permissions. */
  participant?: string;
  credentials?: NatsCredentials | undefined;
  tls?: NatsTls | undefined;
  /** Ends the wait for the first connection. */
  signal?: AbortSignal;
}

const RETRY_MS = 250;
/** An attempt may take 20 s. After this time a log line says that it waits. */
const SILENT_MS = 3_000;
/** Attempts between two log lines. */
const LOG_EVERY = 40;

/**
 * Connects to NATS, however long it takes, and logs why it waits. It also goes on after a refused password: an
 * administrator may correct that at the server. After the first connection the client reconnects by its own means.
 * @throws the signal's reason.
 */
export async function connectToNats(options: ConnectOptions): Promise<NatsConnection> {
  const servers = options.url.split(',');
  const common: ConnectionOptions = {
    servers,
    name: options.name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RETRY_MS,
    reconnectJitter: 100,
    // A server refuses logins while an administrator changes its users.
    ignoreAuthErrorAbort: true,
    // The work queue uses the client's own requests. Without this the client makes a stack trace for each of them.
    noAsyncTraces: true,
    pingInterval: 10_000,
    maxPingOut: 2,
    inboxPrefix: inboxPrefix(options.participant ?? 'client'),
    ...authentication(options.credentials),
    ...(options.tls ? { tls: options.tls } : {}),
  };
  const first = await firstConnection(common, options);
  if (servers.length === 1) return first;
  // The client forgets servers that did not answer at the first connection. With `waitOnFirstConnect` it keeps all.
  await first.close();
  return connect({ ...common, waitOnFirstConnect: true });
}

async function firstConnection(
  common: ConnectionOptions,
  { log, signal }: ConnectOptions,
): Promise<NatsConnection> {
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    // A server that rejects the client's certificate may close the connection without an answer; the client then waits
    // on.
    const silent = setTimeout(
      () => log.warn({ reason: 'no answer; perhaps NATS refuses the certificate' }, 'waiting for NATS'),
      SILENT_MS,
    );
    try {
      return await connect(common);
    } catch (error) {
      if (attempt % LOG_EVERY === 0) log.warn({ reason: reasonOf(error) }, 'waiting for NATS');
      await sleep(RETRY_MS, undefined, signal ? { signal } : {});
    } finally {
      clearTimeout(silent);
    }
  }
}

function authentication(credentials: NatsCredentials | undefined): Partial<ConnectionOptions> {
  if (!credentials) return {};
  if ('credentialsFile' in credentials) {
    return { authenticator: (nonce) => credsAuthenticator(readFileSync(credentials.credentialsFile))(nonce) };
  }
  const { user, passwordFile } = credentials;
  return {
    authenticator: usernamePasswordAuthenticator(user, () => readFileSync(passwordFile, 'utf8').trim()),
  };
}

/** The client's error and its cause. Neither contains an address with a password. */
function reasonOf(error: unknown): string {
  const { message, chainedError } = error as Error & { chainedError?: Error };
  return chainedError?.message ? `${message}: ${chainedError.message}` : message;
}
