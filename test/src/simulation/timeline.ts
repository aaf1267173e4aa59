/** Whose actions the timeline runs: those of a dead process never happen, those of a frozen one happen when it goes on. */
export interface Standing {
  readonly dead: boolean;
  /** In simulated time. */
  readonly frozenUntil: number;
}

interface Entry {
  at: number;
  /** Of entries at the same moment the one that was made first comes first. */
  order: number;
  /** Process that it happens in; undefined: outside of all (a network, a server, a node). */
  host: Standing | undefined;
  action: (() => void) | undefined;
}

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/**
 * Simulated time. Everything that happens is an entry; after each, whatever the code under test does without waiting
 * (its promises) is let run to its end before the next. So the order of all that happens is decided here alone.
 */
export class Timeline {
  now = 1_700_000_000_000;
  /** Entries that happened. */
  steps = 0;
  private order = 0;
  private readonly heap: Entry[] = [];

  /** Lets something happen later, at a whole millisecond, as clocks tell them. Returns a function that calls it off. */
  schedule(delayMs: number, host: Standing | undefined, action: () => void): () => void {
    const at = this.now + Math.max(0, Math.round(delayMs));
    const entry: Entry = { at, order: this.order++, host, action };
    this.push(entry);
    return () => {
      entry.action = undefined;
    };
  }

  /**
   * Runs until the condition holds, looked at after each entry.
   * @returns whether it came to hold before the limit (a moment).
   */
  async runUntil(condition: () => boolean, limit: number): Promise<boolean> {
    while (!condition()) {
      const entry = this.pop();
      if (!entry || entry.at > limit) {
        if (entry) this.push(entry);
        this.now = limit;
        return false;
      }
      await this.happen(entry);
    }
    return true;
  }

  private async happen(entry: Entry): Promise<void> {
    const { action, host } = entry;
    this.now = Math.max(this.now, entry.at);
    if (!action || host?.dead) return;
    if (host && host.frozenUntil > this.now) {
      // A stopped process does nothing; what came for it meanwhile it does in the same order when it goes on.
      entry.at = host.frozenUntil;
      entry.order = this.order++;
      this.push(entry);
      return;
    }
    this.steps++;
    action();
    await new Promise((resolve) => setImmediate(resolve));
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Entry;
      if (before(above, entry)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  private pop(): Entry | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right && before(right, heap[child] as Entry)) child++;
      const below = heap[child] as Entry;
      if (before(last, below)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}
