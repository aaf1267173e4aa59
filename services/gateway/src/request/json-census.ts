import { MOST_LEVELS } from './body-limits.js';

/*
 * Counts the values in a JSON text before it is parsed: one pass over its bytes, which makes no objects.
 */

/**
 * The result. `plain`: within the limits, and every number is spelled as JavaScript writes it; `spelled`: within the
 * limits, but some number may be spelled otherwise (`parseKeepingSpelling`); `entries`, `levels`: over the limit.
 */
export type Census = 'plain' | 'spelled' | 'entries' | 'levels';

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Whole numbers with up to this many digits are exact. */
const EXACT_DIGITS = 15;

/**
 * Counts members and elements of JSON: its commas, and one for each list and object (also an empty one, which becomes
 * an object all the same). For a text that is not JSON the count means nothing; the parser then refuses it.
 */
export function takeCensus(bytes: Uint8Array, mostEntries: number, mostLevels = MOST_LEVELS): Census {
  const end = bytes.length;
  let entries = 0;
  let levels = 0;
  let plain = true;
  for (let at = 0; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) {
      for (at++; at < end; at++) {
        const inside = bytes[at];
        if (inside === QUOTE) break;
        if (inside === BACKSLASH) at++;
      }
    } else if (byte === COMMA) {
      if (++entries > mostEntries) return 'entries';
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      if (++levels > mostLevels) return 'levels';
      if (++entries > mostEntries) return 'entries';
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) levels--;
    else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
      const first = byte === MINUS ? at + 1 : at;
      at = first;
      while (at < end && isDigit(bytes[at] as number)) at++;
      const digits = at - first;
      if (digits > EXACT_DIGITS || isOfNumber(bytes[at])) plain = false;
      // 007 is no JSON; -0 is written 0.
      else if (bytes[first] === ZERO && (digits > 1 || byte === MINUS)) plain = false;
      at--;
    }
  }
  return plain ? 'plain' : 'spelled';
}

const isDigit = (byte: number): boolean => byte >= ZERO && byte <= NINE;

/** `. e E + -`: the number goes on behind its digits. */
const isOfNumber = (byte: number | undefined): boolean =>
  byte === 0x2e || byte === 0x65 || byte === 0x45 || byte === 0x2b || byte === MINUS;
