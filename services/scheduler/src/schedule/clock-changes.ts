import type { CronItem, SchedulePreview } from '@rigel/contracts';
import { nextDueTime, secondOfDay } from './calendar.js';

/*
 * The changes of a zone's clocks, and which items they concern. Pure.
 */

const AHEAD_MS = 366 * 86_400_000;
const DAY_MS = 86_400_000;

type ClockChange = SchedulePreview['clock_changes'][number];

const formats = new Map<string, Intl.DateTimeFormat>();

/** Minutes east of UTC at a time. */
export function offsetAt(zone: string, at: number): number {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const shown = Date.UTC(year, month - 1, day, hour, minute, second);
  return Math.round((shown - Math.floor(at / 1_000) * 1_000) / 60_000);
}

/** The changes within a year after a time, each with the items whose time does not exist on that day, or comes twice. */
export function clockChanges(items: readonly CronItem[], zone: string, now: number): ClockChange[] {
  const changes: ClockChange[] = [];
  let before = offsetAt(zone, now);
  for (let day = now; day < now + AHEAD_MS; day += DAY_MS) {
    const after = offsetAt(zone, day + DAY_MS);
    if (after === before) continue;
    changes.push(changeBetween(items, zone, day, day + DAY_MS));
    before = after;
  }
  return changes;
}

function changeBetween(items: readonly CronItem[], zone: string, from: number, to: number): ClockChange {
  const offset_before = offsetAt(zone, from);
  const offset_after = offsetAt(zone, to);
  let low = Math.floor(from / 1_000);
  let high = Math.ceil(to / 1_000);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(zone, middle * 1_000) === offset_before) low = middle;
    else high = middle;
  }
  const at = high * 1_000;
  // What a clock on the wall jumps over, or shows a second time, in seconds as if there were no change.
  const ends = [at / 1_000 + offset_before * 60, at / 1_000 + offset_after * 60];
  const [first, last] = [Math.min(...ends), Math.max(...ends)];
  const what = offset_after > offset_before ? ('does_not_exist' as const) : ('comes_twice' as const);
  const moments = items.flatMap((item) => {
    const shown = shownAt(item, first, last);
    if (shown === undefined) return [];
    // The first time when it comes twice; right after the gap when it does not exist.
    const due = nextDueTime(
      [item],
      zone,
      (shown - Math.max(offset_before, offset_after) * 60) * 1_000 - 1,
    )?.due;
    return due === undefined ? [] : [{ time: item.time, week_day: item.week_day, due, what }];
  });
  return { at, offset_before, offset_after, moments: moments.sort((a, b) => a.due - b.due) };
}

/** When, between two times as clocks show them, the item's day and time come; undefined: they do not. */
function shownAt({ time, week_day }: CronItem, first: number, last: number): number | undefined {
  const second = secondOfDay(time);
  for (let day = Math.floor(first / 86_400); day * 86_400 < last; day++) {
    const shown = day * 86_400 + second;
    if (shown < first || shown >= last) continue;
    if (week_day === 0 || new Date(shown * 1_000).getUTCDay() + 1 === week_day) return shown;
  }
  return undefined;
}
