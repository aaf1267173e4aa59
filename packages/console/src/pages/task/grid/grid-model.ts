/*
 * The node runs of a task as typed arrays, which a picture of ten thousand of them is drawn from. Without React and without
 * the browser. A run is named by its index in the task, from 0.
 */

/** What the API answers of a grid: all of it, or what changed. */
export interface GridAnswer {
  version: number;
  cursor: string;
  whole?: {
    first_nsid: number;
    ips: string[];
    node_ids: number[][];
    state: string;
    step: string;
    attempts: string;
    batch: number[][];
    changed: number[];
  };
  changes?: number[][];
  marks: { gate: number[]; retrying: number[]; draining: number[] };
}

export const ORDERS = ['batch', 'address', 'state', 'changed', 'step'] as const;
export type GridOrder = (typeof ORDERS)[number];

/** Bits of `marks`. */
export const MARK = { gate: 1, retrying: 2, draining: 4 } as const;

/** In an order by state: failed ones first, then those at work, stopped, waiting, and what succeeded last. */
const STATE_RANK = [3, 1, 4, 0, 2];
const FAILED = 3;

export class GridModel {
  readonly size: number;
  readonly firstId: number;
  readonly ips: readonly string[];
  readonly nodes: Float64Array;
  readonly batch: Uint32Array;
  readonly state: Uint8Array;
  readonly step: Uint8Array;
  readonly attempts: Uint8Array;
  readonly marks: Uint8Array;
  /** Seconds from the creation of the task to the last change. */
  readonly changed: Float64Array;
  /** Runs by state. */
  readonly counts = [0, 0, 0, 0, 0];
  version: number;
  cursor: string;

  /** @param answer with `whole`. */
  constructor(answer: GridAnswer) {
    const { whole, version, cursor, marks } = answer;
    if (!whole) throw new Error('a grid begins with the whole');
    this.version = version;
    this.cursor = cursor;
    this.size = whole.state.length;
    this.firstId = whole.first_nsid;
    this.ips = whole.ips;
    this.nodes = Float64Array.from(expanded(whole.node_ids, (first, n) => first + n));
    this.batch = Uint32Array.from(expanded(whole.batch, (batch) => batch));
    this.state = digitsOf(whole.state);
    this.step = digitsOf(whole.step);
    this.attempts = digitsOf(whole.attempts);
    this.changed = Float64Array.from(whole.changed);
    this.marks = new Uint8Array(this.size);
    for (const state of this.state) this.counts[state] = (this.counts[state] ?? 0) + 1;
    this.mark(marks);
  }

  /**
   * Puts changes into the arrays.
   * @param seconds from the creation of the task to now.
   * @returns the indexes of the runs that look different now.
   */
  apply({ changes = [], marks, version, cursor }: GridAnswer, seconds: number): number[] {
    const different: number[] = [];
    const before = new Map<number, number>();
    for (const [index = 0, state = 0, step = 0, attempts = 0] of changes) {
      if (index >= this.size) continue;
      const was = this.state[index] as number;
      if (was !== state || this.step[index] !== step || this.attempts[index] !== attempts) {
        different.push(index);
        this.changed[index] = Math.max(0, Math.floor(seconds));
      }
      this.counts[was] = (this.counts[was] ?? 0) - 1;
      this.counts[state] = (this.counts[state] ?? 0) + 1;
      this.state[index] = state;
      this.step[index] = step;
      this.attempts[index] = attempts;
      before.set(index, this.marks[index] as number);
      this.marks[index] = 0;
    }
    this.mark(marks);
    const seen = new Set(different);
    for (const [index, marks] of before)
      if (this.marks[index] !== marks && !seen.has(index)) different.push(index);
    this.version = version;
    this.cursor = cursor;
    return different;
  }

  private mark(marks: GridAnswer['marks']): void {
    for (const name of ['gate', 'retrying', 'draining'] as const) {
      for (const index of marks[name]) {
        if (index < this.size) this.marks[index] = (this.marks[index] as number) | MARK[name];
      }
    }
  }

  /** The indexes of all runs in an order; equal ones stay in the order of the task. */
  ordered(order: GridOrder): Uint32Array {
    const indexes = Uint32Array.from({ length: this.size }, (_, index) => index);
    if (order === 'batch') return indexes;
    const keys = order === 'address' ? this.addressKeys() : undefined;
    const rank = (index: number): number => {
      switch (order) {
        case 'state':
          return STATE_RANK.indexOf(this.state[index] as number);
        case 'step':
          return this.step[index] as number;
        case 'changed':
          return -(this.changed[index] as number);
        default:
          return keys?.[index] as number;
      }
    };
    return indexes.sort((a, b) => rank(a) - rank(b) || a - b);
  }

  /** A number for each address that rises with it; names that are no IPv4 addresses come after them, by their letters. */
  private addressKeys(): Float64Array {
    const keys = new Float64Array(this.size);
    const names: number[] = [];
    for (let index = 0; index < this.size; index++) {
      const parts = /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?::(\d+))?$/.exec(this.ips[index] as string);
      if (!parts) names.push(index);
      else
        keys[index] =
          parts.slice(1, 5).reduce((sum, part) => sum * 256 + Number(part), 0) * 65_536 +
          Number(parts[5] ?? 0);
    }
    names.sort((a, b) => ((this.ips[a] as string) < (this.ips[b] as string) ? -1 : 1));
    names.forEach((index, place) => {
      keys[index] = 2 ** 49 + place;
    });
    return keys;
  }

  /** The index of the run on a node. */
  indexOfNode(node: number): number | undefined {
    const index = this.nodes.indexOf(node);
    return index < 0 ? undefined : index;
  }

  isFailed(index: number): boolean {
    return this.state[index] === FAILED;
  }

  /** The first run in an order, at `from` or later, then from the beginning, whose address has the text in it. */
  find(text: string, order: Uint32Array, from: number): number | undefined {
    return this.search(order, from, 1, (index) => (this.ips[index] as string).includes(text));
  }

  /** The place in an order of the next run that fits, from a place on, forwards or backwards, around the end. */
  search(
    order: Uint32Array,
    from: number,
    direction: 1 | -1,
    fits: (index: number) => boolean,
  ): number | undefined {
    for (let n = 0; n < this.size; n++) {
      const place = (((from + direction * n) % this.size) + this.size) % this.size;
      if (fits(order[place] as number)) return place;
    }
    return undefined;
  }
}

function digitsOf(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length }, (_, index) => Number.parseInt(text.charAt(index), 36));
}

function expanded(ranges: readonly number[][], value: (first: number, n: number) => number): number[] {
  return ranges.flatMap(([first = 0, count = 0]) => Array.from({ length: count }, (_, n) => value(first, n)));
}
