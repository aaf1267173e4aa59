import type { UnsuccessfulRequest } from '@rigel/contracts';

/** A request as it is told to the audit, before it has its number. */
export type Unnumbered = Omit<UnsuccessfulRequest, 'number'>;

/** The same denials are told together, after this time at first. While they go on it doubles, up to an hour. */
const FIRST_MS = 60_000;
const LONGEST_MS = 3_600_000;
/** Kinds of denials that are told apart at once: of one operator (nobody is one), and of all. */
const KINDS_OF_ONE = 100;
const MAX_KINDS = 1_000;

/** Denials of one kind since the last of them was told of. */
interface Sum {
  operator: string;
  times: number;
  /** The last one; its target is empty when they had different ones. */
  last: Unnumbered | undefined;
  span: number;
  /** When they are told of. */
  due: number;
}

/**
 * Keeps whoever may do nothing from filling the audit with that. Of the denials that differ in nothing but time, target and
 * correlation id the first is told at once, and those that follow it as one line with their number. No denial is left out: every
 * one counts in exactly one line.
 *
 * What is kept does not grow with the requests: beyond so many kinds those of an operator, and then those of everybody, are
 * one kind more.
 */
export class DenialSums {
  private readonly sums = new Map<string, Sum>();
  private readonly kindsOf = new Map<string, number>();

  /** How many kinds are being counted. */
  get size(): number {
    return this.sums.size;
  }

  /** Counts a denial. @returns what is to be told at once, if anything. */
  add(given: Unnumbered): Unnumbered | undefined {
    const request = this.kindFor(given);
    const key = keyOf(request);
    const sum = this.sums.get(key);
    if (!sum) {
      const { operator, time } = request;
      this.sums.set(key, { operator, times: 0, last: undefined, span: FIRST_MS, due: time + FIRST_MS });
      this.kindsOf.set(operator, (this.kindsOf.get(operator) ?? 0) + 1);
      return request;
    }
    const target = sum.last && sum.last.target !== request.target ? '' : request.target;
    sum.last = { ...request, target };
    sum.times++;
    return undefined;
  }

  /** What is to be told by now. @param now Infinity: all that has not been told. */
  due(now: number): Unnumbered[] {
    const told: Unnumbered[] = [];
    for (const [key, sum] of this.sums) {
      if (sum.due > now) continue;
      const { last, times, operator } = sum;
      if (last) {
        told.push(times > 1 ? { ...last, times } : last);
        sum.span = Math.min(2 * sum.span, LONGEST_MS);
        Object.assign(sum, { times: 0, last: undefined, due: now + sum.span });
      } else {
        this.sums.delete(key);
        const kinds = (this.kindsOf.get(operator) ?? 1) - 1;
        if (kinds > 0) this.kindsOf.set(operator, kinds);
        else this.kindsOf.delete(operator);
      }
    }
    return told;
  }

  /** The request, or one that stands for all that cannot be told apart any more. */
  private kindFor(request: Unnumbered): Unnumbered {
    if (this.sums.has(keyOf(request))) return request;
    const ofOne = (this.kindsOf.get(request.operator) ?? 0) >= KINDS_OF_ONE;
    const ofAll = this.sums.size >= MAX_KINDS;
    if (!ofOne && !ofAll) return request;
    return {
      ...request,
      operator: ofAll ? '' : request.operator,
      action: 'audit.more',
      target: '',
      client: '',
      correlation_id: '',
      reason: `requests of more kinds than can be told apart (${ofAll ? MAX_KINDS : KINDS_OF_ONE}) were not let in`,
    };
  }
}

function keyOf({ operator, action, client, status, reason }: Unnumbered): string {
  return JSON.stringify([operator, action, client, status, reason]);
}
