/** A lease that somebody has now. */
export interface Lease {
  taskId: number;
  run: number;
  lease: number;
  executor: string;
  expiresAt: number;
}

/**
 * The leases of the tasks that this replica works on. Only in memory: after a restart every lease found in the events
 * starts with its full time, so a live executor keeps its run and a dead one loses it a little later.
 */
export class Leases {
  private readonly byRun = new Map<string, Lease>();

  constructor(private readonly ttlMs: number) {}

  get size(): number {
    return this.byRun.size;
  }

  grant(taskId: number, run: number, lease: number, executor: string, now: number): void {
    const key = `${taskId}/${run}`;
    const known = this.byRun.get(key);
    if (known && known.lease === lease) return;
    this.byRun.set(key, { taskId, run, lease, executor, expiresAt: now + this.ttlMs });
  }

  end(taskId: number, run: number): void {
    this.byRun.delete(`${taskId}/${run}`);
  }

  /** A heartbeat named the lease. False when it is not the one that is valid now. */
  renew(taskId: number, run: number, lease: number, now: number): boolean {
    const known = this.byRun.get(`${taskId}/${run}`);
    if (!known || known.lease !== lease) return false;
    known.expiresAt = now + this.ttlMs;
    return true;
  }

  expired(now: number): Lease[] {
    return [...this.byRun.values()].filter(({ expiresAt }) => expiresAt <= now);
  }

  /** After a stall of this very process, heartbeats may wait unread: nobody is blamed for our own silence. */
  extendAll(now: number): void {
    for (const lease of this.byRun.values()) lease.expiresAt = Math.max(lease.expiresAt, now + this.ttlMs);
  }
}
