import { ServiceError } from '@rigel/contracts';
import type { CodePoints, Expression } from './expression.js';

/*
 * Expressions as automata over bytes (UTF-8). A state is the set of places of the expression that a text may have come
 * to; the table of states grows as texts need it, up to a limit, and is then begun again. So each byte costs a look
 * into a table, or in the worst case a walk over all places, and never more.
 */

/** Places of an expression at most. */
const MOST_PLACES = 1_000;
/** States that are kept at most: one takes a kilobyte. */
const MOST_STATES = 1_500;

type Place =
  | { op: 'byte'; from: number; to: number; next: number }
  | { op: 'split'; next: number[] }
  | { op: 'start' | 'end'; next: number }
  | { op: 'match' };

interface State {
  places: readonly number[];
  next: Int32Array;
  matches: boolean;
  matchesAtEnd: boolean;
}

const UNKNOWN = -1;

/** Puts the places of an expression together, from its end to its beginning. */
class Compiler {
  readonly places: Place[] = [{ op: 'match' }];

  constructor(private readonly backwards: boolean) {}

  /** @param next where a text goes on that has matched the expression. @returns where it begins. */
  compile(expression: Expression, next: number): number {
    switch (expression.kind) {
      case 'any':
        return this.set([[0, 0x10_ffff]], next);
      case 'set':
        return this.set(expression.points, next);
      case 'start':
      case 'end':
        return this.add({ op: (expression.kind === 'start') === this.backwards ? 'end' : 'start', next });
      case 'sequence': {
        const parts = this.backwards ? expression.parts : [...expression.parts].reverse();
        return parts.reduce((to, part) => this.compile(part, to), next);
      }
      case 'choice':
        return this.add({ op: 'split', next: expression.parts.map((part) => this.compile(part, next)) });
      case 'repeat':
        return this.repeat(expression, next);
    }
  }

  private repeat({ part, least, most }: Extract<Expression, { kind: 'repeat' }>, next: number): number {
    let to = next;
    if (most === Number.POSITIVE_INFINITY) {
      const loop: Place & { op: 'split' } = { op: 'split', next: [next] };
      to = this.add(loop);
      loop.next.push(this.compile(part, to));
    } else {
      for (let count = least; count < most; count++)
        to = this.add({ op: 'split', next: [next, this.compile(part, to)] });
    }
    for (let count = 0; count < least; count++) to = this.compile(part, to);
    return to;
  }

  private set(points: CodePoints, next: number): number {
    const ways = utf8Ranges(points).map((bytes) => {
      const order = this.backwards ? bytes : [...bytes].reverse();
      return order.reduce((to, [low, high]) => this.add({ op: 'byte', from: low, to: high, next: to }), next);
    });
    return ways.length === 1 ? (ways[0] as number) : this.add({ op: 'split', next: ways });
  }

  private add(place: Place): number {
    if (this.places.length >= MOST_PLACES) {
      throw new ServiceError(
        'expression',
        `q is too long a regular expression: it has more than ${MOST_PLACES} places; repeat less, or leave out a part`,
        'q',
      );
    }
    return this.places.push(place) - 1;
  }
}

/** Runs over the bytes of a line. */
export class Automaton {
  /** Walks over all places that were made so far: what running costs beside the bytes. */
  walks = 0;
  private readonly places: readonly Place[];
  private readonly first: number;
  private states: State[] = [];
  private known = new Map<string, number>();
  private begins: [inside: number, atStart: number] = [UNKNOWN, UNKNOWN];

  /**
   * @param everywhere a match may begin at any byte.
   * @param backwards the bytes are read from the last to the first.
   */
  constructor(
    expression: Expression,
    private readonly everywhere: boolean,
    backwards = false,
  ) {
    const compiler = new Compiler(backwards);
    this.first = compiler.compile(expression, 0);
    this.places = compiler.places;
  }

  /** The state before the first byte. @param atStart whether that is where the line begins (or ends, backwards). */
  begin(atStart: boolean): number {
    const index = atStart ? 1 : 0;
    if (this.begins[index] === UNKNOWN)
      this.begins[index] = this.stateOf(this.closure([this.first], atStart));
    return this.begins[index];
  }

