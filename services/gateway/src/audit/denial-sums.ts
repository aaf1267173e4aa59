import type { Outcome, UnsuccessfulRequest } from '@rigel/contracts';

/** A request as the audit gets it, before it has its number. */
export type Unnumbered = Omit<UnsuccessfulRequest, 'number' | 'outcome'> & { outcome: Outcome };

/** Equal denials are reported together, at first after this time. While they go on, the time doubles, up to an hour. */
const FIRST_MS = 60_000;
const LONGEST_MS = 3_600_000;
/**
 * Most kinds of denials that are counted separately: of one operator (requests without one count as one), and of all.
 */
const KINDS_OF_ONE = 100;
const MAX_KINDS = 1_000;

/** Denials of one kind since the last report. */
interface Sum {
  operator: string;
  times: number;
  /** The last denial; its target is empty if they had different ones. */
  last: Unnumbered | undefined;
  span: number;
  /** When they are reported. */
  due: number;
}

/**
 * Keeps clients that may do nothing from filling the audit. Denials are of one kind if they differ only in time, target
 * and correlation id. The first of a kind is reported at once, and those after it as one line with their number. Every
 * denial counts in exactly one line.
 *
 * Memory does not grow with the requests: beyond the limits, all further kinds of one operator count as one kind, and
 * then those of all operators.
 */
export class DenialSums {
  private readonly sums = new Map<string, Sum>();
  private readonly kindsOf = new Map<string, number>();

  /** The number of kinds. */
  get size(): number {
    return this.sums.size;
  }

  /** Counts a denial. @returns the line to report at once, if there is one. */
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

  /** The lines whose time has come. @param now Infinity: all lines that were not reported. */
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

  /** The request, or one that stands for all kinds beyond the limit. */
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
