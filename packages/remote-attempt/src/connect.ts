import { connect as connectSocket, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import ssh2, { type Client as SshClient } from 'ssh2';
import {
  type AlgorithmSet,
  isLegacyAlgorithm,
  LEGACY_HINT,
  offeredAlgorithms,
  weakKeyProblem,
} from './algorithms.js';
import { type FallbackFolders, fallbackFolders } from './attempt-folders.js';
import { isCertificate, readCertificate } from './certificate.js';
import { ConnectFailure, type ConnectFailureKind } from './connect-failure.js';
import {
  formatHostKey,
  type HostKeyPolicy,
  type HostKeyVerdict,
  hostKeyFingerprint,
  hostKeyType,
  judgeHostKey,
  type ShownHostKey,
} from './host-keys.js';
import { type KnownHostsLookup, type KnownKeys, NOTHING_KNOWN } from './known-hosts.js';
import { Login } from './login.js';
import { type NodeConnection, NodeShell, registerShell } from './node-connection.js';
import { plainText } from './plain-text.js';
import { type LoginKey, type PrivateKeyText, publicKeyOf, readPrivateKey } from './private-key.js';
import { ServerOffer } from './server-offer.js';
import { ServerWords } from './server-words.js';
import { checkWithKeyOf, offerHostCertificates, onDisconnect, refuseSha1 } from './ssh2-internals.js';
import { registerTunnels } from './tunnel.js';

/** Which node to connect to. */
export interface NodeTarget {
  /** A name or an address. */
  host: string;
  port: number;
  /** The host key that was learned earlier, `ssh-ed25519 AAAA…`: the node must have exactly this one. */
  pinnedHostKey?: string;
  /** For whoever keeps connections: one that was made earlier does not do. */
  freshLogin?: boolean;
  /** It is no node: others are reached through it. */
  isJumpHost?: boolean;
}

/** How to connect, the same for all nodes. */
export interface ConnectionSettings {
  user: string;
  /**
   * The private key, see `readPrivateKey`; or where to get it, for each connection anew. What that throws is the reason of a
   * ConnectFailure, so its message must not hold the key.
   */
  privateKey: PrivateKeyText | (() => Promise<PrivateKeyText>);
  hostKeyPolicy: HostKeyPolicy;
  /** Known host keys, see `parseKnownHosts`. */
  knownHosts?: KnownHostsLookup;
  /** Default: `modern`. */
  algorithms?: AlgorithmSet;
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
  const privateKey = usableKey(await givenKey(target, settings.privateKey), settings.algorithms);
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

async function givenKey(target: NodeTarget, key: ConnectionSettings['privateKey']): Promise<PrivateKeyText> {
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

function usableKey(text: PrivateKeyText, algorithms: AlgorithmSet | undefined): LoginKey {
  try {
    const key = readPrivateKey(text);
    const problem = algorithms === 'legacy' ? undefined : weakKeyProblem(publicKeyOf(text));
    if (problem !== undefined) throw new Error(`it is ${problem}; ${LEGACY_HINT}`);
    return key;
  } catch (error) {
    throw new ConnectFailure('protocol', `the SSH private key cannot be used: ${(error as Error).message}`);
  }
}

/** An RSA key of 16,384 bits, the longest that OpenSSH makes, has 2 KB; a certificate holds two, and names. */
const LONGEST_HOST_KEY_BYTES = 8 * 1024;

/** Reasons of a disconnect (RFC 4253, 11.1) after which it may do later: no service, connection lost, ended by the application, too many. */
const LATER = new Set([7, 10, 11, 12]);

/** One attempt to connect: a socket, an SSH client on it, and one outcome, whichever comes first. */
class ConnectAttempt {
  private readonly address: string;
  private readonly client: SshClient = new ssh2.Client();
  /** What is known of the host by the file of known hosts. */
  private readonly known: KnownKeys;
  private readonly words = new ServerWords();
  private readonly offer = new ServerOffer();
  /** Why the server ended the connection, when it said so. */
  private disconnectReason: number | undefined;
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
    this.known = settings.knownHosts?.(target.host, target.port) ?? NOTHING_KNOWN;
  }

  async connect(privateKey: LoginKey): Promise<NodeConnection> {
    const timeoutMs = this.settings.connectTimeoutMs;
    const timer = setTimeout(() => {
      let detail = '';
      if (!this.isOpening) detail = ': connected, but the SSH handshake did not finish';
      else if (this.settings.dial) detail = ': the way through the jump host is not open';
      this.failWith('timeout', `no answer in ${timeoutMs / 1000} s${detail}${this.words.told}`);
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

  private openSocket(privateKey: LoginKey): void {
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

  private async dial(dial: NonNullable<ConnectionSettings['dial']>, privateKey: LoginKey): Promise<void> {
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

  private failWith(kind: ConnectFailureKind, what: string, cause?: unknown, link = ': '): void {
    this.fail(new ConnectFailure(kind, `${this.address}${link}${what}`, { cause }));
  }

  private handshake(socket: Duplex, privateKey: LoginKey): void {
    const client = this.client;
    let lastError: Error | undefined;
    let closedBecause: string | undefined;
    const closed = new Promise<string>((resolve) => {
      client.on('close', () => {
        closedBecause = lastError?.message ?? 'the connection was closed';
        resolve(closedBecause);
      });
    });
    const login = new Login(this.settings.user, privateKey);
    client.on('error', (error) => {
      lastError ??= error;
      this.failHandshake(error, login);
    });
    client.on('close', () => this.failClosed(login));
    client.on('banner', (text) => this.words.banner(text));
    client.once('ready', () => {
      if (this.settled) return;
      this.settled = true;
      const connection: NodeConnection = {
        host: this.target.host,
        port: this.target.port,
        hostKey: this.hostKey,
        hostKeyLearned: this.verdict?.kind === 'learned',
        received: counterOf(socket),
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
    try {
      client.connect({
        sock: socket as Socket,
        username: this.settings.user,
        authHandler: login.next,
        readyTimeout: 0,
        keepaliveInterval: this.settings.keepaliveIntervalMs,
        keepaliveCountMax: this.settings.keepaliveCountMax,
        algorithms: offeredAlgorithms(this.expectedKeys.map(hostKeyType), this.settings.algorithms),
        hostVerifier: (raw: Buffer) => this.acceptHostKey(raw),
      });
    } catch (error) {
      this.failHandshake(error as Error, login);
      return;
    }
    const { authorities, withoutPort } = this.known;
    if (authorities.length > 0 || (withoutPort?.authorities.length ?? 0) > 0) offerHostCertificates(client);
    login.useOf(client);
    if (this.settings.algorithms !== 'legacy') {
      refuseSha1(client, () => {
        const what = 'takes signatures of RSA keys by SHA-1 only; a key of ed25519 or ECDSA needs none';
        this.failWith('refused_key', `${what}; ${LEGACY_HINT}`, undefined, ' ');
      });
    }
    onDisconnect(client, (reason, description) => {
      this.disconnectReason = reason;
      this.words.disconnect(description);
    });
    // ssh2 holds the socket back until it listens itself.
    this.words.listenTo(socket);
    this.offer.listenTo(socket);
  }

  /** Keys whose types are asked for first. */
  private get expectedKeys(): string[] {
    const { pinnedHostKey } = this.target;
    if (pinnedHostKey !== undefined) return [pinnedHostKey];
    return this.known.keys.length > 0 ? this.known.keys : (this.known.withoutPort?.keys ?? []);
  }

  private acceptHostKey(raw: Buffer): boolean {
    let shown: ShownHostKey;
    try {
      shown = this.readHostKey(raw);
    } catch (error) {
      this.failWith('protocol', `its host key is of no use: ${plainText((error as Error).message)}`);
      return false;
    }
    this.hostKey = shown.key;
    const verdict = judgeHostKey(shown, {
      host: this.target.host,
      pinned: this.target.pinnedHostKey,
      known: this.known,
      policy: this.settings.hostKeyPolicy,
      now: Date.now(),
    });
    this.verdict = verdict;
    const got = hostKeyFingerprint(shown.key);
    switch (verdict.kind) {
      case 'known':
      case 'learned':
        return true;
      case 'revoked': {
        const what = verdict.what === 'key' ? '' : ' was certified by an authority that';
        this.fail(
          new ConnectFailure(
            'host_key_revoked',
            `host key of ${this.address}${what} is revoked in the known hosts (${got})`,
          ),
        );
        return false;
      }
      case 'changed': {
        const expected = verdict.expected.map(hostKeyFingerprint).join(' or ');
        this.fail(
          new ConnectFailure(
            'host_key_changed',
            `host key of ${this.address} changed: expected ${expected}, got ${got}${certificate(verdict)}` +
              (this.target.isJumpHost
                ? ''
                : '; if the machine was rebuilt, remove the node and add it again'),
          ),
        );
        return false;
      }
      case 'unknown':
        this.fail(
          new ConnectFailure(
            'host_key_unknown',
            `host key of ${this.address} is not known (${got})${certificate(verdict)}` +
              (this.target.isJumpHost
                ? '; that of a jump host has to be'
                : ' and the host key policy is strict'),
          ),
        );
        return false;
      default:
        return verdict satisfies never;
    }
  }

  private readHostKey(raw: Buffer): ShownHostKey {
    if (raw.length > LONGEST_HOST_KEY_BYTES) throw new Error(`it has ${raw.length} bytes`);
    if (!isCertificate(raw)) {
      const key = formatHostKey(raw);
      this.checkStrength(key);
      return { key };
    }
    const certificate = readCertificate(raw);
    this.checkStrength(certificate.key);
    checkWithKeyOf(this.client, certificate);
    return { key: certificate.key, certificate };
  }

  private checkStrength(key: string): void {
    const problem = this.settings.algorithms === 'legacy' ? undefined : weakKeyProblem(key);
    if (problem !== undefined) throw new Error(`it is ${problem}; ${LEGACY_HINT}`);
  }

  /** The other side closed the connection without a word of SSH that says why. */
  private failClosed(login: Login): void {
    const when = login.isUnderWay
      ? `while user ${plainText(this.settings.user)} was logging in`
      : 'during the SSH handshake';
    this.failWith('turned_away', `the server closed the connection ${when}${this.words.told}`);
  }

  private failHandshake(error: Error & { level?: string; code?: string | number }, login: Login): void {
    if (this.settled) return;
    if (error.level === 'client-authentication') {
      this.failWith('refused_key', login.refusal + this.words.told, undefined, ' ');
      return;
    }
    if (error.level === 'client-socket') {
      this.failUnreachable(error as NodeJS.ErrnoException);
      return;
    }
    const { disconnectReason: reason } = this;
    if (reason !== undefined) {
      if (login.isUnderWay && !LATER.has(reason))
        this.failWith('refused_key', login.refusal + this.words.told, undefined, ' ');
      else
        this.failWith(
          LATER.has(reason) ? 'turned_away' : 'protocol',
          `the server ended the connection${this.words.told}`,
        );
      return;
    }
    if (error.message === 'Connection lost before handshake') {
      if (this.words.isWebServer) this.failWith('protocol', `it is no SSH server${this.words.told}`);
      else
        this.failWith(
          'turned_away',
          `the server closed the connection before the SSH handshake${this.words.told}`,
        );
      return;
    }
    this.failWith(
      'protocol',
      `the SSH handshake failed: ${this.noMatch(error.message) ?? plainText(error.message)}`,
      error,
    );
  }

  /** What both sides could not agree on, and the way out; undefined for other failures. */
  private noMatch(message: string): string | undefined {
    const what = /no matching (.*)$/.exec(message)?.[1];
    if (what === undefined) return undefined;
    const kinds = { key: 'kex', host: 'hostKey', 'C->S': what.endsWith('MAC') ? 'mac' : 'cipher' } as const;
    const offered = this.offer.of(kinds[what.split(' ')[0] as keyof typeof kinds] ?? 'cipher');
    const only = plainText(offered.join(', '), 200);
    const hint =
      this.settings.algorithms !== 'legacy' && offered.some(isLegacyAlgorithm) ? `; ${LEGACY_HINT}` : '';
    return `no matching ${plainText(what)}${only === '' ? '' : `: the server offers only ${only}`}${hint}`;
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
    const kinds: Record<string, ConnectFailureKind> = {
      ETIMEDOUT: 'timeout',
      // It was there, and closed the connection with something of ours unread: as a server does that is full.
      ECONNRESET: 'turned_away',
      EPIPE: 'turned_away',
    };
    const kind = kinds[error.code ?? ''] ?? 'unreachable';
    const what = reasons[error.code ?? ''] ?? plainText(error.message);
    this.failWith(kind, what + this.words.told, error);
  }
}

/** Counts what comes. A socket counts it itself; a way through another host does not. */
function counterOf(socket: Duplex): () => number {
  if ('bytesRead' in socket) return () => (socket as Socket).bytesRead;
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  return () => bytes;
}

function certificate(verdict: { certificate?: string }): string {
  return verdict.certificate === undefined ? '' : `; its certificate ${verdict.certificate}`;
}
