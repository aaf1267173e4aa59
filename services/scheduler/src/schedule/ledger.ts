import type {
  CronItem,
  LedgerDifference,
  LedgerSum,
  OccurrenceCause,
  OccurrenceOutcome,
} from '@rigel/contracts';
import { dueTimes, itemInForce } from './calendar.js';
import { IGNORED_PREFIX } from './decide.js';
import type { ScheduleSaved } from './events.js';

/*
 * Whether what a scheduled task's items called for and what became of it are the same. The moments are computed from the
 * items as they stood at each time, the outcomes are those that were recorded. Pure.
 */

/** Items as they were saved, and the moments that were left out when they were. */
export interface Saving {
  saved: ScheduleSaved;
  leftOut: ReadonlySet<number>;
}

/** An occurrence as the read table has it. */
export interface LedgerRow {
  due: number;
  cause: OccurrenceCause;
  outcome: OccurrenceOutcome;
  /** Its reason begins so that it counts as ignored. */
  isIgnored: boolean;
  /** The deployment's time zone then; empty: not recorded. */
  zone: string;
}

export interface LedgerRange {
  /** The first moment that counts, in milliseconds since 1970. */
  from: number;
  /** The first moment that does not count any more. */
  to: number;
  now: number;
  /** The deployment's time zone now. */
  zone: string;
  /** The scheduler has noticed all moments up to here. */
  settledUntil: number;
  /** The first occurrence of a due time after the range, whose zone says how the end of the range was read. */
  after?: Pick<LedgerRow, 'due' | 'zone'> | undefined;
}

export interface Ledger {
  sum: LedgerSum;
  /** The first ones, by time. */
  differences: LedgerDifference[];
  differenceCount: number;
}

/** Differences that an answer names. */
const SHOWN_DIFFERENCES = 100;
/** Moments of one ledger at most: what is computed must not keep other work waiting. */
export const MAX_LEDGER_MOMENTS = 20_000;
/** Moments after which other work comes in between. */
const MOMENTS_AT_ONCE = 500;

/** The range has more moments than a ledger may have. */
export class TooManyMoments extends Error {
  override readonly name = 'TooManyMoments';
}

export const isIgnored = (reason: string): boolean => reason.startsWith(IGNORED_PREFIX);

/**
 * @param savings in order, from the one in force at the beginning of the range to the first one after it.
 * @param rows those of the range, by time.
 * @throws TooManyMoments
 */
export async function ledgerOf(
  savings: readonly Saving[],
  rows: readonly LedgerRow[],
  range: LedgerRange,
): Promise<Ledger> {
  const sum = countOutcomes(rows);
  const differences: LedgerDifference[] = [];
  const due = rows.filter(({ cause }) => cause === 'due');
  const recorded = new Set(due.map((row) => row.due));
  const calledFor = new Set<number>();
  for await (const moment of momentsOf(savings, due, range)) {
    calledFor.add(moment);
    sum.due++;
    if (recorded.has(moment)) continue;
    if (moment > range.settledUntil) sum.not_noticed++;
    else differences.push({ due: moment, cause: 'due', what: 'no_outcome' });
  }
  for (const row of due) {
    if (!calledFor.has(row.due)) differences.push({ due: row.due, cause: 'due', what: 'no_moment' });
  }
  const atSaving = new Set(rows.filter(({ cause }) => cause === 'saved').map((row) => row.due));
  for (const saving of savings) {
    const { at } = saving.saved;
    if (at < range.from || at >= range.to || !appliesAtOnce(saving, range.zone)) continue;
    sum.saved++;
    if (!atSaving.delete(at)) differences.push({ due: at, cause: 'saved', what: 'no_outcome' });
  }
  for (const at of atSaving) differences.push({ due: at, cause: 'saved', what: 'no_moment' });
  differences.sort((a, b) => a.due - b.due);
  return {
    sum,
    differences: differences.slice(0, SHOWN_DIFFERENCES),
    differenceCount: differences.length,
  };
}

function countOutcomes(rows: readonly LedgerRow[]): LedgerSum {
  const sum: LedgerSum = {
    due: 0,
    saved: 0,
    restarted: 0,
    fired: 0,
    caught_up: 0,
    nothing_to_do: 0,
    skipped: 0,
    ignored: 0,
    waiting: 0,
    firing: 0,
    not_noticed: 0,
  };
  for (const { cause, outcome, isIgnored } of rows) {
    if (cause === 'restarted') sum.restarted++;
    sum[isIgnored ? 'ignored' : outcome]++;
  }
  return sum;
}

/** A save of items that set the number of nodes by the clock applies the item in force. */
function appliesAtOnce({ saved, leftOut }: Saving, zone: string): boolean {
  if (saved.type !== 'expand' || saved.execType !== 'crontab') return false;
  return itemInForce(saved.cronItems, saved.timeZone || zone, saved.at, leftOut) !== undefined;
}

/** The due times of a range, by the items and the time zone of each time. */
async function* momentsOf(
  savings: readonly Saving[],
  rows: readonly LedgerRow[],
  range: LedgerRange,
): AsyncGenerator<number> {
  let count = 0;
  for (const [index, { saved }] of savings.entries()) {
    const next = savings[index + 1]?.saved;
    const begin = Math.max(saved.at, range.from - 1);
    const end = Math.min(next?.at ?? range.now, range.to - 1, range.now);
    if (saved.execType !== 'crontab' || begin >= end) continue;
    let from = begin;
    for (const { upTo, zone } of stretches(saved, next, rows, begin, end, range)) {
      for (const due of timesBetween(saved.cronItems, zone, from, upTo)) {
        yield due;
        if (++count > MAX_LEDGER_MOMENTS) throw new TooManyMoments();
        if (count % MOMENTS_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      from = upTo;
    }
  }
}

/**
 * Stretches of a time in which the same items were read in the same time zone. A scheduled task that names no zone is read
 * in the deployment's, which may have been another one: each occurrence says in which it was found.
 */
function stretches(
  saved: ScheduleSaved,
  next: ScheduleSaved | undefined,
  rows: readonly LedgerRow[],
  begin: number,
  end: number,
  { zone: zoneNow, after }: LedgerRange,
): { upTo: number; zone: string }[] {
  if (saved.timeZone !== '') return [{ upTo: end, zone: saved.timeZone }];
  const found: { upTo: number; zone: string }[] = [];
  for (const { due, zone } of rows) {
    if (due <= begin || due > end) continue;
    const last = found.at(-1);
    if (last && last.zone === (zone || zoneNow)) last.upTo = due;
    else found.push({ upTo: due, zone: zone || zoneNow });
  }
  // What comes after the last occurrence was, or will be, looked for by who records the next one.
  const isAfter = after !== undefined && (next === undefined || after.due <= next.at);
  const last = isAfter ? after.zone : next?.zone;
  return [...found, { upTo: end, zone: last || zoneNow }];
}

function* timesBetween(
  items: readonly CronItem[],
  zone: string,
  after: number,
  upTo: number,
): Generator<number> {
  if (upTo <= after) return;
  for (const { due } of dueTimes(items, zone, after)) {
    if (due > upTo) return;
    yield due;
  }
}
