import { partsOf, type TimeParts } from '../../text/time.js';

/*
 * Days and weeks as clocks on the wall of a zone show them. Days are texts like 2026-11-29.
 */

/** In which zone times are shown: each in its schedule's, the browser's, or UTC. */
export const ZONES = ['schedule', 'mine', 'utc'] as const;
export type ZoneChoice = (typeof ZONES)[number];

/** The IANA name of the zone to show a schedule's time in; undefined: the browser's. */
export function shownZone(choice: ZoneChoice, schedule: string): string | undefined {
  return { schedule, mine: undefined, utc: 'UTC' }[choice];
}

const DAY_MS = 86_400_000;

/** The numbers of the parts are the same in every language. */
export function wallTime(at: number | string, zone: string | undefined): TimeParts {
  return partsOf(new Date(at), 'en-US', zone);
}

const middayOf = (day: string): number => Date.parse(`${day}T12:00:00Z`);

export function addDays(day: string, count: number): string {
  return new Date(middayOf(day) + count * DAY_MS).toISOString().slice(0, 10);
}

/** The Monday of a day's week. */
export function mondayOf(day: string): string {
  return addDays(day, -((new Date(middayOf(day)).getUTCDay() + 6) % 7));
}

export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(middayOf(text));
}

/** A range that has all moments of a week in every zone of the world. */
export function rangeOfWeek(monday: string): { from: string; to: string } {
  const midnight = Date.parse(`${monday}T00:00:00Z`);
  return {
    from: new Date(midnight - 14 * 3_600_000).toISOString(),
    to: new Date(midnight + 7 * DAY_MS + 14 * 3_600_000).toISOString(),
  };
}

/** Hours by which the clocks of a zone are put forward (or back, negative) on a day. */
export function clockChangeOn(day: string, zone: string | undefined): number {
  const offset = (at: number): number => {
    const { date, time } = wallTime(at, zone);
    return Date.parse(`${date}T${time}Z`) - Math.floor(at / 1_000) * 1_000;
  };
  const begin = Date.parse(`${day}T00:00:00Z`);
  const midnight = begin - offset(begin);
  return (offset(midnight + DAY_MS - 1_000) - offset(midnight - 1_000)) / 3_600_000;
}

/** `Mon 23`, in the language of the page. */
export function dayTitle(day: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric', timeZone: 'UTC' }).format(
    middayOf(day),
  );
}
