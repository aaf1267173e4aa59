import type { OutputRange } from '@rigel/api-client';
import { stylesAfter } from './ansi.js';

/*
 * The part of an attempt's output that is loaded, as rows to show. Without React and without the browser.
 */

/** A row of the output: a line, a further part of a very long one, or bytes that were left out. */
export type OutputRow =
  | {
      kind: 'line';
      /** Place of its first byte. */
      at: number;
      /** Number of the line. */
      line: number;
      /** It goes on with the line of the row above. */
      continues: boolean;
      text: string;
      /** When the scheduler stored it; null: not known. */
      storedAt: string | null;
      /** Colours of earlier lines that are in force. */
      styles: string;
    }
  | { kind: 'gap'; at: number; bytes: number };

/** Bytes that are kept at most; what is farthest from the last reading goes first. */
const KEPT = 4 * 1_048_576;
/** A longer line is shown in several rows. */
const ROW_BYTES = 2_000;
const NEWLINE = 10;
const RETURN = 13;

interface Part {
  from: number;
  bytes: Uint8Array;
  line: number;
  storedAt: string | null;
}

/** A stretch of output without holes of its own: what was left out before storing shows as a gap. */
export class OutputLines {
  private parts: Part[] = [];
  rows: OutputRow[] = [];
  /** Places where what is loaded begins and ends. */
  from = 0;
  to = 0;
  /** The output's size and lines, as the last answer said. */
  bytes = 0;
  lines = 0;
  dropped = 0;
  /** Place of the first stored byte that can be loaded before `from`. */
  open = true;
  isEmpty = true;

  /** Takes an answer in: in front, at the end, or in the place of everything, by where it lies. */
  take(range: OutputRange): void {
    const { bytes, lines, dropped, open, from, to } = range;
    Object.assign(this, { bytes, lines, dropped, open });
    const parts = range.parts.map((part) => ({
      from: part.from,
      bytes: decoded(part.text),
      line: part.line,
      storedAt: part.stored_at,
    }));
    if (!this.isEmpty && from === this.to) {
      this.parts.push(...parts);
      this.to = to;
      this.shorten('front');
    } else if (!this.isEmpty && to >= this.from && from < this.from) {
      const before = parts.flatMap((part) => {
        const bytes = part.bytes.subarray(0, Math.max(0, this.from - part.from));
        return bytes.length === 0 ? [] : [{ ...part, bytes }];
      });
      this.parts.unshift(...before);
      this.from = from;
      this.shorten('end');
    } else {
      this.parts = parts;
      this.from = from;
      this.to = to;
    }
    this.isEmpty = false;
    this.rows = rowsOf(this.parts, this.from);
  }

  private shorten(side: 'front' | 'end'): void {
    let size = this.parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
    while (size > KEPT && this.parts.length > 1) {
      const gone = (side === 'front' ? this.parts.shift() : this.parts.pop()) as Part;
      size -= gone.bytes.length;
      if (side === 'front') this.from = this.parts[0]?.from ?? this.to;
      else this.to = gone.from;
    }
  }

  /** The row in which a byte stands, or the first one of a line. */
  rowOf({ at, line }: { at?: number; line?: number }): number {
    if (line !== undefined) return this.rows.findIndex((row) => row.kind === 'line' && row.line === line);
    return this.rows.findLastIndex((row) => row.at <= (at ?? 0));
  }
}

function decoded(base64: string): Uint8Array {
  const text = atob(base64);
  return Uint8Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
}

function rowsOf(parts: readonly Part[], begin: number): OutputRow[] {
  const rows: OutputRow[] = [];
  const decoder = new TextDecoder();
  let styles = '';
  let pending:
    | {
        at: number;
        line: number;
        continues: boolean;
        storedAt: string | null;
        bytes: Uint8Array[];
        size: number;
      }
    | undefined;
  let reached = begin;
  const end = (isWhole: boolean): void => {
    if (!pending) return;
    const { bytes, size: _, ...row } = pending;
    let all = joined(bytes);
    if (isWhole && all.at(-1) === RETURN) all = all.subarray(0, -1);
    const text = decoder.decode(all);
    rows.push({ kind: 'line', ...row, text, styles });
    styles = stylesAfter(text, styles);
    pending = undefined;
  };
  for (const { from, bytes, line: first, storedAt } of parts) {
    if (from > reached) {
      end(false);
      rows.push({ kind: 'gap', at: reached, bytes: from - reached });
    }
    let line = first;
    for (let at = 0; at < bytes.length; ) {
      const newline = bytes.indexOf(NEWLINE, at);
      const stop = newline < 0 ? bytes.length : newline;
      const continues = pending === undefined && at === 0 && rows.length > 0 && isSameLine(rows.at(-1), line);
      pending ??= { at: from + at, line, continues, storedAt, bytes: [], size: 0 };
      const room = ROW_BYTES - pending.size;
      if (stop - at > room) {
        const cut = wholeBefore(bytes, at, at + room);
        pending.bytes.push(bytes.subarray(at, cut));
        end(false);
        at = cut;
        pending = { at: from + at, line, continues: true, storedAt, bytes: [], size: 0 };
        continue;
      }
      pending.bytes.push(bytes.subarray(at, stop));
      pending.size += stop - at;
      at = stop;
      if (newline >= 0) {
        end(true);
        at++;
        line++;
      }
    }
    reached = from + bytes.length;
  }
  end(false);
  return rows;
}

function isSameLine(row: OutputRow | undefined, line: number): boolean {
  return row?.kind === 'line' && row.line === line;
}

/** A place up to which characters are whole; where there are none, the place itself. */
function wholeBefore(bytes: Uint8Array, from: number, to: number): number {
  let cut = to;
  while (cut > from + 1 && cut > to - 4 && ((bytes[cut] ?? 0) & 0xc0) === 0x80) cut--;
  return cut > from ? cut : Math.max(from + 1, to);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
