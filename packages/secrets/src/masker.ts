import type { OutputMask, OutputPiece } from './output-mask.js';
import { type Element, spellingsOf } from './spellings.js';

const STAR = 0x2a;
/** A part of a secret at an end of the output, or where a part of that is left out, is masked from this length on. */
const SHORTEST_PIECE = 4;
/** Where the output goes on after a part that is left out, it may do so inside an escape of this length. */
const LONGEST_ESCAPE = 6;

/** A place inside an element: what may come next. */
interface Node {
  /** Within its element. */
  id: number;
  next: Map<number, Node>;
  /** The element may end here. */
  end: boolean;
}

/** A place is a number: that of the element, times this, and that of the node. */
const NODES_MOST = 1024;

/**
 * Finds secrets in bytes, however they are written (see `spellingsOf`), and puts `*` in the place of each of their bytes.
 * Whether a byte is masked depends on the bytes around it only, not on how they arrive: so two executors that mask the same
 * output agree.
 */
export class Masker {
  /** No match is longer, with some to spare. */
  readonly context: number;
  /** By element, all spellings behind each other: the nodes of the element, the first being its beginning. */
  private readonly elements: Node[][] = [];
  /** By element: nothing follows it in its spelling. */
  private readonly isLast: boolean[] = [];
  /** Elements that begin a spelling. */
  private readonly first: number[] = [];
  /** By byte: elements that begin a spelling and may begin with it. */
  private readonly beginners: number[][] = Array.from({ length: 256 }, () => []);
  /** By two bytes: a secret may begin with them. Most of any text is passed over by this. */
  private readonly pairs = new Uint8Array(65_536);

  constructor(secrets: readonly string[]) {
    const known = new Map<Element | string, Node[]>();
    let longest = 0;
    for (const secret of new Set(secrets)) {
      for (const elements of spellingsOf(secret)) {
        this.first.push(this.elements.length);
        let length = 0;
        for (const [index, element] of elements.entries()) {
          const key = element.length > 8 ? element.join('\0') : element;
          let nodes = known.get(key);
          if (nodes === undefined) {
            nodes = nodesOf(element);
            known.set(key, nodes);
          }
          this.elements.push(nodes);
          this.isLast.push(index === elements.length - 1);
          length += Math.max(...element.map((way) => way.length));
        }
        longest = Math.max(longest, length);
      }
    }
    for (const element of this.first) this.noteBeginning(element);
    this.context = longest + LONGEST_ESCAPE;
  }

  /** A whole text. */
  text(text: string): string {
    const parts: Buffer[] = [];
    const stream = this.output(0, (_, data) => parts.push(data));
    stream.push({ offset: 0, data: Buffer.from(text) });
    stream.end();
    return Buffer.concat(parts).toString();
  }

  /**
   * Output that arrives in pieces, the first of them at most `context` bytes before `from`.
   * @param emit gets the masked output, in order and without gaps, from the byte `from` on.
   */
  output(from: number, emit: (offset: number, data: Buffer) => void): OutputMask {
    return new MaskedOutput(this, from, emit);
  }

  /** @param following the next byte; undefined when it is not known yet. */
  mayBegin(byte: number, following: number | undefined): boolean {
    if (following === undefined) return this.beginners[byte]?.length !== 0;
    return this.pairs[byte * 256 + following] === 1;
  }

  /** Adds every place between two elements, for a secret whose beginning has been left out. */
  addInner(active: Map<number, number>, start: number): void {
    for (const element of this.elements.keys()) add(active, element * NODES_MOST, start);
  }

  /**
   * Goes on by one byte.
   * @param active places inside secrets, and where the secret begins
   * @param next gets the places after the byte
   * @param start where a secret begins that begins with this byte; undefined when none does
   * @returns where the longest secret begins that ends with the byte; Infinity when none ends.
   */
  step(
    active: ReadonlyMap<number, number>,
    byte: number,
    next: Map<number, number>,
    start: number | undefined,
  ): number {
    let found = Number.POSITIVE_INFINITY;
    const goOn = (element: number, node: Node | undefined, begun: number): void => {
      if (node === undefined) return;
      if (node.end) {
        if (this.isLast[element]) found = Math.min(found, begun);
        else add(next, (element + 1) * NODES_MOST, begun);
      }
      if (node.next.size > 0) add(next, element * NODES_MOST + node.id, begun);
    };
    for (const [place, begun] of active) {
      const element = Math.floor(place / NODES_MOST);
      goOn(element, this.elements[element]?.[place % NODES_MOST]?.next.get(byte), begun);
    }
    if (start !== undefined) {
      for (const element of this.beginners[byte] ?? []) {
        goOn(element, this.elements[element]?.[0]?.next.get(byte), start);
      }
    }
    return found;
  }

