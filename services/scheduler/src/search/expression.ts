import { ServiceError, show } from '@rigel/contracts';

/*
 * Regular expressions of the linear kind: everything that an automaton without memory can decide, so that no
 * expression takes longer than in proportion to the text. Left out, with a message: references to groups, looking
 * ahead and behind, \b.
 */

/** Code points, as ranges in ascending order. */
export type CodePoints = readonly (readonly [from: number, to: number])[];

export type Expression =
  | { kind: 'any' }
  | { kind: 'set'; points: CodePoints }
  | { kind: 'start' | 'end' }
  | { kind: 'sequence' | 'choice'; parts: readonly Expression[] }
  | { kind: 'repeat'; part: Expression; least: number; most: number };

const LAST = 0x10_ffff;
/** The most often that a part may be repeated by a number. */
const MOST_REPEATS = 200;
const DEEPEST = 50;

const DIGITS: CodePoints = [[0x30, 0x39]];
const WORD: CodePoints = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const BLANKS: CodePoints = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
];
const CLASSES: Readonly<Record<string, CodePoints>> = { d: DIGITS, w: WORD, s: BLANKS };
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, e: 27, '0': 0 };

/** An expression that only a text itself matches. */
export function literally(text: string, ignoreCase: boolean): Expression {
  const parts = [...text].map((character) => one(character.codePointAt(0) as number, ignoreCase));
  return { kind: 'sequence', parts };
}

/** @throws ServiceError `invalid` that says at which character the expression is wrong, and what to write instead. */
export function parseExpression(text: string, ignoreCase: boolean): Expression {
  return new Parser(text, ignoreCase).parse();
}

function one(point: number, ignoreCase: boolean): Expression {
  return set([[point, point]], ignoreCase);
}

function set(points: CodePoints, ignoreCase: boolean): Expression {
  return { kind: 'set', points: ignoreCase ? withBothCases(points) : points };
}

/** Only letters up to U+052F (Latin, Greek, Cyrillic) have two cases that are looked up; others stay as they are. */
function withBothCases(points: CodePoints): CodePoints {
  const more: [number, number][] = [];
  for (const [from, to] of points) {
    more.push([from, to]);
    for (let point = from; point <= Math.min(to, 0x52f); point++) {
      const character = String.fromCodePoint(point);
      for (const other of [character.toLowerCase(), character.toUpperCase()]) {
        const code = other.codePointAt(0) as number;
        if (code !== point && [...other].length === 1) more.push([code, code]);
      }
    }
  }
  return ordered(more);
}

