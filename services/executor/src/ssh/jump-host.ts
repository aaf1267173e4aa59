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

/** How long a connection to a jump host stays open while no node needs it. */
const IDLE_MS = 30_000;
/** First and longest pause after a jump host turned a connection away. */
const REST_FIRST_MS = 200;
const REST_LONGEST_MS = 3_000;

/**
 * A host through which the executor reaches nodes. All its nodes share one connection to the jump host: an SSH server
 * limits connections that are being opened (`MaxStartups`), but not the tunnels through an open one.
 */
export class JumpHost {
  readonly address: string;
  private connection: Promise<NodeConnection> | undefined;
  private tunnels = 0;
  private idle: NodeJS.Timeout | undefined;
  /**
   * Set after the jump host turned a connection away: until then no connection is tried, because the tries for all
   * nodes behind it would keep it full. Nodes that need it meanwhile get the same failure.
   */
  private rest: { until: number; ms: number; failure: ConnectFailure } | undefined;

  constructor(
    private readonly target: { host: string; port: number; hostKey?: string },
    private readonly settings: ConnectionSettings,
    private readonly log: Logger,
  ) {
    this.address = nodeAddress(target);
  }

  /** Opens a tunnel to a node. @throws ConnectFailure; the signal's reason when that is aborted. */
  async dial(node: NodeTarget, signal: AbortSignal): Promise<Duplex> {
    const connection = await this.connected(signal);
    clearTimeout(this.idle);
    this.tunnels++;
    try {
      const tunnel = await openTunnel(connection, node);
      tunnel.once('close', () => this.release());
      return tunnel;
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
    this.tunnels--;
    if (this.tunnels > 0) return;
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

  /**
   * Connects for all nodes that wait. The connection has its own time limit, so the end of one wait does not end it.
   */
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
        this.log.warn(
          { jump_host: this.address, reason },
          'the connection to a jump host broke; the next node that needs it opens a new one',
        );
      },
      () => undefined,
    );
    return connecting;
  }
}
