/** So many are looked through one by one. */
const FEW = 24;

/**
 * Places inside spellings that a masker is at, each once. A class of its own since there are few of them and they
 * change at each byte: maps that are emptied so often cost ten times as much.
 */
export class Threads {
  size = 0;
  /** The first `size` of each of these count. Which place. */
  readonly keys: number[] = [];
  /** Where in the output the secret begins. */
  readonly begun: number[] = [];
  /** Where its last symbol stands. */
  readonly last: number[] = [];
  /** How many bits of the secret have come. */
  readonly bits: number[] = [];
  private index: Map<number, number> | undefined;

  clear(): void {
    this.size = 0;
    this.index = undefined;
  }

  /** Of two ways to one place the longest is what counts. */
  add(key: number, begun: number, last: number, bits: number): void {
    const at = this.find(key);
    if (at < 0) {
      const { size } = this;
      this.keys[size] = key;
      this.begun[size] = begun;
      this.last[size] = last;
      this.bits[size] = bits;
      this.index?.set(key, size);
      this.size++;
      return;
    }
    if (begun < (this.begun[at] ?? 0)) this.begun[at] = begun;
    if (last > (this.last[at] ?? 0)) this.last[at] = last;
    if (bits > (this.bits[at] ?? 0)) this.bits[at] = bits;
  }

  /** Where the first of them begins; Infinity when there is none. */
  get firstBegun(): number {
    let first = Number.POSITIVE_INFINITY;
    for (let at = 0; at < this.size; at++) first = Math.min(first, this.begun[at] ?? first);
    return first;
  }

  private find(key: number): number {
    if (this.size < FEW) {
      for (let at = 0; at < this.size; at++) if (this.keys[at] === key) return at;
      return -1;
    }
    if (this.index === undefined) {
      this.index = new Map();
      for (let at = 0; at < this.size; at++) this.index.set(this.keys[at] ?? 0, at);
    }
    return this.index.get(key) ?? -1;
  }
}