  private noteBeginning(element: number): void {
    for (const [byte, node] of this.elements[element]?.[0]?.next ?? []) {
      this.beginners[byte]?.push(element);
      const following = node.end ? this.elements[element + 1]?.[0]?.next.keys() : undefined;
      for (const second of [...node.next.keys(), ...(following ?? [])]) this.pairs[byte * 256 + second] = 1;
    }
  }
}

function add(active: Map<number, number>, place: number, start: number): void {
  const known = active.get(place);
  if (known === undefined || start < known) active.set(place, start);
}

function nodesOf(element: Element): Node[] {
  const root: Node = { id: 0, next: new Map(), end: false };
  const nodes = [root];
  for (const way of element) {
    let node = root;
    for (const byte of Buffer.from(way, 'latin1')) {
      let next = node.next.get(byte);
      if (next === undefined) {
        next = { id: nodes.length, next: new Map(), end: false };
        node.next.set(byte, next);
        nodes.push(next);
      }
      node = next;
    }
    node.end = true;
  }
  if (nodes.length >= NODES_MOST) throw new Error(`an element has ${nodes.length} places`);
  return nodes;
}

class MaskedOutput implements OutputMask {
  readonly context: number;
  /** What is kept back since it may belong to a secret, and whether it is known to. */
  private kept = Buffer.alloc(0);
  private marked = new Uint8Array(0);
  /** Place of its first byte; undefined before the first piece. */
  private start: number | undefined;
  private active = new Map<number, number>();
  private spare = new Map<number, number>();
  /** A part was left out before this byte; see `addInner`. */
  private resumed = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly masker: Masker,
    private from: number,
    private readonly emit: (offset: number, data: Buffer) => void,
  ) {
    this.context = masker.context;
  }

  push({ offset, data, apart, mark }: OutputPiece): void {
    if (apart) {
      this.end();
      this.start = offset;
      this.resumed = offset;
      // What comes once more is wanted once more.
      this.from = Math.min(this.from, offset);
    }
    this.start ??= offset;
    if (mark) {
      this.end();
      this.handOn(offset, data);
      this.start = offset + data.length;
      this.resumed = this.start;
      return;
    }
    const { masker, start } = this;
    const keptBytes = this.kept.length;
    const bytes = keptBytes === 0 ? data : Buffer.concat([this.kept, data]);
    const marked = new Uint8Array(bytes.length);
    marked.set(this.marked);
    let { active, spare } = this;
    for (let index = keptBytes; index < bytes.length; index++) {
      const byte = bytes[index] ?? 0;
      const place = start + index;
      const begins = masker.mayBegin(byte, bytes[index + 1]);
      const resumes = place >= this.resumed && place < this.resumed + LONGEST_ESCAPE;
      if (!begins && !resumes && active.size === 0) continue;
      if (resumes) masker.addInner(active, place);
      spare.clear();
      const found = masker.step(active, byte, spare, begins ? place : undefined);
      [active, spare] = [spare, active];
      if (place + 1 - found >= SHORTEST_PIECE) marked.fill(1, Math.max(0, found - start), index + 1);
    }
    this.active = active;
    this.spare = spare;
    let open = start + bytes.length;
    for (const begun of active.values()) if (begun < open) open = begun;
    this.release(bytes, marked, open - start);
  }

  end(): void {
    const { kept, marked } = this;
    // A secret that is cut off here.
    if (kept.length >= SHORTEST_PIECE && this.active.size > 0) marked.fill(1);
    this.active.clear();
    this.release(kept, marked, kept.length);
  }

  /** Hands on the first bytes and keeps the others back. */
  private release(bytes: Buffer, marked: Uint8Array, count: number): void {
    const { start = 0 } = this;
    if (count > 0) {
      let data = bytes.subarray(0, count);
      if (marked.subarray(0, count).includes(1)) {
        data = Buffer.from(data.map((byte, index) => (marked[index] ? STAR : byte)));
      }
      this.handOn(start, data);
    }
    this.start = start + count;
    this.kept = Buffer.from(bytes.subarray(count));
    this.marked = marked.slice(count);
  }

  private handOn(offset: number, data: Buffer): void {
    const missing = this.from - offset;
    if (missing >= data.length) return;
    if (missing > 0) this.emit(this.from, data.subarray(missing));
    else if (data.length > 0) this.emit(offset, data);
  }
}
