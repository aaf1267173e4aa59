import { type ExecutorRow, type Heartbeat, LEASE_TTL_MS, plainLine } from '@rigel/contracts';
import type { ExecutorSeen } from './facts.js';

/** How long an executor is remembered that is not heard of any more, and how many such executors. */
const REMEMBERED_MS = 3_600_000;
const MOST_REMEMBERED = 1_000;
/** Waiting runs of an executor that are listed. */
const MOST_WAITING = 20;
/** Characters of what a run waits for. */
const MAX_WAITING = 300;

interface Seen extends ExecutorSeen {
  at: number;
  /** Node runs that it works on. */
  taken: number;
  waiting: Map<number, { what: string; since: number }>;
}

/** The executors as their heartbeats describe them; one that is silent for as long as a lease lasts counts as gone. */
export class Executors {
  private readonly seen = new Map<string, Seen>();

  heard({ executor, capabilities = [], free_slots = 0, waiting = [], leases }: Heartbeat, now: number): void {
    this.seen.delete(executor);
    this.seen.set(executor, {
      name: executor,
      at: now,
      capabilities,
      freeSlots: free_slots,
      taken: leases.length,
      waiting: new Map(
        waiting.map(([run, what, since]) => [run, { what: plainLine(what, MAX_WAITING), since }]),
      ),
    });
    // Set again, it is the last: the first are those that were not heard of for the longest time.
    for (const [name, { at }] of this.seen) {
      if (now - at <= REMEMBERED_MS && this.seen.size <= MOST_REMEMBERED) break;
      this.seen.delete(name);
    }
  }

  present(now: number): ExecutorSeen[] {
    return [...this.seen.values()].filter(({ at }) => now - at <= LEASE_TTL_MS);
  }

  /** The executors that are remembered, by name. */
  all(now: number): ExecutorRow[] {
    return [...this.seen.values()]
      .map(({ name, at, capabilities, freeSlots, taken, waiting }) => ({
        name,
        present: now - at <= LEASE_TTL_MS,
        capabilities: [...capabilities],
        slots: taken + Math.max(0, freeSlots),
        taken,
        heard: at,
        waiting: [...waiting]
          .map(([run_id, { what, since }]) => ({ run_id, what, since }))
          .sort((a, b) => a.since - b.since)
          .slice(0, MOST_WAITING),
      }))
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  /** What a run of an executor waits for, as its last heartbeat says. */
  waitsFor(executor: string, runId: number): { what: string; since: number } | undefined {
    return this.seen.get(executor)?.waiting.get(runId);
  }
}