function ordered(points: CodePoints): CodePoints {
  const result: [number, number][] = [];
  for (const [from, to] of [...points].sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}

function allBut(points: CodePoints): CodePoints {
  const result: [number, number][] = [];
  let next = 0;
  for (const [from, to] of ordered(points)) {
    if (from > next) result.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= LAST) result.push([next, LAST]);
  return result;
}

class Parser {
  private readonly characters: string[];
  private at = 0;
  private depth = 0;

  constructor(
    private readonly text: string,
    private readonly ignoreCase: boolean,
  ) {
    this.characters = [...text];
  }

  parse(): Expression {
    const whole = this.choice();
    if (this.at < this.characters.length) this.refuse('this parenthesis closes none; write \\) for the sign');
    return whole;
  }

  private choice(): Expression {
    const parts = [this.sequence()];
    while (this.take('|')) parts.push(this.sequence());
    return parts.length === 1 ? (parts[0] as Expression) : { kind: 'choice', parts };
  }

  private sequence(): Expression {
    const parts: Expression[] = [];
    while (this.at < this.characters.length && this.peek() !== '|' && this.peek() !== ')')
      parts.push(this.repeated());
    return { kind: 'sequence', parts };
  }

  private repeated(): Expression {
    let part = this.atom();
    for (;;) {
      const bounds = this.bounds();
      if (!bounds) return part;
      if (part.kind === 'start' || part.kind === 'end') this.refuse('a place in the line cannot be repeated');
      // Which of several matches is shortest does not matter: a line matches or not.
      this.take('?');
      part = { kind: 'repeat', part, least: bounds[0], most: bounds[1] };
    }
  }

  private bounds(): [number, number] | undefined {
    if (this.take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.take('?')) return [0, 1];
    const counted = /^\{(\d{1,4})(?:(,)(\d{0,4}))?\}/.exec(
      this.characters.slice(this.at, this.at + 12).join(''),
    );
    if (!counted) return undefined;
    const least = Number(counted[1]);
    const most = !counted[2] ? least : counted[3] ? Number(counted[3]) : Number.POSITIVE_INFINITY;
    if (most < least) this.refuse(`{${least},${most}} has its limits the wrong way round`);
    if (Math.max(least, Number.isFinite(most) ? most : 0) > MOST_REPEATS)
      this.refuse(`a part can be repeated at most ${MOST_REPEATS} times; use * or +`);
    this.at += counted[0].length;
    return [least, most];
  }

  private atom(): Expression {
    const character = this.next();
    switch (character) {
      case '.':
        return { kind: 'any' };
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '(':
        return this.group();
      case '[':
        return this.bracket();
      case '\\':
        return set(this.escaped(), this.ignoreCase);
      case '*':
      case '+':
      case '?':
        this.at--;
        return this.refuse(
          `there is nothing before ${character} to repeat; write \\${character} for the sign`,
        );
      default:
        return one(character.codePointAt(0) as number, this.ignoreCase);
    }
  }

  private group(): Expression {
    if (this.take('?')) {
      if (!this.take(':')) {
        this.at--;
        this.refuse(
          'groups that look ahead or behind, or have names, are not possible here; use ( ) or (?: )',
        );
      }
    }
    if (++this.depth > DEEPEST) this.refuse(`groups can be ${DEEPEST} deep at most`);
    const inner = this.choice();
    this.depth--;
    if (!this.take(')')) this.refuse('a parenthesis is not closed; write \\( for the sign');
    return inner;
  }

  private bracket(): Expression {
    const without = this.take('^');
    const points: [number, number][] = [];
    let first = true;
    for (;;) {
      if (this.at >= this.characters.length) this.refuse('a bracket is not closed; write \\[ for the sign');
      if (!first && this.take(']')) break;
      first = false;
      const from = this.member();
      const [[low, high] = [0, 0]] = from;
      if (this.peek() === '-' && this.characters[this.at + 1] !== ']' && from.length === 1 && low === high) {
        this.at++;
        const to = this.member();
        const end = to[0]?.[1] ?? 0;
        if (to.length !== 1 || end < low)
          this.refuse('a range in brackets goes from a smaller to a greater sign');
        points.push([low, end]);
      } else points.push(...from.map(([a, b]): [number, number] => [a, b]));
    }
    const own = this.ignoreCase ? withBothCases(points) : ordered(points);
    return { kind: 'set', points: without ? allBut(own) : own };
  }

  private member(): CodePoints {
    if (this.at >= this.characters.length) this.refuse('a bracket is not closed; write \\[ for the sign');
    const character = this.next();
    if (character === '\\') return this.escaped();
    const point = character.codePointAt(0) as number;
    return [[point, point]];
  }

  private escaped(): CodePoints {
    if (this.at >= this.characters.length)
      this.refuse('a \\ at the end means nothing; write \\\\ for the sign');
    const character = this.next();
    const known = CLASSES[character.toLowerCase()];
    if (known) return character === character.toLowerCase() ? known : allBut(known);
    const control = CONTROLS[character];
    if (control !== undefined) return [[control, control]];
    if (character === 'x' || character === 'u') {
      const digits = character === 'x' ? 2 : 4;
      const hex = this.characters.slice(this.at, this.at + digits).join('');
      if (!new RegExp(`^[0-9a-fA-F]{${digits}}$`).test(hex))
        this.refuse(`\\${character} needs ${digits} hexadecimal digits`);
      this.at += digits;
      const point = Number.parseInt(hex, 16);
      return [[point, point]];
    }
    if (/[0-9A-Za-z]/.test(character)) {
      this.at--;
      this.refuse(
        `\\${character} is not possible here: references to groups and word boundaries are left out`,
      );
    }
    const point = character.codePointAt(0) as number;
    return [[point, point]];
  }

  private peek(): string | undefined {
    return this.characters[this.at];
  }

  private next(): string {
    return this.characters[this.at++] as string;
  }

  private take(character: string): boolean {
    if (this.peek() !== character) return false;
    this.at++;
    return true;
  }

  private refuse(why: string): never {
    throw new ServiceError(
      'expression',
      `q is no regular expression that can be searched for: ${why} (character ${this.at + 1} of ${show(this.text)})`,
      'q',
    );
  }
}
