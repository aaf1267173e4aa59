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

/** How a process proves to NATS who it is. Files are read for each connection, so that they may be changed while it runs. */
export type NatsCredentials = { user: string; passwordFile: string } | { credentialsFile: string };

/** Files (PEM) for an encrypted connection. */
export interface NatsTls {
  /** Whom to trust. */
  caFile: string;
  /** What the process shows of itself, where the server asks for it. */
  certFile?: string;
  keyFile?: string;
}

export interface ConnectOptions {
  /** Addresses of the servers, separated by commas. */
  url: string;
  /** Name of the connection, for people who look at the server. */
  name: string;
  log: Logger;
  /** Which participant of `PARTS` this is; anybody without permissions when absent. */
  participant?: string;
  credentials?: NatsCredentials | undefined;
  tls?: NatsTls | undefined;
  /** Gives up waiting for the first connection. */
  signal?: AbortSignal;
}

const RETRY_MS = 250;
/** Within one attempt, for which the client allows 20 s: after this a log line says that it waits. */
const SILENT_MS = 3_000;
/** Attempts between two log lines that say why it waits. */
const LOG_EVERY = 40;

/**
 * Connects to NATS, as long as it takes, and says in the log why it waits: also a refused password may be put right at the
 * server. The connection mends itself from then on.
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
    // A server whose users are being changed refuses for a while.
    ignoreAuthErrorAbort: true,
    // The work queue's requests are the client's own: no stack trace for each, in case it fails.
    noAsyncTraces: true,
    pingInterval: 10_000,
    maxPingOut: 2,
    inboxPrefix: inboxPrefix(options.participant ?? 'client'),
    ...authentication(options.credentials),
    ...(options.tls ? { tls: options.tls } : {}),
  };
  const first = await firstConnection(common, options);
  if (servers.length === 1) return first;
  // The client has forgotten the servers that did not answer just then; told to wait, it keeps all of them.
  await first.close();
  return connect({ ...common, waitOnFirstConnect: true });
}

async function firstConnection(
  common: ConnectionOptions,
  { log, signal }: ConnectOptions,
): Promise<NatsConnection> {
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    // A server that does not like the certificate it is shown may close without a word, and the client goes on waiting.
    const silent = setTimeout(
      () => log.warn({ reason: 'no answer, perhaps it refuses the certificate' }, 'waiting for NATS'),
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

/** The code of the client's error and the cause below it; neither names an address with a password. */
function reasonOf(error: unknown): string {
  const { message, chainedError } = error as Error & { chainedError?: Error };
  return chainedError?.message ? `${message}: ${chainedError.message}` : message;
}
