import { randomUUID } from 'node:crypto';

/**
 * A number of a JSON text that is spelled otherwise than JavaScript would write it: 1.10, 1.0, 1e3, or more digits than
 * a number holds. Where a text is wanted its spelling counts (a version 1.10 is not 1.1), elsewhere its value.
 */
export class SpelledNumber {
  constructor(
    /** As it stands in the text. */
    readonly text: string,
  ) {}

  get value(): number {
    return Number(this.text);
  }
}

/** Random, so no text of a request begins with it. */
const MARK = `number-${randomUUID()}-`;

/** A request with more of them is refused: keeping each spelling costs memory. */
export const MOST_SPELLED = 10_000;

/** A text has more spelled numbers than the limit. */
export class TooManySpelled extends Error {
  override readonly name = 'TooManySpelled';
}

/**
 * Reads a JSON text, and keeps the spelling of numbers that would lose it.
 * @throws SyntaxError when it is not JSON; TooManySpelled.
 */
export function parseKeepingSpelling(text: string): unknown {
  const plain: unknown = JSON.parse(text);
  // The text is valid JSON here, so every string in it ends.
  const odd = oddNumbers(text);
  if (odd.length === 0) return plain;
  const pieces: string[] = [];
  let from = 0;
  for (const [start, end] of odd) {
    pieces.push(text.slice(from, start), `"${MARK}${text.slice(start, end)}"`);
    from = end;
  }
  pieces.push(text.slice(from));
  return unmarked(JSON.parse(pieces.join('')));
}

/** The positions of numbers that are not spelled as JavaScript writes their value. */
function oddNumbers(text: string): [start: number, end: number][] {
  const found: [number, number][] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at] as string;
    if (char === '"') at = endOfText(text, at);
    else if (char === '-' || (char >= '0' && char <= '9')) {
      const start = at;
      while (isOfNumber(text.charCodeAt(at))) at++;
      const number = text.slice(start, at);
      if (String(Number(number)) !== number && found.push([start, at]) > MOST_SPELLED) {
        throw new TooManySpelled();
      }
    } else at++;
  }
  return found;
}

/** Digits and `+ - . E e`; not the end of the text. */
function isOfNumber(code: number): boolean {
  return (
    (code >= 48 && code <= 57) || code === 43 || code === 45 || code === 46 || code === 69 || code === 101
  );
}

/** The position after a quoted string; an even number of backslashes before the last quote escape each other. */
function endOfText(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end + 1;
  }
}

/** Without recursion, because endless nesting is refused only later. */
function unmarked(value: unknown): unknown {
  const root = { value };
  const pending: object[] = [root];
  for (let holder = pending.pop(); holder; holder = pending.pop()) {
    for (const [key, child] of Object.entries(holder)) {
      if (typeof child === 'object' && child !== null) pending.push(child);
      else if (typeof child === 'string' && child.startsWith(MARK)) {
        // A plain assignment to __proto__ would be none.
        Object.defineProperty(holder, key, {
          value: new SpelledNumber(child.slice(MARK.length)),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
    }
  }
  return root.value;
}

/** The value with strings in place of its spelled numbers, for values whose type is not known yet. */
export function withSpelling(value: unknown): unknown {
  if (value instanceof SpelledNumber) return value.text;
  if (Array.isArray(value)) return value.map(withSpelling);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, withSpelling(field)]));
}
