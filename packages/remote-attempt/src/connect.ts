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
  type HostKeyJudgement,
  type HostKeyPolicy,
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

/** The node to connect to. */
export interface NodeTarget {
  /** A name or an address. */
  host: string;
  port: number;
  /** The host key that was learned earlier, `ssh-ed25519 AAAA…`: the node must have exactly this one. */
  pinnedHostKey?: string;
  /** For code that keeps connections: the connection has to be a new one. */
  freshLogin?: boolean;
  /** The target is not a node, but a host through which nodes are reached. */
  isJumpHost?: boolean;
}

/** How to connect, the same for all nodes. */
export interface ConnectionSettings {
  user: string;
  /**
   * The private key, see `readPrivateKey`; or a function that each connection calls to get it. The error of the
   * function becomes the reason of a ConnectFailure, so its message must not hold the key.
   */
  privateKey: PrivateKeyText | (() => Promise<PrivateKeyText>);
  hostKeyPolicy: HostKeyPolicy;
  /** Known host keys, see `parseKnownHosts`. */
  knownHosts?: KnownHostsLookup;
  /** Default: `modern`. */
  algorithms?: AlgorithmSet;
  /** Time limit for all steps up to a usable connection. */
  connectTimeoutMs: number;
  /** How often an idle connection is probed. */
  keepaliveIntervalMs: number;
  /** The number of unanswered probes after which a connection counts as dead. */
  keepaliveCountMax: number;
  /** The folders of attempts that the home folder cannot take. Default: none. */
  attemptFolders?: FallbackFolders;
  /** Opens the stream to the target, see `openTunnel`. Default: by TCP. @throws ConnectFailure */
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

/**
 * Reasons of a disconnect (RFC 4253, 11.1) after which a later try may work: no service, connection lost, ended by the
 * application, too many connections.
 */
const LATER = new Set([7, 10, 11, 12]);

/** One try to connect: a socket, an SSH client on it, and the first of several possible ends. */
class ConnectAttempt {
  private readonly address: string;
  private readonly client: SshClient = new ssh2.Client();
  /** The host's keys in the file of known hosts. */
  private readonly known: KnownKeys;
  private readonly words = new ServerWords();
  private readonly offer = new ServerOffer();
  /** The server's reason for ending the connection, if it gave one. */
  private disconnectReason: number | undefined;
  private socket: Duplex | undefined;
  /** Aborted when the try ends before its stream is open. */
  private readonly givenUp = new AbortController();
  private hostKey = '';
  private judgement: HostKeyJudgement | undefined;
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
    // Not ssh2's own socket: ssh2 leaves Nagle's algorithm on, which makes a request on an idle connection wait 40 ms
    // for a delayed acknowledgement.
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

  /** Ends the try with this error; the socket is destroyed at once. */
  fail(error: unknown): void {
    if (this.settled) return;
    this.settled = true;
    this.settle.reject(error);
    this.givenUp.abort(error);
    // The destroyed socket and client may still report errors; they are ignored.
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
        hostKeyLearned: this.judgement?.kind === 'learned',
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
    // ssh2 pauses the socket until it listens itself.
    this.words.listenTo(socket);
    this.offer.listenTo(socket);
  }

  /** The keys whose types the client asks for first. */
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
    const judgement = judgeHostKey(shown, {
      host: this.target.host,
      pinned: this.target.pinnedHostKey,
      known: this.known,
      policy: this.settings.hostKeyPolicy,
      now: Date.now(),
    });
    this.judgement = judgement;
    const got = hostKeyFingerprint(shown.key);
    switch (judgement.kind) {
      case 'known':
      case 'learned':
        return true;
      case 'revoked': {
        const what = judgement.what === 'key' ? '' : ' was certified by an authority that';
        this.fail(
          new ConnectFailure(
            'host_key_revoked',
            `host key of ${this.address}${what} is revoked in the known hosts (${got})`,
          ),
        );
        return false;
      }
      case 'changed': {
        const expected = judgement.expected.map(hostKeyFingerprint).join(' or ');
        this.fail(
          new ConnectFailure(
            'host_key_changed',
            `host key of ${this.address} changed: expected ${expected}, got ${got}${certificate(judgement)}` +
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
            `host key of ${this.address} is not known (${got})${certificate(judgement)}` +
              (this.target.isJumpHost
                ? '; that of a jump host has to be'
                : ' and the host key policy is strict'),
          ),
        );
        return false;
      default:
        return judgement satisfies never;
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

  /** The other side closed the connection without an SSH message that says why. */
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

  /** The algorithms that both sides could not agree on, and the way out; undefined for other failures. */
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
      // The server closed the connection without reading what the client sent, as a full server does.
      ECONNRESET: 'turned_away',
      EPIPE: 'turned_away',
    };
    const kind = kinds[error.code ?? ''] ?? 'unreachable';
    const what = reasons[error.code ?? ''] ?? plainText(error.message);
    this.failWith(kind, what + this.words.told, error);
  }
}

/** Counts received bytes. A socket has its own count; a tunnel through another host has none. */
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
