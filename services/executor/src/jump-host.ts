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

/**
 * A host through which nodes are reached. All of an executor's nodes share one connection to it: an SSH server admits few
 * that are just being opened (`MaxStartups`), and any number of ways through one that is.
 */
export class JumpHost {
  readonly address: string;
  private connection: Promise<NodeConnection> | undefined;
  private ways = 0;
  private idle: NodeJS.Timeout | undefined;

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
      throw new ConnectFailure(error.kind, `jump host: ${error.message}`, { cause: error });
    });
    connecting.then(
      async (open) => {
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
