/** Limits how many runs an executor works on at once: each run needs a connection, and memory for its output. */
export class Slots {
  private used = 0;
  private waiting: (() => void)[] = [];

  constructor(private readonly count: number) {}

  get free(): number {
    return this.count - this.used;
  }

  get taken(): number {
    return this.used;
  }

  take(): void {
    this.used++;
  }

  release(): void {
    this.used--;
    this.wake();
  }

  /** Resolves when a slot becomes free or `wake` is called. */
  freed(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
