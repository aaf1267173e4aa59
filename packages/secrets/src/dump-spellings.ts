/*
 * How the tools that print bytes as digits write a secret: `xxd`, `hexdump`, `od`, `openssl … -text`, `base64`. A
 * spelling here is a row of symbols, and says of each which of its bits are known: an end of the secret may share its
 * symbol with whatever stands beside it in what is printed. What may stand between two symbols is in `dump-breaks.ts`.
 */

/** What may stand before a symbol. */
export const Gap = {
  /** Nothing. */
  none: 0,
  /** A line end, where lines are cut at a width. */
  fold: 1,
  /** Any break, or nothing. */
  any: 2,
  /** A break must. */
  break: 3,
} as const;

/**
 * `digits` stand in columns, with offsets before and text behind; `plain` is the secret as it is, cut into lines or
 * columns.
 */
export type Family = 'digits' | 'base64' | 'plain';

export interface DumpSpelling {
  family: Family;
  /** By byte: the value of the symbol that it is; -1 when it is none. */
  alphabet: Int16Array;
  /** Bits that one symbol bears. */
  bits: number;
  /** By symbol: which bits of its value are known, and what they are. */
  known: Uint8Array;
  expected: Uint8Array;
  /** By symbol: what may stand before it. */
  gaps: Uint8Array;
}

/**
 * From this length on, in bytes, a secret is also found where it is cut in the middle of a byte or as it is, and in
 * octal bytes. Of a shorter one numbers or words in a table would be taken for it too often.
 */
const LONG_SECRET = 8;

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

const hexDigits = alphabetOf([...'0123456789abcdef'].map((digit) => digit + digit.toUpperCase()));
const octalDigits = alphabetOf([...'01234567']);
const binaryDigits = alphabetOf(['0', '1']);
const base64Digits = alphabetOf([...BASE64, '+-', '/_']);
const anyByte = Int16Array.from({ length: 256 }, (_, byte) => byte);

/** All spellings of a text. */
export function dumpSpellingsOf(text: string): DumpSpelling[] {
  const bytes = Buffer.from(text);
  const isLong = bytes.length >= LONG_SECRET;
  const spellings = [wordsSpelling(bytes, hexDigits, 4, 1, 0, isLong)];
  for (const wordBytes of [2, 4, 8]) {
    for (let before = 0; before < wordBytes; before++)
      spellings.push(wordsSpelling(bytes, hexDigits, 4, wordBytes, before, false));
  }
  for (const before of [0, 1]) spellings.push(wordsSpelling(bytes, octalDigits, 3, 2, before, false));
  spellings.push(wordsSpelling(bytes, binaryDigits, 1, 1, 0, false));
  for (const before of [0, 1, 2]) spellings.push(base64Spelling(bytes, before));
  if (isLong) spellings.push(wordsSpelling(bytes, octalDigits, 3, 1, 0, false), plainSpelling(bytes));
  return spellings;
}

/**
 * In words of so many bytes, as processors of today have them: the first byte is the lowest. Words of one byte may
 * stand together in hex.
 * @param before how many bytes of its first word are not the secret's.
 * @param folded lines may end within a byte.
 */
function wordsSpelling(
  bytes: Buffer,
  alphabet: Int16Array,
  bits: number,
  wordBytes: number,
  before: number,
  folded: boolean,
): DumpSpelling {
  const wordBits = wordBytes * 8;
  const digits = Math.ceil(wordBits / bits);
  const words = Math.ceil((before + bytes.length) / wordBytes);
  const known: number[] = [];
  const expected: number[] = [];
  const gaps: number[] = [];
  for (let word = 0; word < words; word++) {
    for (let digit = 0; digit < digits; digit++) {
      let mask = 0;
      let value = 0;
      for (let bit = (digits - digit) * bits - 1; bit >= (digits - digit - 1) * bits; bit--) {
        const at = word * wordBytes - before + (bit >> 3);
        const isKnown = bit >= wordBits || (at >= 0 && at < bytes.length);
        mask = (mask << 1) | (isKnown ? 1 : 0);
        value = (value << 1) | (bit < wordBits && isKnown ? ((bytes[at] ?? 0) >> (bit & 7)) & 1 : 0);
      }
      known.push(mask);
      expected.push(value);
      if (digit > 0) gaps.push(folded ? Gap.fold : Gap.none);
      else gaps.push(wordBytes === 1 && bits === 4 ? Gap.any : Gap.break);
    }
  }
  return spelling('digits', alphabet, bits, known, expected, gaps);
}

/** @param before how many bytes (modulo 3) stand before the secret in what is encoded. */
function base64Spelling(bytes: Buffer, before: number): DumpSpelling {
  const known: number[] = [];
  const expected: number[] = [];
  const firstBit = before * 8;
  const endBit = firstBit + bytes.length * 8;
  for (let at = firstBit - (firstBit % 6); at < endBit; at += 6) {
    let mask = 0;
    let value = 0;
    for (let bit = at; bit < at + 6; bit++) {
      const index = bit - firstBit;
      const isKnown = bit >= firstBit && bit < endBit;
      mask = (mask << 1) | (isKnown ? 1 : 0);
      value = (value << 1) | (isKnown ? ((bytes[index >> 3] ?? 0) >> (7 - (index & 7))) & 1 : 0);
    }
    known.push(mask);
    expected.push(value);
  }
  return spelling(
    'base64',
    base64Digits,
    6,
    known,
    expected,
    known.map(() => Gap.any),
  );
}

function plainSpelling(bytes: Buffer): DumpSpelling {
  const all = [...bytes];
  return spelling(
    'plain',
    anyByte,
    8,
    all.map(() => 255),
    all,
    all.map(() => Gap.any),
  );
}

function spelling(
  family: Family,
  alphabet: Int16Array,
  bits: number,
  known: number[],
  expected: number[],
  gaps: number[],
): DumpSpelling {
  // A row ends with the last symbol of which something is known: in octal the last digits of a word may be another
  // byte's.
  let length = known.length;
  while (length > 0 && known[length - 1] === 0) length--;
  return {
    family,
    alphabet,
    bits,
    known: Uint8Array.from(known.slice(0, length)),
    expected: Uint8Array.from(expected.slice(0, length)),
    gaps: Uint8Array.from(gaps.slice(0, length)),
  };
}

function alphabetOf(symbols: readonly string[]): Int16Array {
  const alphabet = new Int16Array(256).fill(-1);
  for (const [value, ways] of symbols.entries()) {
    for (const way of ways) alphabet[way.charCodeAt(0)] = value;
  }
  return alphabet;
}
