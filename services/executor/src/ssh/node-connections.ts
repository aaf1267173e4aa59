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
import type { NodeAccess } from './ssh-runner.js';

/** Each costs the node a process, and us memory. */
const IDLE_MOST = 2_000;
/** How long a connection that has rested may take to show that it works; else a new one is made. */
const WAKE_MS = 5_000;
const PRUNE_EVERY_MS = 24 * 3600 * 1000;
/** Nodes being tidied at once; a node that would be one too many has its turn after its next run. */
const PRUNES_MOST = 4;
/** Nodes whose last tidying is remembered; the oldest is forgotten first. */
const PRUNES_REMEMBERED = 100_000;

interface Made {
  /** Connections are for each other's use when this is the same: the address, and the settings they were made by. */
  name: string;
  /** The host key that was to be expected; undefined when it was left to the known hosts. */
  pin: string | undefined;
}

interface Idle {
  connection: NodeConnection;
  timer: NodeJS.Timeout;
}

/**
 * Connections between runs. One is kept for a while for the next run on its node, which then saves connecting. Before
 * that, once a day for each node, the files of attempts that ended long ago are removed.
 *
 * Removing them is safe after a run: a node is held by one task, so nothing on it waits to be collected but what is
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
      /** How long an idle connection is kept; 0: it is closed at once. */
      idleMs: number;
      /** How many days ended attempts are kept on nodes; 0: for ever. */
      keptDays: number;
      log: Logger;
    },
  ) {}

  /** The same access to nodes, by way of the connections that are kept. */
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

  /** Closes all idle connections, and from now on every one that is given back. */
  close(): void {
    this.closed = true;
    for (const { connection, timer } of this.idle.values()) {
      clearTimeout(timer);
      connection.close();
    }
    this.idle.clear();
    for (const connection of this.pruning) connection.close();
  }

  /** Nodes of two clusters may have the same address, each in a network of its own. */
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
        'an idle connection is gone',
      );
      return undefined;
    }
  }

  /** Whether connecting to this target anew would check the same host key, with the same result. */
  private isFor(connection: NodeConnection, target: NodeTarget): boolean {
    if (target.pinnedHostKey !== undefined) return target.pinnedHostKey === connection.hostKey;
    // A node without a pinned key is new to its task: it is to learn the key, or to find it among the known hosts.
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
        log.info({ node: address, count, kept_days: keptDays }, 'files of old attempts were removed');
    } catch (error) {
      if (!this.closed)
        log.warn({ node: address, reason: String(error) }, 'old attempts could not be removed');
    } finally {
      this.pruning.delete(connection);
    }
  }
}
