const BLANK = new Set([' ', '\t', '\n', '\r']);
const ESCAPES = new Set(['"', '\\', '/', 'b', 'f', 'n', 'r', 't']);

const isDigit = (char: string | undefined): boolean => char !== undefined && char >= '0' && char <= '9';

/** What may come next: inside brackets, that depends on what came last. */
type Expected = 'value' | 'value or end' | 'name' | 'name or end' | 'colon' | 'comma or end';

/**
 * Where a text stops being JSON: the index of the first character that cannot be part of it, or the length of the text
 * when it ends too early. The engine's own messages do not always say. For texts that are no JSON only; nesting costs
 * no stack.
 */
export function whereJsonBreaks(text: string): number {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let at = 0;
  for (;;) {
    while (BLANK.has(text[at] ?? '')) at++;
    const char = text[at];
    if (char === undefined) return at;
    if (expected === 'colon') {
      if (char !== ':') return at;
      at++;
      expected = 'value';
    } else if (expected === 'comma or end') {
      const inside = open.at(-1);
      // Nothing may follow the outermost value.
      if (inside === undefined) return at;
      if (char === (inside === '{' ? '}' : ']')) open.pop();
      else if (char !== ',') return at;
      else expected = inside === '{' ? 'name' : 'value';
      at++;
    } else if (expected === 'name' || expected === 'name or end') {
      if (char === '}' && expected === 'name or end') {
        open.pop();
        at++;
        expected = 'comma or end';
      } else {
        if (char !== '"') return at;
        const end = scanString(text, at);
        if (end.broken) return end.at;
        at = end.at;
        expected = 'colon';
      }
    } else if (char === ']' && expected === 'value or end') {
      open.pop();
      at++;
      expected = 'comma or end';
    } else if (char === '{' || char === '[') {
      open.push(char);
      at++;
      expected = char === '{' ? 'name or end' : 'value or end';
    } else {
      const end = scanScalar(text, at);
      if (end.broken) return end.at;
      at = end.at;
      expected = 'comma or end';
    }
  }
}

/** The index after what was read, or, when it is broken, of the character at fault. */
interface End {
  at: number;
  broken: boolean;
}

function scanScalar(text: string, start: number): End {
  const char = text[start];
  if (char === '"') return scanString(text, start);
  if (char === '-' || isDigit(char)) return scanNumber(text, start);
  for (const word of ['true', 'false', 'null']) {
    if (char !== word[0]) continue;
    let length = 1;
    while (length < word.length && text[start + length] === word[length]) length++;
    return { at: start + length, broken: length < word.length };
  }
  return { at: start, broken: true };
}

function scanString(text: string, start: number): End {
  for (let at = start + 1; ; at++) {
    const char = text[at];
    if (char === undefined || char < ' ') return { at, broken: true };
    if (char === '"') return { at: at + 1, broken: false };
    if (char !== '\\') continue;
    at++;
    const escaped = text[at] ?? '';
    if (escaped === 'u') {
      for (let digit = 0; digit < 4; digit++) {
        at++;
        if (!/^[\da-f]$/i.test(text[at] ?? '')) return { at, broken: true };
      }
    } else if (!ESCAPES.has(escaped)) return { at, broken: true };
  }
}

function scanNumber(text: string, start: number): End {
  let at = text[start] === '-' ? start + 1 : start;
  const digits = (): boolean => {
    const first = at;
    while (isDigit(text[at])) at++;
    return at > first;
  };
  if (text[at] === '0') at++;
  else if (!digits()) return { at, broken: true };
  if (text[at] === '.') {
    at++;
    if (!digits()) return { at, broken: true };
  }
  if (text[at] === 'e' || text[at] === 'E') {
    at++;
    if (text[at] === '+' || text[at] === '-') at++;
    if (!digits()) return { at, broken: true };
  }
  return { at, broken: false };
}
