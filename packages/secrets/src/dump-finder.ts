import {
  AT,
  BREAK_STATES,
  breakState,
  foldState,
  isBlank,
  isHexDigit,
  isLineEnd,
  maySymbolCome,
  zeroState,
} from './dump-breaks.js';
import { type DumpSpelling, dumpSpellingsOf, Gap } from './dump-spellings.js';
import type { Threads } from './threads.js';

/** Two symbols belong together no more when more than so many bytes stand between them. */
const LONGEST_BREAK = 512;
/** A part of a secret at an end of the output is masked when so many of its bits are there. */
const FEWEST_BITS = 16;
/** No more is seen again by an executor that goes on where another one stopped. */
const MOST_CONTEXT = 512 * 1024;

/** Which kinds of spellings may begin with two bytes. */
export const Begins = { written: 1, dumped: 2 } as const;

const BYTES = Array.from({ length: 256 }, (_, byte) => byte);
/** So far is looked, in bytes, whether what looks like a beginning is none. */
const LOOK_AHEAD = 64;
const LOOK_AT_SYMBOLS = 8;

/** What stands behind a dump: its last line's column of text shows the secret too. */
export interface AfterDump {
  /** Where the dump ended; -1 when nothing is waited for. */
  end: number;
  /** Blanks right before the place. */
  blanks: number;
  /** In the column of text. */
  inText: boolean;
}

/**
 * Finds secrets in what tools that print bytes write. The same for all outputs; what belongs to one output is given.
 */
export class DumpFinder {
  /** No match is longer, but for those of secrets of many kilobytes. */
  readonly context: number;
  private readonly spellings: DumpSpelling[] = [];
  /** By spelling: the number of its first symbol. */
  private readonly firsts: number[] = [];
  /** By symbol: its spelling. */
  private readonly owners: Uint32Array;
  /** By two bytes: spellings that may begin with them. */
  private readonly beginners: (number[] | undefined)[] = new Array(65_536);

  constructor(texts: Iterable<string>) {
    let symbols = 0;
    let context = 0;
    for (const text of texts) {
      for (const spelling of dumpSpellingsOf(text)) {
        if (spelling.known.length < 2) continue;
        this.spellings.push(spelling);
        this.firsts.push(symbols);
        symbols += spelling.known.length;
        const breaks = spelling.gaps.reduce((sum, gap) => sum + (gap === Gap.none ? 0 : 1), 0);
        context = Math.max(context, spelling.known.length + breaks * LONGEST_BREAK);
      }
    }
    this.context = Math.min(context, MOST_CONTEXT);
    this.owners = new Uint32Array(symbols);
    for (const [index, first] of this.firsts.entries()) {
      this.owners.fill(index, first, first + (this.spellings[index]?.known.length ?? 0));
    }
  }

  /** @param pairs gets `Begins.dumped` for any two bytes that a spelling may begin with. */
  noteBeginnings(pairs: Uint8Array): void {
    for (const [index, spelling] of this.spellings.entries()) {
      const firsts = BYTES.filter((byte) => fits(spelling, 0, byte));
      for (const second of BYTES) {
        if (!fits(spelling, 1, second) && !mayBreak(spelling, 1, second)) continue;
        for (const first of firsts) {
          const pair = first * 256 + second;
          const beginners = this.beginners[pair] ?? [];
          this.beginners[pair] = beginners;
          beginners.push(index);
          pairs[pair] = (pairs[pair] ?? 0) | Begins.dumped;
        }
      }
    }
  }

  /** Begins all spellings that may begin at this place of the bytes. */
  begin(threads: Threads, bytes: Buffer, index: number, place: number): void {
    const byte = bytes[index] ?? 0;
    if (index + 1 === bytes.length) {
      // What comes next is not known yet.
      for (const [owner, spelling] of this.spellings.entries()) {
        if (fits(spelling, 0, byte)) this.addFirst(threads, owner, place);
      }
      return;
    }
    for (const owner of this.beginners[byte * 256 + secondOf(bytes, index)] ?? []) {
      const spelling = this.spellings[owner];
      if (spelling && looksBegun(spelling, bytes, index)) this.addFirst(threads, owner, place);
    }
  }

  /** A spelling has two symbols at least, so none ends with its first. */
  private addFirst(threads: Threads, owner: number, place: number): void {
    const bits = bitsIn(this.spellings[owner]?.known[0] ?? 0);
    threads.add(((this.firsts[owner] ?? 0) + 1) * BREAK_STATES + AT, place, place, bits);
  }

  /** Adds every place between two symbols, for a secret whose beginning has been left out. */
  addInner(threads: Threads, place: number): void {
    for (let symbol = 0; symbol < this.owners.length; symbol++) {
      threads.add(symbol * BREAK_STATES + AT, place, place, 0);
    }
  }

