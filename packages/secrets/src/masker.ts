import { type AfterDump, Begins, DumpFinder, isTextOfDump } from './dump-finder.js';
import type { OutputMask, OutputPiece } from './output-mask.js';
import { type Element, spellingsOf, textsOf } from './spellings.js';
import { Threads } from './threads.js';

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
 * Finds secrets in bytes, however they are written (see `spellingsOf`, `dumpSpellingsOf`), and puts `*` in the place of
 * each of their bytes. Whether a byte is masked depends on the bytes around it only, not on how they arrive: so two
 * executors that mask the same output agree.
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
  /**
   * By two bytes: which spellings of a secret may begin with them, see `Begins`. Most of any text is passed over by
   * this.
   */
  private readonly pairs = new Uint8Array(65_536);
  readonly dumps: DumpFinder;

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
    this.dumps = new DumpFinder(new Set(secrets.flatMap(textsOf)));
    this.dumps.noteBeginnings(this.pairs);
    this.context = Math.max(longest, this.dumps.context) + LONGEST_ESCAPE;
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

  /** Which kinds of spellings may begin with the byte, see `Begins`; 0 when none. */
  beginsWith(byte: number, following: number | undefined): number {
    // What comes next is not known yet.
    if (following === undefined) return (this.beginners[byte]?.length ? Begins.written : 0) | Begins.dumped;
    return this.pairs[byte * 256 + following] ?? 0;
  }

  /** Adds every place between two elements, for a secret whose beginning has been left out. */
  addInner(active: Threads, start: number): void {
    for (const element of this.elements.keys()) active.add(element * NODES_MOST, start, start, 0);
  }

  /**
   * Goes on by one byte.
   * @param active places inside secrets, and where the secret begins
   * @param next gets the places after the byte
   * @param start where a secret begins that begins with this byte; undefined when none does
   * @returns where the longest secret begins that ends with the byte; Infinity when none ends.
   */
  step(active: Threads, byte: number, next: Threads, start: number | undefined): number {
    let found = Number.POSITIVE_INFINITY;
    const goOn = (element: number, node: Node | undefined, begun: number): void => {
      if (node === undefined) return;
      if (node.end) {
        if (this.isLast[element]) found = Math.min(found, begun);
        else next.add((element + 1) * NODES_MOST, begun, 0, 0);
      }
      if (node.next.size > 0) next.add(element * NODES_MOST + node.id, begun, 0, 0);
    };
    for (let at = 0; at < active.size; at++) {
      const place = active.keys[at] ?? 0;
      const element = Math.floor(place / NODES_MOST);
      const node = this.elements[element]?.[place % NODES_MOST]?.next.get(byte);
      if (node !== undefined) goOn(element, node, active.begun[at] ?? 0);
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
      for (const second of [...node.next.keys(), ...(following ?? [])])
        this.pairs[byte * 256 + second] = Begins.written;
    }
  }
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
  private active = new Threads();
  private spare = new Threads();
  /** Those of the dumps. */
  private threads = new Threads();
  private spareThreads = new Threads();
  private readonly afterDump: AfterDump = { end: -1, blanks: 0, inText: false };
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
    const { afterDump } = this;
    let { active, spare, threads, spareThreads } = this;
    for (let index = keptBytes; index < bytes.length; index++) {
      const begins = masker.beginsWith(bytes[index] ?? 0, bytes[index + 1]);
      const place = start + index;
      const resumes = place >= this.resumed && place < this.resumed + LONGEST_ESCAPE;
      if (begins === 0 && !resumes && active.size === 0 && threads.size === 0 && afterDump.end < 0) continue;
      const byte = bytes[index] ?? 0;
      if (resumes) {
        masker.addInner(active, place);
        masker.dumps.addInner(threads, place);
      }
      if (afterDump.end >= 0 && isTextOfDump(afterDump, byte, place)) marked[index] = 1;
      const isWritten = (begins & Begins.written) !== 0;
      if (isWritten || active.size > 0) {
        spare.clear();
        const found = masker.step(active, byte, spare, isWritten ? place : undefined);
        [active, spare] = [spare, active];
        if (place + 1 - found >= SHORTEST_PIECE) marked.fill(1, Math.max(0, found - start), index + 1);
      }
      if ((begins & Begins.dumped) !== 0 || threads.size > 0) {
        spareThreads.clear();
        if (threads.size > 0) {
          const found = masker.dumps.step(threads, byte, place, spareThreads, afterDump);
          if (place + 1 - found >= SHORTEST_PIECE) marked.fill(1, Math.max(0, found - start), index + 1);
        }
        if ((begins & Begins.dumped) !== 0) masker.dumps.begin(spareThreads, bytes, index, place);
        [threads, spareThreads] = [spareThreads, threads];
      }
    }
    this.active = active;
    this.spare = spare;
    this.threads = threads;
    this.spareThreads = spareThreads;
    const open = Math.min(start + bytes.length, active.firstBegun, threads.firstBegun);
    this.release(bytes, marked, open - start);
  }

  end(): void {
    const { kept, marked, start = 0 } = this;
    // A secret that is cut off here.
    let cutOff = Math.min(this.active.firstBegun, this.masker.dumps.cutOff(this.threads));
    if (start + kept.length - cutOff < SHORTEST_PIECE) cutOff = Number.POSITIVE_INFINITY;
    if (cutOff < start + kept.length) marked.fill(1, Math.max(0, cutOff - start));
    this.active.clear();
    this.threads.clear();
    this.afterDump.end = -1;
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
