import { connect as connectSocket, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import ssh2, { type ParsedKey, type Client as SshClient } from 'ssh2';
import { offeredAlgorithms } from './algorithms.js';
import { type FallbackFolders, fallbackFolders } from './attempt-folders.js';
import { ConnectFailure, type ConnectFailureKind } from './connect-failure.js';
import {
  formatHostKey,
  type HostKeyPolicy,
  type HostKeyVerdict,
  hostKeyFingerprint,
  hostKeyType,
  judgeHostKey,
  type KnownHostsLookup,
} from './host-keys.js';
import { type NodeConnection, NodeShell, registerShell } from './node-connection.js';
import { plainText } from './plain-text.js';
import { registerTunnels } from './tunnel.js';

/** Which node to connect to. */
export interface NodeTarget {
  /** A name or an address. */
  host: string;
  port: number;
  /** The host key that was learned earlier, `ssh-ed25519 AAAA…`: the node must have exactly this one. */
  pinnedHostKey?: string;
  /** It is no node: others are reached through it. */
  isJumpHost?: boolean;
}

/** How to connect, the same for all nodes. */
export interface ConnectionSettings {
  user: string;
  /**
   * The private key in PEM or OpenSSH format, without a passphrase; or where to get it, for each connection anew. What that
   * throws is the reason of a ConnectFailure, so its message must not hold the key.
   */
  privateKey: Buffer | string | (() => Promise<Buffer | string>);
  hostKeyPolicy: HostKeyPolicy;
  /** Known host keys, see `parseKnownHosts`. */
  knownHosts?: KnownHostsLookup;
  /** How long everything up to a usable connection may take. */
  connectTimeoutMs: number;
  /** How often an idle connection is probed. */
  keepaliveIntervalMs: number;
  /** After how many unanswered probes a connection counts as dead. */
  keepaliveCountMax: number;
  /** Where attempts may be when the home folder cannot take them. Default: nowhere. */
  attemptFolders?: FallbackFolders;
  /** How the way to the target is opened, see `openTunnel`. Default: by TCP. @throws ConnectFailure */
  dial?: (target: NodeTarget, signal: AbortSignal) => Promise<Duplex>;
}

/**
 * Opens an SSH connection. Throws ConnectFailure with a message for the operator, or the signal's reason when it is
 * aborted.
 */
export async function connectToNode(
  target: NodeTarget,
  settings: ConnectionSettings,
  signal?: AbortSignal,
): Promise<NodeConnection> {
  signal?.throwIfAborted();
  const privateKey = readPrivateKey(await givenKey(target, settings.privateKey));
  signal?.throwIfAborted();
  const attempt = new ConnectAttempt(target, settings);
  const onAbort = () => attempt.fail(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await attempt.connect(privateKey);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

/** `host:port` as operators write it; an IPv6 address in brackets. */
export function nodeAddress(target: { host: string; port: number }): string {
  return target.host.includes(':') ? `[${target.host}]:${target.port}` : `${target.host}:${target.port}`;
}

async function givenKey(target: NodeTarget, key: ConnectionSettings['privateKey']): Promise<Buffer | string> {
  if (typeof key !== 'function') return key;
  try {
    return await key();
  } catch (error) {
    throw new ConnectFailure(
      'protocol',
      `${nodeAddress(target)}: there is no SSH private key: ${plainText(error instanceof Error ? error.message : String(error))}`,
    );
  }
}

function readPrivateKey(key: Buffer | string): ParsedKey {
  const parsed = ssh2.utils.parseKey(key);
  const problem = problemOf(parsed);
  if (problem !== undefined || parsed instanceof Error)
    throw new ConnectFailure('protocol', `the SSH private key cannot be used: ${problem}`);
  return parsed;
}

/** Why a text cannot be used as a private key; undefined when it can. */
export function privateKeyProblem(key: Buffer | string): string | undefined {
  return problemOf(ssh2.utils.parseKey(key));
}

function problemOf(parsed: ParsedKey | Error): string | undefined {
  if (parsed instanceof Error) return plainText(parsed.message);
  return parsed.isPrivateKey() ? undefined : 'it is a public key';
}

/** One attempt to connect: a socket, an SSH client on it, and one outcome, whichever comes first. */
class ConnectAttempt {
  private readonly address: string;
  private readonly client: SshClient = new ssh2.Client();
  private readonly expectedKeys: string[];
  private socket: Duplex | undefined;
  /** Ends the opening of the way. */
  private readonly givenUp = new AbortController();
  private hostKey = '';
  private verdict: HostKeyVerdict | undefined;
  private settled = false;
  private settle!: { resolve(connection: NodeConnection): void; reject(error: unknown): void };
  private readonly outcome = new Promise<NodeConnection>((resolve, reject) => {
    this.settle = { resolve, reject };
  });

  constructor(
    private readonly target: NodeTarget,
    private readonly settings: ConnectionSettings,
  ) {
    this.address = nodeAddress(target);
    this.expectedKeys =
      target.pinnedHostKey === undefined
        ? (settings.knownHosts?.(target.host, target.port) ?? [])
        : [target.pinnedHostKey];
  }

  async connect(privateKey: ParsedKey): Promise<NodeConnection> {
    const timeoutMs = this.settings.connectTimeoutMs;
    const timer = setTimeout(() => {
      let detail = '';
      if (!this.isOpening) detail = ': connected, but the SSH handshake did not finish';
      else if (this.settings.dial) detail = ': the way through the jump host is not open';
      this.failWith('timeout', `no answer in ${timeoutMs / 1000} s${detail}`);
    }, timeoutMs);
    if (this.settings.dial) void this.dial(this.settings.dial, privateKey);
    else this.openSocket(privateKey);
    try {
      return await this.outcome;
    } finally {
      clearTimeout(timer);
    }
  }

  private get isOpening(): boolean {
    return this.socket === undefined || (this.socket as Partial<Socket>).connecting === true;
  }

  private openSocket(privateKey: ParsedKey): void {
    // The socket is ours because ssh2 leaves Nagle's algorithm on, which makes a request on an idle connection wait
    // for a delayed acknowledgement of 40 ms.
    const socket = connectSocket({ host: this.target.host, port: this.target.port, noDelay: true });
    this.socket = socket;
    const onSocketError = (error: NodeJS.ErrnoException) => this.failUnreachable(error);
    socket.once('error', onSocketError);
    socket.once('connect', () => {
      socket.off('error', onSocketError);
      if (!this.settled) this.handshake(socket, privateKey);
    });
  }

  private async dial(dial: NonNullable<ConnectionSettings['dial']>, privateKey: ParsedKey): Promise<void> {
    try {
      const way = await dial(this.target, this.givenUp.signal);
      if (this.settled) {
        way.on('error', () => undefined);
        way.destroy();
        return;
      }
      this.socket = way;
      this.handshake(way, privateKey);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Gives up with this error; the socket is destroyed at once. */
  fail(error: unknown): void {
    if (this.settled) return;
    this.settled = true;
    this.settle.reject(error);
    this.givenUp.abort(error);
    // Errors that the destroyed socket and client still report have no one left to hear them.
    this.socket?.on('error', () => undefined);
    this.socket?.destroy();
  }

  private failWith(kind: ConnectFailureKind, what: string, cause?: unknown): void {
    this.fail(new ConnectFailure(kind, `${this.address}: ${what}`, { cause }));
  }

  private handshake(socket: Duplex, privateKey: ParsedKey): void {
    const client = this.client;
    let lastError: Error | undefined;
    let closedBecause: string | undefined;
    const closed = new Promise<string>((resolve) => {
      client.on('close', () => {
        closedBecause = lastError?.message ?? 'the connection was closed';
        resolve(closedBecause);
      });
    });
    client.on('error', (error) => {
      lastError ??= error;
      this.failHandshake(error);
    });
    client.on('close', () => {
      this.failWith('protocol', 'the server closed the connection during the SSH handshake');
    });
    client.once('ready', () => {
      if (this.settled) return;
      this.settled = true;
      const connection: NodeConnection = {
        host: this.target.host,
        port: this.target.port,
        hostKey: this.hostKey,
        hostKeyLearned: this.verdict?.kind === 'learned',
        closed,
        close: () => {
          client.end();
        },
      };
      const shell = new NodeShell(client, this.address, () => closedBecause);
      const { attemptFolders, user } = this.settings;
      if (attemptFolders) shell.otherFolders = fallbackFolders(attemptFolders, user);
      registerShell(connection, shell);
      registerTunnels(connection, client);
      this.settle.resolve(connection);
    });
    let keyOffered = false;
    try {
      client.connect({
        sock: socket as Socket,
        username: this.settings.user,
        // Only the key: asking first which methods there are would cost a round trip on every connection.
        authHandler: (_left, _partial, next) => {
          if (keyOffered) {
            next(false as never);
            return;
          }
          keyOffered = true;
          next({ type: 'publickey', username: this.settings.user, key: privateKey });
        },
        readyTimeout: 0,
        keepaliveInterval: this.settings.keepaliveIntervalMs,
        keepaliveCountMax: this.settings.keepaliveCountMax,
        algorithms: offeredAlgorithms(this.expectedKeys.map(hostKeyType)),
        hostVerifier: (raw: Buffer) => this.acceptHostKey(raw),
      });
    } catch (error) {
      this.failHandshake(error as Error);
    }
  }

  private acceptHostKey(raw: Buffer): boolean {
    this.hostKey = formatHostKey(raw);
    const { pinnedHostKey: pinned } = this.target;
    const known = pinned === undefined ? this.expectedKeys : [];
    this.verdict = judgeHostKey(this.hostKey, { pinned, known, policy: this.settings.hostKeyPolicy });
    const got = hostKeyFingerprint(this.hostKey);
    if (this.verdict.kind === 'changed') {
      const expected = this.verdict.expected.map(hostKeyFingerprint).join(' or ');
      this.fail(
        new ConnectFailure(
          'host_key_changed',
          `host key of ${this.address} changed: expected ${expected}, got ${got}` +
            (this.target.isJumpHost ? '' : '; if the machine was rebuilt, remove the node and add it again'),
        ),
      );
      return false;
    }
    if (this.verdict.kind === 'unknown') {
      this.fail(
        new ConnectFailure(
          'host_key_unknown',
          this.target.isJumpHost
            ? `host key of ${this.address} is not known (${got}); that of a jump host has to be`
            : `host key of ${this.address} is not known (${got}) and the host key policy is strict`,
        ),
      );
      return false;
    }
    return true;
  }

  private failHandshake(error: Error & { level?: string; code?: string | number }): void {
    if (this.settled) return;
    if (error.level === 'client-authentication') {
      this.fail(
        new ConnectFailure(
          'refused_key',
          `${this.address} refused the SSH key for user ${plainText(this.settings.user)}`,
        ),
      );
      return;
    }
    if (error.level === 'client-socket') {
      this.failUnreachable(error as NodeJS.ErrnoException);
      return;
    }
    this.failWith('protocol', `the SSH handshake failed: ${plainText(error.message)}`, error);
  }

  private failUnreachable(error: NodeJS.ErrnoException): void {
    const reasons: Record<string, string> = {
      ECONNREFUSED: 'connection refused',
      ECONNRESET: 'the connection was reset',
      EHOSTUNREACH: 'no route to the host',
      ENETUNREACH: 'the network is unreachable',
      ENOTFOUND: 'the host name cannot be resolved',
      EAI_AGAIN: 'the host name cannot be resolved (the name server does not answer)',
      ETIMEDOUT: 'no answer (the connection attempt timed out)',
      EPIPE: 'the connection was reset',
    };
    const kind = error.code === 'ETIMEDOUT' ? 'timeout' : 'unreachable';
    this.failWith(kind, reasons[error.code ?? ''] ?? plainText(error.message), error);
  }
}