  /**
   * Goes on by one byte.
   * @param threads places inside secrets
   * @param next gets the places after the byte
   * @param after is told of a dump that ends with the byte
   * @returns where the longest secret begins that ends with the byte; Infinity when none ends.
   */
  step(threads: Threads, byte: number, place: number, next: Threads, after: AfterDump): number {
    let found = Number.POSITIVE_INFINITY;
    for (let at = 0; at < threads.size; at++) {
      const last = threads.last[at] ?? 0;
      if (place - last > LONGEST_BREAK) continue;
      const key = threads.keys[at] ?? 0;
      const begun = threads.begun[at] ?? 0;
      const bits = threads.bits[at] ?? 0;
      const state = key % BREAK_STATES;
      const symbol = (key - state) / BREAK_STATES;
      const owner = this.owners[symbol] ?? 0;
      const spelling = this.spellings[owner];
      if (spelling === undefined) continue;
      const index = symbol - (this.firsts[owner] ?? 0);
      const gap = spelling.gaps[index];
      if (fits(spelling, index, byte) && maySymbolCome(state, spelling.family, spelling.bits)) {
        if (state !== AT || gap !== Gap.break || bits === 0) {
          const known = bits + bitsIn(spelling.known[index] ?? 0);
          if (index + 1 < spelling.known.length) {
            next.add((symbol + 1) * BREAK_STATES + AT, begun, place, known);
          } else if (known >= FEWEST_BITS) {
            if (begun < found) found = begun;
            if (spelling.family === 'digits') Object.assign(after, { end: place, blanks: 0, inText: false });
          }
        }
      }
      if (gap === Gap.none) continue;
      const base = symbol * BREAK_STATES;
      const broken = gap === Gap.fold ? foldState(state, byte) : breakState(state, byte, spelling.family);
      if (broken >= 0) next.add(base + broken, begun, last, bits);
      if (gap === Gap.fold) continue;
      const zero = zeroState(state, byte, spelling.family);
      if (zero >= 0) next.add(base + zero, begun, last, bits);
    }
    return found;
  }

  /**
   * Where what was cut off by the end of the output begins; Infinity when nothing was, or so little that it tells
   * nothing.
   */
  cutOff(threads: Threads): number {
    let found = Number.POSITIVE_INFINITY;
    for (let at = 0; at < threads.size; at++) {
      if ((threads.bits[at] ?? 0) >= FEWEST_BITS) found = Math.min(found, threads.begun[at] ?? found);
    }
    return found;
  }
}

/**
 * Goes on by one byte behind a dump; returns whether the byte is of a column of text, which shows what the dump does.
 */
export function isTextOfDump(after: AfterDump, byte: number, place: number): boolean {
  if (isLineEnd(byte) || place - after.end > LONGEST_BREAK) {
    after.end = -1;
    return false;
  }
  if (after.inText) return true;
  if (isBlank(byte)) {
    after.blanks++;
    return false;
  }
  after.inText = after.blanks > 1 || (after.blanks === 1 && (byte === 0x7c || byte === 0x3e));
  if (!after.inText && !isHexDigit(byte)) after.end = -1;
  after.blanks = 0;
  return after.inText;
}

function fits({ alphabet, known, expected }: DumpSpelling, index: number, byte: number): boolean {
  const value = alphabet[byte] ?? -1;
  return value >= 0 && (value & (known[index] ?? 0)) === expected[index];
}

/** How many bits of a byte are set. */
function bitsIn(byte: number): number {
  let bits = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) bits++;
  return bits;
}

/** Whether a byte may begin the break before a symbol. */
function mayBreak({ gaps, family }: DumpSpelling, index: number, byte: number): boolean {
  const gap = gaps[index];
  if (gap === Gap.none) return false;
  return gap === Gap.fold ? isLineEnd(byte) : breakState(AT, byte, family) >= 0;
}

/** Looks on from a first symbol: false when no secret can begin there. What it lets through, `step` finds out. */
function looksBegun(spelling: DumpSpelling, bytes: Buffer, index: number): boolean {
  const symbols = Math.min(LOOK_AT_SYMBOLS, spelling.known.length);
  for (let symbol = 1; symbol < symbols; symbol++) {
    const byte = bytes[index + symbol];
    if (byte === undefined) return true;
    const isDirect = spelling.gaps[symbol] !== Gap.break;
    if (isDirect && fits(spelling, symbol, byte)) continue;
    return mayBreak(spelling, symbol, byte) && looksGoneOn(spelling, symbol, bytes, index + symbol);
  }
  return true;
}

/** The byte that decides beside the first: the next one that is not white space, unless an offset may begin with it. */
function secondOf(bytes: Buffer, index: number): number {
  const following = bytes[index + 1] ?? 0;
  let isNewLine = false;
  for (let at = index + 1; at < index + LOOK_AHEAD; at++) {
    const byte = bytes[at];
    if (byte === undefined) return following;
    if (isLineEnd(byte)) isNewLine = true;
    else if (!isBlank(byte)) return isNewLine && isHexDigit(byte) ? following : byte;
  }
  return following;
}

/** Looks behind white space, where a break begins. */
function looksGoneOn(spelling: DumpSpelling, symbol: number, bytes: Buffer, from: number): boolean {
  const { family } = spelling;
  let isNewLine = false;
  for (let at = from; at < from + LOOK_AHEAD; at++) {
    const byte = bytes[at];
    if (byte === undefined) return true;
    if (isLineEnd(byte)) isNewLine = true;
    else if (!isBlank(byte)) {
      // What ends a line of quoted-printable, an escape, a separator.
      if (at === from || fits(spelling, symbol, byte)) return true;
      // An offset.
      if (isNewLine && isHexDigit(byte) && family !== 'base64') return true;
      // A column of text, `\x`, `0x`.
      return (
        family === 'digits' && (isNewLine || at > from + 1 || '|>\\0'.includes(String.fromCharCode(byte)))
      );
    }
  }
  return true;
}
