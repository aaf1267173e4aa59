import { isUtf8 } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Automaton } from './automaton.js';
import { type Expression, literally, parseExpression } from './expression.js';

/** What is looked for. */
export interface Wanted {
  q: string;
  regex: boolean;
  ignore_case: boolean;
}

/** A line that matches. Places are bytes in the output. */
export interface Found {
  /** Where the line (or the looked-through part of a very long one) begins. */
  lineFrom: number;
  line: number;
  /** The bytes of the line without its end, or of the part. */
  bytes: Buffer;
  /** The first match within `bytes`. */
  from: number;
  to: number;
}

/** Lines are looked through in parts of this length, which overlap: one without an end costs no more than others. */
const PART = 16_384;
const OVERLAP = 1_024;
/** Bytes, or what costs as much, after which others get their turn. */
const TURN = 131_072;
const WALK_COSTS = 64;

const NEWLINE = 10;
const RETURN = 13;

/** Looks for lines in output that comes piece by piece. It never holds the process for longer than some milliseconds. */
export class LineSearch {
  private readonly anywhere: Automaton;
  private readonly backwards: Automaton;
  private readonly anchored: Automaton;
  private carried = Buffer.alloc(0);
  /** Place of the first carried byte, and the number of its line. */
  private at = 0;
  private line = 1;
  /** The carried bytes begin where their line does. */
  private atStart = true;
  /** The line of the carried bytes has matched already. */
  private told = false;
  private spent = 0;

  /** @throws ServiceError `invalid` when the expression cannot be searched for. */
  constructor(
    wanted: Wanted,
    private readonly onFound: (found: Found) => void,
  ) {
    const expression: Expression = wanted.regex
      ? parseExpression(wanted.q, wanted.ignore_case)
      : literally(wanted.q, wanted.ignore_case);
    this.anywhere = new Automaton(expression, true);
    this.backwards = new Automaton(expression, false, true);
    this.anchored = new Automaton(expression, false);
  }

  /** Begins at a place, which is the beginning of a line. */
  begin(at: number, line: number): void {
    this.carried = Buffer.alloc(0);
    this.at = at;
    this.line = line;
    this.atStart = true;
    this.told = false;
  }

  /** Passes over bytes that were left out. They tear a line apart and count as none. */
  skipTo(at: number): void {
    this.end();
    this.begin(at, this.line);
  }

  /** The place up to which lines are looked through whole, and the number of the line there. */
  get place(): { at: number; line: number } {
    return { at: this.at, line: this.line };
  }

  /** Looks through the bytes that follow. */
  async add(bytes: Buffer): Promise<void> {
    const all = this.carried.length === 0 ? bytes : Buffer.concat([this.carried, bytes]);
    let from = 0;
    for (;;) {
      const end = all.indexOf(NEWLINE, from);
      if (end < 0 && all.length - from < PART) break;
      if (end < 0 || end - from > PART) {
        this.look(all, from, from + PART, false);
        this.atStart = false;
        from += PART - OVERLAP;
        this.at += PART - OVERLAP;
      } else {
        this.look(all, from, end, true);
        this.at += end + 1 - from;
        this.line++;
        this.atStart = true;
        this.told = false;
        from = end + 1;
      }
      if (this.spent > TURN) {
        this.spent = 0;
        await nextTurn();
      }
    }
    this.carried = Buffer.from(all.subarray(from));
  }

  /** Looks through what is left: a last line without an end, or one that is cut off by a gap. */
  end(): void {
    if (this.carried.length > 0) this.look(this.carried, 0, this.carried.length, true);
    this.at += this.carried.length;
    this.carried = Buffer.alloc(0);
  }

  private look(all: Buffer, from: number, end: number, isEnd: boolean): void {
    this.spent += end - from;
    if (this.told) return;
    const to = isEnd && end > from && all[end - 1] === RETURN ? end - 1 : end;
    const part = all.subarray(from, to);
    // Bytes that are no UTF-8 are looked through as they are shown.
    const bytes = isUtf8(part) ? part : Buffer.from(part.toString('utf8'));
    const span = this.find(bytes, isEnd);
    if (!span) return;
    this.told = true;
    this.onFound({ lineFrom: this.at, line: this.line, bytes, from: span[0], to: span[1] });
  }

  /** The first match in a line, or in a part of it. */
  private find(bytes: Buffer, isEnd: boolean): [from: number, to: number] | undefined {
    const { anywhere } = this;
    const to = bytes.length;
    const walks = anywhere.walks;
    let state = anywhere.begin(this.atStart);
    let at = 0;
    while (!anywhere.matches(state, isEnd && at === to) && at < to)
      state = anywhere.after(state, bytes[at++] as number);
    const matched = anywhere.matches(state, isEnd && at === to);
    this.spent += (anywhere.walks - walks) * WALK_COSTS;
    return matched ? this.spanOf(bytes, at, isEnd) : undefined;
  }

  /** The longest match that begins where the first one to end may begin. */
  private spanOf(bytes: Buffer, match: number, isEnd: boolean): [number, number] {
    const { backwards, anchored } = this;
    const to = bytes.length;
    let first = match;
    let state = backwards.begin(isEnd && match === to);
    for (let at = match; ; ) {
      if (backwards.matches(state, this.atStart && at === 0)) first = at;
      if (at === 0 || backwards.isDead(state)) break;
      state = backwards.after(state, bytes[--at] as number);
    }
    let last = match;
    state = anchored.begin(this.atStart && first === 0);
    for (let at = first; ; ) {
      if (anchored.matches(state, isEnd && at === to)) last = at;
      if (at === to || anchored.isDead(state)) break;
      state = anchored.after(state, bytes[at++] as number);
    }
    this.spent += match - first + (last - first);
    return [first, last];
  }
}

/** Characters of a line that are shown. */
const SHOWN = 500;

/** A line as text, or the part around its first match, and where the match stands in it. */
export function shownOf({ bytes, from, to }: Found): {
  text: string;
  column: number;
  length: number;
  cut: number;
} {
  const before = bytes.toString('utf8', Math.max(0, from - SHOWN), from);
  const match = bytes.toString('utf8', from, Math.min(to, from + 4 * SHOWN));
  const after = bytes.toString('utf8', to, Math.min(bytes.length, to + 4 * SHOWN));
  const whole = before.length + match.length + after.length <= SHOWN && from <= SHOWN;
  const kept = whole ? before : before.slice(-Math.max(60, SHOWN - match.length - after.length));
  const text = (kept + match + after).slice(0, SHOWN);
  return {
    text,
    column: Math.min(kept.length, SHOWN),
    length: Math.min(match.length, SHOWN - kept.length),
    cut: before.length - kept.length,
  };
}
