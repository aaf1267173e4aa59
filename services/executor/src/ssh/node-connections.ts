import {
  ConnectionLost,
  type ConnectionSettings,
  type connectToNode,
  type NodeConnection,
  type NodeTarget,
  nodeAddress,
  pruneAttempts,
  restConnection,
  wakeConnection,
} from '@rigel/remote-attempt';
import type { Logger } from 'pino';
import type { NodeAccess } from './node-access.js';

/** Most idle connections. Each costs the node a process, and this executor memory. */
const IDLE_MOST = 2_000;
/** How long an idle connection may take to show that it works. After that, the executor makes a new one. */
const WAKE_MS = 5_000;
const PRUNE_EVERY_MS = 24 * 3600 * 1000;
/** Most nodes whose old files are removed at once. Any other node has its turn after its next run. */
const PRUNES_MOST = 4;
/** Most nodes whose last removal is remembered; the oldest entry is removed first. */
const PRUNES_REMEMBERED = 100_000;

interface Made {
  /** Address and settings. A kept connection serves only targets with the same name. */
  name: string;
  /** The host key that the connection had to show; undefined if the known hosts decided. */
  pin: string | undefined;
}

interface Idle {
  connection: NodeConnection;
  timer: NodeJS.Timeout;
}

/**
 * Keeps connections between runs. A connection stays open for a while for the next run on its node, which then need not
 * connect. Before that, once a day for each node, the executor removes the files of attempts that ended long ago.
 *
 * Removing them is safe after a run: one task holds the node, so attempts there that still wait to be collected are
 * younger than the days that files are kept.
 */
export class NodeConnections {
  private readonly idle = new Map<string, Idle>();
  /** How a connection was made. */
  private readonly made = new WeakMap<NodeConnection, Made>();
  private readonly settingsNumbers = new WeakMap<ConnectionSettings, number>();
  private settingsCount = 0;
  private readonly pruned = new Map<string, number>();
  private readonly pruning = new Set<NodeConnection>();
  private closed = false;

  constructor(
    private readonly options: {
      /** How long an idle connection is kept, in milliseconds; 0: it is closed at once. */
      idleMs: number;
      /** How many days ended attempts are kept on nodes; 0: for ever. */
      keptDays: number;
      log: Logger;
    },
  ) {}

  /** The same access to nodes, but with the kept connections. */
  over(access: NodeAccess): NodeAccess {
    const connect: typeof connectToNode = async (target, settings, signal) => {
      const name = this.nameOf(target, settings);
      const kept = await this.take(name, target);
      signal?.throwIfAborted();
      if (kept !== undefined) return kept;
      const connection = await access.connect(target, settings, signal);
      this.made.set(connection, { name, pin: target.pinnedHostKey });
      return connection;
    };
    return { ...access, connect, giveBack: (connection) => void this.giveBack(connection) };
  }

  /** Closes all idle connections, and every connection that is given back later. */
  close(): void {
    this.closed = true;
    for (const { connection, timer } of this.idle.values()) {
      clearTimeout(timer);
      connection.close();
    }
    this.idle.clear();
    for (const connection of this.pruning) connection.close();
  }

  /** The settings are part of the name: nodes of two clusters may have the same address, each in its own network. */
  private nameOf(target: NodeTarget, settings: ConnectionSettings): string {
    let number = this.settingsNumbers.get(settings);
    if (number === undefined) {
      number = ++this.settingsCount;
      this.settingsNumbers.set(settings, number);
    }
    return `${nodeAddress(target)} ${number}`;
  }

  private async take(name: string, target: NodeTarget): Promise<NodeConnection | undefined> {
    const found = this.idle.get(name);
    if (found === undefined) return undefined;
    this.idle.delete(name);
    clearTimeout(found.timer);
    const { connection } = found;
    if (target.freshLogin || !this.isFor(connection, target)) {
      connection.close();
      return undefined;
    }
    try {
      await wakeConnection(connection, WAKE_MS);
      return connection;
    } catch (error) {
      connection.close();
      if (!(error instanceof ConnectionLost)) throw error;
      this.options.log.debug(
        { node: nodeAddress(target), reason: error.message },
        'an idle connection to a node broke; the executor connects again',
      );
      return undefined;
    }
  }

  /** Whether a new connection to this target would check the same host key, with the same result. */
  private isFor(connection: NodeConnection, target: NodeTarget): boolean {
    if (target.pinnedHostKey !== undefined) return target.pinnedHostKey === connection.hostKey;
    // A node without a pinned key is new to its task: the task has to learn the key, or find it among the known hosts.
    return this.made.get(connection)?.pin === undefined && !connection.hostKeyLearned;
  }

  private async giveBack(connection: NodeConnection): Promise<void> {
    restConnection(connection);
    if (!this.closed) await this.prune(connection);
    if (this.closed || this.options.idleMs === 0) {
      connection.close();
      return;
    }
    const name = this.made.get(connection)?.name ?? nodeAddress(connection);
    this.end(name);
    const timer = setTimeout(() => this.end(name), this.options.idleMs);
    timer.unref();
    this.idle.set(name, { connection, timer });
    void connection.closed.then(() => {
      if (this.idle.get(name)?.connection === connection) this.end(name);
    });
    for (const oldest of this.idle.keys()) {
      if (this.idle.size <= IDLE_MOST) break;
      this.end(oldest);
    }
  }

  private end(name: string): void {
    const found = this.idle.get(name);
    if (found === undefined) return;
    this.idle.delete(name);
    clearTimeout(found.timer);
    found.connection.close();
  }

  private async prune(connection: NodeConnection): Promise<void> {
    const address = nodeAddress(connection);
    if (this.options.keptDays === 0) return;
    const name = this.made.get(connection)?.name ?? address;
    const last = this.pruned.get(name);
    if (last !== undefined && Date.now() - last < PRUNE_EVERY_MS) return;
    if (this.pruning.size >= PRUNES_MOST) return;
    this.pruned.delete(name);
    this.pruned.set(name, Date.now());
    for (const oldest of this.pruned.keys()) {
      if (this.pruned.size <= PRUNES_REMEMBERED) break;
      this.pruned.delete(oldest);
    }
    const { log, keptDays } = this.options;
    this.pruning.add(connection);
    try {
      const count = await pruneAttempts(connection, keptDays);
      if (count > 0)
        log.info(
          { node: address, count, kept_days: keptDays },
          'the executor removed files of old attempts from a node',
        );
    } catch (error) {
      if (!this.closed)
        log.warn(
          { node: address, reason: String(error) },
          'the executor could not remove files of old attempts from a node',
        );
    } finally {
      this.pruning.delete(connection);
    }
  }
}
