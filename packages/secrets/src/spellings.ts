/*
 * In which ways a secret may be written. A spelling is a list of elements; each element may be written in several ways,
 * and all that are met may be mixed (`p%40ss` beside `p@ss`).
 */

/** The ways to write one element, as bytes in latin1. */
export type Element = readonly string[];

/** Lines of a secret of several lines count as secrets of their own from this length on, without blanks around them. */
const SHORTEST_LINE_BYTES = 6;
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** base64 is broken into lines, also where the line ends are escaped. */
const BASE64_BREAKS = ['', '\n', '\r\n', '\\n', '\\r\\n', '%0A', '%0D%0A', '%0a', '%0d%0a'];

/** What must not be seen of a secret: itself, and its longer lines. */
export function textsOf(secret: string): string[] {
  const texts = new Set([secret]);
  for (const line of secret.split(/\r\n|\r|\n/)) {
    const text = line.trim();
    if (Buffer.byteLength(text) >= SHORTEST_LINE_BYTES) texts.add(text);
  }
  return [...texts];
}

/** All spellings of a secret, but for those of tools that print bytes: see `dump-spellings.ts`. */
export function spellingsOf(secret: string): Element[][] {
  const spellings: Element[][] = [];
  for (const text of textsOf(secret)) {
    const bytes = Buffer.from(text);
    spellings.push([...text].map(characterSpellings));
    for (const before of [0, 1, 2]) spellings.push(base64Spelling(bytes, before));
  }
  return spellings;
}

const characters = new Map<string, Element>();

/** One character as it is, in a URL, in JSON, and as shells quote it. */
function characterSpellings(character: string): Element {
  const known = characters.get(character);
  if (known) return known;
  const bytes = Buffer.from(character);
  const plain = bytes.toString('latin1');
  const ways = new Set([plain]);
  const percent = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
  ways.add(percent.map((hex) => `%${hex}`).join(''));
  ways.add(percent.map((hex) => `%${hex.toUpperCase()}`).join(''));
  // Quoted-printable.
  ways.add(percent.map((hex) => `=${hex.toUpperCase()}`).join(''));
  const units = [...utf16Units(character)].map((unit) => unit.toString(16).padStart(4, '0'));
  ways.add(units.map((hex) => `\\u${hex}`).join(''));
  ways.add(units.map((hex) => `\\u${hex.toUpperCase()}`).join(''));
  for (const way of ESCAPES[character] ?? []) ways.add(way);
  const element = [...ways];
  if (characters.size < 10_000) characters.set(character, element);
  return element;
}

/** Besides the general forms. */
const ESCAPES: Readonly<Record<string, readonly string[]>> = {
  ' ': ['+', '\\ '],
  '"': ['\\"', '&quot;', '&#34;'],
  "'": ["\\'", "'\\''", `'"'"'`, '&#39;', '&apos;'],
  '\\': ['\\\\'],
  '/': ['\\/'],
  '&': ['&amp;'],
  '<': ['&lt;'],
  '>': ['&gt;'],
  '\n': ['\\n', '\r\n', '\\r\\n', '%0D%0A', '%0d%0a'],
  '\r': ['\\r'],
  '\t': ['\\t'],
  '\b': ['\\b'],
  '\f': ['\\f'],
  $: ['\\$'],
  '`': ['\\`'],
};

function* utf16Units(character: string): Generator<number> {
  for (let index = 0; index < character.length; index++) yield character.charCodeAt(index);
}

/**
 * In base64, when so many bytes (modulo 3) stand before the secret in what is encoded. The characters at both ends hold
 * bits of something else too, so any that fit count.
 */
function base64Spelling(bytes: Buffer, before: number): Element[] {
  const elements: Element[] = [];
  const firstBit = before * 8;
  const endBit = firstBit + bytes.length * 8;
  for (let at = firstBit - (firstBit % 6); at < endBit; at += 6) {
    let known = 0;
    let value = 0;
    for (let bit = at; bit < at + 6; bit++) {
      known <<= 1;
      value <<= 1;
      if (bit < firstBit || bit >= endBit) continue;
      known |= 1;
      const index = bit - firstBit;
      value |= ((bytes[index >> 3] ?? 0) >> (7 - (index & 7))) & 1;
    }
    const ways: string[] = [];
    for (let code = 0; code < 64; code++) {
      if ((code & known) !== value) continue;
      const character = BASE64.charAt(code);
      ways.push(character);
      // The alphabet for URLs.
      if (character === '+') ways.push('-', '%2B', '%2b');
      if (character === '/') ways.push('_', '%2F', '%2f', '\\/');
    }
    elements.push(elements.length === 0 ? ways : withBreaks(ways, BASE64_BREAKS));
  }
  return elements;
}

function withBreaks(ways: readonly string[], breaks: readonly string[]): string[] {
  return breaks.flatMap((separator) => ways.map((way) => separator + way));
}
