/** A lease that an executor holds now. */
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

  /** Milliseconds since the oldest last heartbeat, or grant, of a lease; 0 without leases. */
  oldestHeartbeat(now: number): number {
    let oldest = 0;
    for (const { expiresAt } of this.byRun.values()) oldest = Math.max(oldest, now - expiresAt + this.ttlMs);
    return oldest;
  }

  /** The lease of a run, with the time since its last heartbeat. */
  of(
    taskId: number,
    run: number,
    now: number,
  ): { executor: string; lease: number; silentMs: number } | undefined {
    const known = this.byRun.get(`${taskId}/${run}`);
    if (!known) return undefined;
    const { executor, lease, expiresAt } = known;
    return { executor, lease, silentMs: Math.max(0, now - expiresAt + this.ttlMs) };
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

  /** A heartbeat of this executor named the lease. @returns false when that is not the valid one */
  renew(taskId: number, run: number, lease: number, executor: string, now: number): boolean {
    const known = this.byRun.get(`${taskId}/${run}`);
    // The executor as well: after a restore the same numbers may have been given to another one.
    if (!known || known.lease !== lease || known.executor !== executor) return false;
    known.expiresAt = now + this.ttlMs;
    return true;
  }

  expired(now: number): Lease[] {
    return [...this.byRun.values()].filter(({ expiresAt }) => expiresAt <= now);
  }

  /** After a stall of this process heartbeats may wait unread: no executor loses its lease for that. */
  extendAll(now: number): void {
    for (const lease of this.byRun.values()) lease.expiresAt = Math.max(lease.expiresAt, now + this.ttlMs);
  }
}
