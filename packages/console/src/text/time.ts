/** Times and durations as a person on call reads them: exact, and never without their zone. */

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(locale: string, zone: string | undefined): Intl.DateTimeFormat {
  const key = `${locale} ${zone ?? ''}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(locale, {
      timeZone: zone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      fractionalSecondDigits: 3,
      hourCycle: 'h23',
      timeZoneName: 'short',
    });
    formats.set(key, format);
  }
  return format;
}

export interface TimeParts {
  /** `2026-11-29`. */
  date: string;
  /** `11:58:02`. */
  time: string;
  /** `.201`. */
  fraction: string;
  /** `CET`, `GMT+8`. */
  zone: string;
}

/**
 * A moment as it is read in a zone.
 * @param zone an IANA name; undefined = the browser's.
 */
export function partsOf(at: Date, locale: string, zone?: string): TimeParts {
  const found: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {};
  for (const { type, value } of formatOf(locale, zone).formatToParts(at)) found[type] = value;
  return {
    date: `${found.year}-${found.month}-${found.day}`,
    time: `${found.hour}:${found.minute}:${found.second}`,
    fraction: `.${found.fractionalSecond}`,
    zone: found.timeZoneName ?? '',
  };
}

/** A moment in one line, with its zone. */
export function momentText(at: Date, locale: string, zone?: string): string {
  const parts = partsOf(at, locale, zone);
  return `${parts.date} ${parts.time} ${parts.zone}`;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
] as const;

/** A duration without rounding away what matters: `412 ms`, `43.8 s`, `1 m 43.8 s`, `2 h 0 m 5 s`, `3 d 4 h 0 m`. */
export function durationText(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return '';
  if (Math.round(ms) < 1_000) return `${Math.round(ms)} ms`;
  // To a tenth of a second below an hour, to a second below a day, to a minute above.
  const step = ms < 3_600_000 ? 100 : ms < 86_400_000 ? 1_000 : 60_000;
  let rest = Math.round(ms / step) * step;
  const parts: string[] = [];
  for (const [name, length] of UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0 || parts.length > 0) parts.push(`${count} ${name}`);
  }
  if (step < 60_000)
    parts.push(`${step === 100 && rest % 1_000 !== 0 ? (rest / 1_000).toFixed(1) : rest / 1_000} s`);
  return parts.join(' ');
}

/** A duration of which the units that are zero at its end say nothing, as of a time limit: `5 m`, `2 h`, `1 h 30 m`. */
export function roundText(ms: number): string {
  return durationText(ms).replace(/(?: 0 [a-z]+)+$/, '');
}
