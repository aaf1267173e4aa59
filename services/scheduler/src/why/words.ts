import type { Reason } from '@rigel/contracts';

export function reason(
  code: string,
  text: string,
  since: number | null = null,
  data: Reason['data'] = {},
): Reason {
  return { code, text, since, data };
}

/** The time of day in UTC, with the day when that is not today. */
export function clockTime(at: number, now: number): string {
  const [day, time] = new Date(at).toISOString().split(/[T.]/) as [string, string];
  return new Date(now).toISOString().startsWith(day) ? `${time} UTC` : `${day} ${time} UTC`;
}

/** A length of time as people say it. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1_000));
  if (s < 120) return `${s} s`;
  if (s < 7_200) return `${Math.round(s / 60)} min`;
  return `${Math.round(s / 3_600)} h`;
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
