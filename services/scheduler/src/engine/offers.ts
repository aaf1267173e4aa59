import type { Capability } from '@rigel/contracts';

/** Offers of one task that may be unclaimed at once; the others wait here, so the queue never holds a whole fleet. */
const WINDOW = 1_000;
const FIRST_REPEAT_MS = 5_000;
const LONGEST_REPEAT_MS = 60_000;

interface Offer {
  capability: Capability;
  /** When the scheduler makes it again if no executor claims the run. */
  repeatAt: number;
  /** When the scheduler made it first. */
  madeAt: number;
  tries: number;
}

type ByCapability = Map<Capability, number[]>;

function add(offers: ByCapability, run: number, capability: Capability): void {
  const runs = offers.get(capability);
  if (runs) runs.push(run);
  else offers.set(capability, [run]);
}

/**
 * The runs of one task that wait for an executor. A run that no executor claims in time is offered again, less and less often: the
 * offer may be lost, or just wait behind others. Of two claims the second is refused.
 */
export class Offers {
  private readonly open = new Map<number, Offer>();
  /** Runs in the order in which they became ready, not offered yet. */
  private readonly backlog = new Map<number, Capability>();

  add(run: number, capability: Capability): void {
    if (!this.open.has(run)) this.backlog.set(run, capability);
  }

  remove(run: number): void {
    this.open.delete(run);
    this.backlog.delete(run);
  }

  /** New offers to make now, by capability, as far as the window allows. */
  fresh(now: number): ByCapability {
    const fresh: ByCapability = new Map();
    for (const [run, capability] of this.backlog) {
      if (this.open.size >= WINDOW) break;
      this.backlog.delete(run);
      this.open.set(run, { capability, repeatAt: now + FIRST_REPEAT_MS, madeAt: now, tries: 0 });
      add(fresh, run, capability);
    }
    return fresh;
  }

  /** Offers that no executor claimed in time, to make again now. */
  repeated(now: number): ByCapability {
    const repeated: ByCapability = new Map();
    for (const [run, offer] of this.open) {
      if (offer.repeatAt > now) continue;
      offer.tries++;
      offer.repeatAt = now + Math.min(LONGEST_REPEAT_MS, FIRST_REPEAT_MS * 2 ** offer.tries);
      add(repeated, run, offer.capability);
    }
    return repeated;
  }

  /** Offers that no executor has claimed, by capability, with the time when the oldest was first made. */
  unclaimed(): Map<Capability, { runs: number; since: number }> {
    const found = new Map<Capability, { runs: number; since: number }>();
    for (const { capability, madeAt } of this.open.values()) {
      const { runs, since } = found.get(capability) ?? { runs: 0, since: madeAt };
      found.set(capability, { runs: runs + 1, since: Math.min(since, madeAt) });
    }
    return found;
  }

  /** The offer of a run; `waiting`: others of the task go before it. */
  of(
    run: number,
  ): { capability: Capability; madeAt: number; repeatAt: number; tries: number } | 'waiting' | undefined {
    return this.open.get(run) ?? (this.backlog.has(run) ? 'waiting' : undefined);
  }

  /** Makes offers due at once, because they could not be sent. */
  retry(runs: readonly number[], now: number): void {
    for (const run of runs) {
      const offer = this.open.get(run);
      if (offer) offer.repeatAt = now;
    }
  }
}
