import type { Family } from './dump-spellings.js';

/*
 * What may stand between two symbols of a dump: white space of any kind, what separates or escapes bytes (`:`, `, 0x`,
 * `\x`, `%`), and at a line's end the column with the text (`|hunter2.|`, `>hunter2.<`, or two blanks before it, as
 * `xxd` has it) and at the next line's beginning the offset. A machine of a few states.
 */

const names = [
  'at', // right behind a symbol
  'blank', // one blank
  'blanks', // several blanks in a line
  'line', // a line has begun, perhaps indented
  'text', // in a column of text that nothing closes: an offset must stand in the next line
  'closedText', // in a column of text between | and |, or > and <
  'lineOfOffset', // a line has begun whose offset must come
  'offset1',
  'offset2',
  'offset3',
  'offset4',
  'offset5',
  'offset6', // so many digits or more
  'colon', // behind an offset's colon
  'column', // behind an offset
  'separator', // behind what separates two bytes
  'escape', // behind a backslash
  'zero', // behind the 0 of a 0x
  'softEnd', // behind the = that ends a line of quoted-printable
] as const;

export type BreakState = number;
const id = (name: (typeof names)[number]): BreakState => names.indexOf(name);

export const BREAK_STATES = 32;
export const AT = id('at');
const BLANK = id('blank');
const BLANKS = id('blanks');
const LINE = id('line');
const TEXT = id('text');
const CLOSED_TEXT = id('closedText');
const LINE_OF_OFFSET = id('lineOfOffset');
const OFFSET_1 = id('offset1');
const OFFSET_6 = id('offset6');
const COLON = id('colon');
const COLUMN = id('column');
const SEPARATOR = id('separator');
const ESCAPE = id('escape');
const ZERO = id('zero');
const SOFT_END = id('softEnd');

const TAB = 0x09;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;

export const isBlank = (byte: number): boolean =>
  byte === SPACE || byte === TAB || byte === 0x0b || byte === 0x0c;
export const isLineEnd = (byte: number): boolean => byte === LINE_FEED || byte === RETURN;
export const isHexDigit = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
const is = (byte: number, characters: string): boolean => characters.includes(String.fromCharCode(byte));

/**
 * Whether a symbol may come in this state.
 * @param bits that one symbol bears: octal bytes may stand behind backslashes.
 */
export function maySymbolCome(state: BreakState, family: Family, bits: number): boolean {
  switch (state) {
    case AT:
    case BLANKS:
    case LINE:
    case COLUMN:
    case SEPARATOR:
      return true;
    case BLANK:
      // Words with a blank between them are no secret without it.
      return family !== 'plain';
    case ESCAPE:
      return bits === 3;
    default:
      return false;
  }
}

/** The state of the break after one more byte; -1 when it cannot go on with that. */
export function breakState(state: BreakState, byte: number, family: Family): BreakState {
  const isDigits = family === 'digits';
  switch (state) {
    case AT:
      if (isBlank(byte)) return BLANK;
      if (isLineEnd(byte)) return LINE;
      if (family === 'plain') return is(byte, '=') ? SOFT_END : -1;
      if (is(byte, '\\')) return ESCAPE;
      return isDigits && is(byte, ':-,;%') ? SEPARATOR : -1;
    case BLANK:
    case BLANKS:
      if (isBlank(byte)) return BLANKS;
      if (isLineEnd(byte)) return LINE;
      if (!isDigits) return -1;
      if (is(byte, '|>')) return CLOSED_TEXT;
      if (state === BLANKS) return TEXT;
      return is(byte, '\\') ? ESCAPE : -1;
    case LINE:
      if (isBlank(byte) || isLineEnd(byte)) return LINE;
      if (isDigits && is(byte, '\\')) return ESCAPE;
      return family !== 'base64' && isHexDigit(byte) ? OFFSET_1 : -1;
    case TEXT:
      return isLineEnd(byte) ? LINE_OF_OFFSET : TEXT;
    case CLOSED_TEXT:
      return isLineEnd(byte) ? LINE : CLOSED_TEXT;
    case LINE_OF_OFFSET:
      if (isBlank(byte) || isLineEnd(byte)) return LINE_OF_OFFSET;
      return isHexDigit(byte) ? OFFSET_1 : -1;
    case COLON:
      return isBlank(byte) ? COLUMN : -1;
    case COLUMN:
      return isBlank(byte) ? COLUMN : -1;
    case SEPARATOR:
      if (isBlank(byte)) return BLANKS;
      if (isLineEnd(byte)) return LINE;
      return is(byte, '\\') ? ESCAPE : -1;
    case ESCAPE:
      if (is(byte, '\\')) return ESCAPE;
      return is(byte, isDigits ? 'xnr' : 'nr') ? SEPARATOR : -1;
    case ZERO:
      return is(byte, 'xX') ? SEPARATOR : -1;
    case SOFT_END:
      return isLineEnd(byte) ? LINE : -1;
    default:
      if (isHexDigit(byte)) return Math.min(state + 1, OFFSET_6);
      if (state < OFFSET_6) return -1;
      if (is(byte, ':')) return COLON;
      return isBlank(byte) ? COLUMN : -1;
  }
}

/** Beside the state of above: whether a byte may be the 0 of the `0x` before a byte. */
export function zeroState(state: BreakState, byte: number, family: Family): BreakState {
  if (byte !== 0x30 || family !== 'digits') return -1;
  return state === BLANK || state === BLANKS || state === LINE || state === COLUMN || state === SEPARATOR
    ? ZERO
    : -1;
}

/** The break of lines that are cut at a width, wherever that is. */
export function foldState(state: BreakState, byte: number): BreakState {
  if (isLineEnd(byte) && (state === AT || state === LINE)) return LINE;
  return state === LINE && isBlank(byte) ? LINE : -1;
}
