import type { Duplex } from 'node:stream';
import {
  ConnectFailure,
  type ConnectionSettings,
  connectToNode,
  type NodeConnection,
  type NodeTarget,
  nodeAddress,
  openTunnel,
} from '@rigel/remote-attempt';
import type { Logger } from 'pino';

/** How long a connection to a jump host is kept that no node is reached through. */
const IDLE_MS = 30_000;
/** First and longest time that a jump host is left alone which turned us away. */
const REST_FIRST_MS = 200;
const REST_LONGEST_MS = 3_000;

/**
 * A host through which nodes are reached. All of an executor's nodes share one connection to it: an SSH server admits few
 * that are just being opened (`MaxStartups`), and any number of ways through one that is.
 */
export class JumpHost {
  readonly address: string;
  private connection: Promise<NodeConnection> | undefined;
  private ways = 0;
  private idle: NodeJS.Timeout | undefined;
  /**
   * It turned us away, and is left alone for a while: all nodes behind it try again, and would keep it full. Those that come
   * meanwhile get the same answer.
   */
  private rest: { until: number; ms: number; failure: ConnectFailure } | undefined;

  constructor(
    private readonly target: { host: string; port: number; hostKey?: string },
    private readonly settings: ConnectionSettings,
    private readonly log: Logger,
  ) {
    this.address = nodeAddress(target);
  }

  /** Opens a way to a node. @throws ConnectFailure; the signal's reason when that is aborted. */
  async dial(node: NodeTarget, signal: AbortSignal): Promise<Duplex> {
    const connection = await this.connected(signal);
    clearTimeout(this.idle);
    this.ways++;
    try {
      const way = await openTunnel(connection, node);
      way.once('close', () => this.release());
      return way;
    } catch (error) {
      this.release();
      if (!(error instanceof ConnectFailure)) throw error;
      throw new ConnectFailure(
        error.kind,
        `${nodeAddress(node)}, through jump host ${this.address}: ${error.message}`,
        { cause: error },
      );
    }
  }

  close(): void {
    clearTimeout(this.idle);
    const { connection } = this;
    this.connection = undefined;
    connection?.then(
      (open) => open.close(),
      () => undefined,
    );
  }

  private release(): void {
    this.ways--;
    if (this.ways > 0) return;
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.close(), IDLE_MS);
    this.idle.unref();
  }

  private connected(signal: AbortSignal): Promise<NodeConnection> {
    if (!this.connection && this.rest && Date.now() < this.rest.until)
      return Promise.reject(this.rest.failure);
    this.connection ??= this.connect();
    const { connection } = this;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      connection.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
      if (signal.aborted) onAbort();
    });
  }

  /** For all who wait, so the end of one of them does not end it; it has its own time limit. */
  private connect(): Promise<NodeConnection> {
    const { host, port, hostKey } = this.target;
    const target = { host, port, isJumpHost: true, ...(hostKey ? { pinnedHostKey: hostKey } : {}) };
    const connecting = connectToNode(target, this.settings).catch((error: unknown) => {
      if (this.connection === connecting) this.connection = undefined;
      if (!(error instanceof ConnectFailure)) throw error;
      const failure = new ConnectFailure(error.kind, `jump host: ${error.message}`, { cause: error });
      if (error.kind === 'turned_away') {
        const ms = Math.min((this.rest?.ms ?? REST_FIRST_MS / 2) * 2, REST_LONGEST_MS);
        this.rest = { until: Date.now() + ms, ms, failure };
      }
      throw failure;
    });
    connecting.then(
      async (open) => {
        this.rest = undefined;
        const reason = await open.closed;
        if (this.connection !== connecting) return;
        this.connection = undefined;
        this.log.warn({ jump_host: this.address, reason }, 'the connection to a jump host is gone');
      },
      () => undefined,
    );
    return connecting;
  }
}
