import type { CronItem } from '@rigel/contracts';
import { Cron } from 'croner';

/*
 * When the items of a scheduled task are due, in a time zone. A time that does not exist on the day of a change to summer
 * time is due right after the gap; one that comes twice on the day of the change back is due the first time.
 */

/** A due time, and the item that holds at it. */
export interface DueTime {
  due: number;
  item: CronItem;
}

const TIME = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/;

/** Hour, minute and second of an item's time; undefined when it is none. */
export function readTime(time: string): [hour: number, minute: number, second: number] | undefined {
  const match = TIME.exec(time);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)] : undefined;
}

/** Seconds into the day at which an item is due on an ordinary day. @throws Error when its time is none. */
export function secondOfDay(time: string): number {
  const parts = readTime(time);
  if (!parts) throw new Error(`${time} is not a time`);
  return parts[0] * 3_600 + parts[1] * 60 + parts[2];
}

/** Making one costs as much as asking it many times; items come from operators, so there are not many. */
const crons = new Map<string, Cron>();
const MAX_CRONS = 10_000;

function cronOf({ week_day, time }: CronItem, zone: string): Cron {
  const key = `${week_day} ${time} ${zone}`;
  const known = crons.get(key);
  if (known) return known;
  const [hour, minute, second] = readTime(time) ?? [0, 0, 0];
  const day = week_day === 0 ? '*' : String(week_day - 1);
  const cron = new Cron(`${second} ${minute} ${hour} * * ${day}`, { timezone: zone, paused: true });
  if (crons.size >= MAX_CRONS) crons.clear();
  crons.set(key, cron);
  return cron;
}

/**
 * Of items that are due at the same time one holds: one that is not ignored before one that is, then the one whose time
 * is later (in the gap of a change to summer time), then the one for this day of the week before the one for all.
 */
function holds(a: CronItem, b: CronItem): boolean {
  if (a.ignore !== b.ignore) return !a.ignore;
  const later = secondOfDay(a.time) - secondOfDay(b.time);
  return later !== 0 ? later > 0 : a.week_day > b.week_day;
}

/**
 * The due times after a time, in order and without end unless there are no items. Each item's next time is kept, so that
 * going on costs only the items that were due.
 */
export function* dueTimes(items: readonly CronItem[], zone: string, after: number): Generator<DueTime> {
  const next = (item: CronItem, last: number): number | undefined =>
    cronOf(item, zone).nextRun(new Date(last))?.getTime();
  const coming = items.map((item) => ({ item, due: next(item, after) }));
  for (;;) {
    let first: DueTime | undefined;
    for (const { item, due } of coming) {
      if (due === undefined) continue;
      if (!first || due < first.due || (due === first.due && holds(item, first.item))) first = { due, item };
    }
    if (!first) return;
    yield first;
    for (const one of coming) if (one.due === first.due) one.due = next(one.item, first.due);
  }
}

/** The next due time after a time; undefined when there are no items. */
export function nextDueTime(items: readonly CronItem[], zone: string, after: number): DueTime | undefined {
  return dueTimes(items, zone, after).next().value ?? undefined;
}

/** The due times after one time and up to another, in order. @param limit the most that are returned. */
export function dueTimesBetween(
  items: readonly CronItem[],
  zone: string,
  after: number,
  upTo: number,
  limit: number,
): DueTime[] {
  const times: DueTime[] = [];
  if (limit === 0) return times;
  for (const next of dueTimes(items, zone, after)) {
    if (next.due > upTo) break;
    times.push(next);
    if (times.length >= limit) break;
  }
  return times;
}

/** Every item comes at least once in so many days. */
export const LONGEST_PAUSE_MS = 9 * 86_400_000;

const NONE: ReadonlySet<number> = new Set();

/**
 * The item that holds at a time: the one that was due last, then or before. Ignored ones do not count, nor do moments that
 * an operator has left out.
 */
export function itemInForce(
  items: readonly CronItem[],
  zone: string,
  at: number,
  leftOut: ReadonlySet<number> = NONE,
): CronItem | undefined {
  let last: DueTime | undefined;
  for (const item of items) {
    if (item.ignore) continue;
    let due: number | undefined;
    const cron = cronOf(item, zone);
    for (let next = cron.nextRun(new Date(at - LONGEST_PAUSE_MS)); next && next.getTime() <= at; ) {
      if (!leftOut.has(next.getTime())) due = next.getTime();
      next = cron.nextRun(next);
    }
    if (due === undefined) continue;
    if (!last || due > last.due || (due === last.due && holds(item, last.item))) last = { due, item };
  }
  return last?.item;
}