  /** The state after a byte. A number is only good until the next call. */
  after(state: number, byte: number): number {
    const next = (this.states[state] as State).next[byte] as number;
    return next === UNKNOWN ? this.make(state, byte) : next;
  }

  /** Whether what was read ends a match; `atEnd`: also if the line ends here. */
  matches(state: number, atEnd: boolean): boolean {
    const found = this.states[state] as State;
    return found.matches || (atEnd && found.matchesAtEnd);
  }

  /** Whether no byte can lead to a match any more. */
  isDead(state: number): boolean {
    return (this.states[state] as State).places.length === 0;
  }

  private make(from: number, byte: number): number {
    this.walks++;
    const state = this.states[from] as State;
    const to: number[] = [];
    for (const index of state.places) {
      const place = this.places[index] as Place;
      if (place.op === 'byte' && byte >= place.from && byte <= place.to) to.push(place.next);
    }
    if (this.everywhere) to.push(this.first);
    const next = this.closure(to, false);
    if (this.states.length >= MOST_STATES) {
      this.states = [];
      this.known = new Map();
      this.begins = [UNKNOWN, UNKNOWN];
      return this.stateOf(next);
    }
    const made = this.stateOf(next);
    state.next[byte] = made;
    return made;
  }

  /** The places that can be reached without a byte, and count: bytes, ends of the line, the match. */
  private closure(from: readonly number[], atStart: boolean, atEnd = false): number[] {
    const seen = new Set<number>();
    const open = [...from];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (seen.has(index)) continue;
      seen.add(index);
      const place = this.places[index] as Place;
      if (place.op === 'split') open.push(...place.next);
      else if ((place.op === 'start' && atStart) || (place.op === 'end' && atEnd)) open.push(place.next);
    }
    return [...seen]
      .filter((index) => !['split', 'start'].includes((this.places[index] as Place).op))
      .sort((a, b) => a - b);
  }

  private stateOf(places: number[]): number {
    const key = places.join();
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const ends = (all: readonly number[]): boolean =>
      all.some((index) => (this.places[index] as Place).op === 'match');
    const number = this.states.push({
      places,
      next: new Int32Array(256).fill(UNKNOWN),
      matches: ends(places),
      matchesAtEnd: ends(this.closure(places, false, true)),
    });
    this.known.set(key, number - 1);
    return number - 1;
  }
}

/** The longest code point of each length in UTF-8. */
const LIMITS = [0x7f, 0x7ff, 0xffff, 0x10_ffff];

/** The byte sequences of code points: for each, the range of each of its bytes. Surrogates have none. */
function utf8Ranges(points: CodePoints): (readonly [number, number])[][] {
  const found: (readonly [number, number])[][] = [];
  for (const [from, to] of points) {
    if (from <= 0xd7ff) split(from, Math.min(to, 0xd7ff), found);
    if (to >= 0xe000) split(Math.max(from, 0xe000), to, found);
  }
  return found;
}

function split(from: number, to: number, found: (readonly [number, number])[][]): void {
  if (from > to) return;
  const limit = LIMITS.find((last) => from <= last) as number;
  if (to > limit) {
    split(from, limit, found);
    split(limit + 1, to, found);
    return;
  }
  const low = [...Buffer.from(String.fromCodePoint(from))];
  const high = [...Buffer.from(String.fromCodePoint(to))];
  // All bytes but the first that differs must have their whole range.
  for (let tail = 1; tail < low.length; tail++) {
    const mask = (1 << (6 * tail)) - 1;
    if ((from & ~mask) === (to & ~mask)) continue;
    if ((from & mask) !== 0) {
      split(from, from | mask, found);
      split((from | mask) + 1, to, found);
      return;
    }
    if ((to & mask) !== mask) {
      split(from, (to & ~mask) - 1, found);
      split(to & ~mask, to, found);
      return;
    }
  }
  found.push(low.map((byte, index) => [byte, high[index] as number] as const));
}
