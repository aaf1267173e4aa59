import { type Heartbeat, LEASE_TTL_MS, plainLine } from '@rigel/contracts';
import type { ExecutorSeen } from './facts.js';

/** Characters of what a run waits for. */
const MAX_WAITING = 300;

interface Seen extends ExecutorSeen {
  at: number;
  waiting: Map<number, { what: string; since: number }>;
}

/** The executors as their heartbeats describe them; one that is silent for as long as a lease lasts counts as gone. */
export class Executors {
  private readonly seen = new Map<string, Seen>();

  heard({ executor, capabilities = [], free_slots = 0, waiting = [] }: Heartbeat, now: number): void {
    this.seen.set(executor, {
      name: executor,
      at: now,
      capabilities,
      freeSlots: free_slots,
      waiting: new Map(
        waiting.map(([run, what, since]) => [run, { what: plainLine(what, MAX_WAITING), since }]),
      ),
    });
    for (const [name, { at }] of this.seen) if (now - at > LEASE_TTL_MS) this.seen.delete(name);
  }

  present(now: number): ExecutorSeen[] {
    return [...this.seen.values()].filter(({ at }) => now - at <= LEASE_TTL_MS);
  }

  /** What a run of an executor waits for, as its last heartbeat says. */
  waitsFor(executor: string, runId: number): { what: string; since: number } | undefined {
    return this.seen.get(executor)?.waiting.get(runId);
  }
}
