import { PARTITIONS } from '@rigel/contracts';
import type { Random } from '../support/random.js';
import type { SimulatedDatabase } from './database.js';
import type { Host } from './host.js';

const CHECK_MS = 1_000;
/** A session whose process stands still for longer is ended by the others. */
const SILENCE_MS = 10_000;

interface Session {
  host: Host;
  ended: boolean;
  lastSeen: number;
}

/**
 * The partitions' locks in the database, and how replicas take them: a fair share each, as long as the session lives.
 * The server may end a session before its process notices, so that two believe to own a partition for a while.
 */
export class PartitionLocks {
  private readonly owners = new Map<number, Session>();
  private readonly sessions = new Set<Session>();

  constructor(
    private readonly database: SimulatedDatabase,
    private readonly random: Random,
  ) {}

  /**
   * Keeps a replica told of what it owns.
   * @param own resolves when nothing is served or written any more for the partitions that are not among these.
   */
  follow(host: Host, own: (partitions: ReadonlySet<number>) => Promise<void>): void {
    let session: Session | undefined;
    let owned = new Set<number>();
    const change = async (partitions: Set<number>): Promise<void> => {
      const same = partitions.size === owned.size && [...partitions].every((p) => owned.has(p));
      owned = partitions;
      if (!same) await own(partitions);
    };
    const round = async (): Promise<void> => {
      try {
        const held = await this.ask(host, () => {
          session ??= this.open(host);
          return this.share(session);
        });
        const surplus = [...owned].filter((partition) => !held.has(partition));
        await change(held);
        if (surplus.length > 0) await this.ask(host, () => this.release(surplus, session));
      } catch {
        session = undefined;
        await change(new Set());
      }
    };
    const again = (): void => {
      round().finally(() => host.clock.after(CHECK_MS, again));
    };
    again();
  }

  /** The server notices that a process is gone, or has had enough of one that is silent. */
  end(host: Host): void {
    for (const session of this.sessions) if (session.host === host) this.close(session);
  }

  private ask<T>(host: Host, work: () => T): Promise<T> {
    return host.ask({ there: this.random.integer(0, 3), back: this.random.integer(0, 3) }, () => {
      const { now } = host.timeline;
      if (this.database.downUntil > now) {
        for (const session of this.sessions) this.close(session);
        throw new Error('the database does not answer');
      }
      for (const session of this.sessions) {
        if (now - session.lastSeen > SILENCE_MS) this.close(session);
      }
      return work();
    });
  }

  private open(host: Host): Session {
    const session = { host, ended: false, lastSeen: host.timeline.now };
    this.sessions.add(session);
    return session;
  }

  private close(session: Session): void {
    session.ended = true;
    this.sessions.delete(session);
    for (const [partition, owner] of this.owners) {
      if (owner === session) this.owners.delete(partition);
    }
  }

  /** What a session is to own from now on; what it has beyond that it keeps until it has given it up. */
  private share(session: Session): Set<number> {
    if (session.ended) throw new Error('the session was ended');
    session.lastSeen = session.host.timeline.now;
    const fair = Math.ceil(PARTITIONS / this.sessions.size);
    const held = [...this.owners].filter(([, owner]) => owner === session).map(([partition]) => partition);
    for (let partition = 0; partition < PARTITIONS && held.length < fair; partition++) {
      if (this.owners.has(partition)) continue;
      this.owners.set(partition, session);
      held.push(partition);
    }
    return new Set(held.slice(0, fair));
  }

  private release(partitions: readonly number[], session: Session | undefined): void {
    for (const partition of partitions) {
      if (this.owners.get(partition) === session) this.owners.delete(partition);
    }
  }
}
