import type { Moment } from '@rigel/scheduler/maintenance';
import { UsageError } from './usage-error.js';

/** Numbers with more digits are milliseconds since 1970: no version has so many, and every time since 1970-01-12 has. */
const VERSION_DIGITS = 9;
const ISO_8601 = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/**
 * Reads `--at`: a version, milliseconds since 1970, or a time by ISO 8601 (without a zone: UTC).
 * @throws UsageError
 */
export function readMoment(text: string | undefined): Moment {
  if (text === undefined) return 'now';
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (text.length > VERSION_DIGITS) return { time: number };
    if (number === 0) throw new UsageError('--at 0 is not a version: the first one is 1');
    return { version: number };
  }
  const parts = ISO_8601.exec(text);
  if (parts) {
    const [, date = '', time = '00:00', seconds = ':00', zone = 'Z'] = parts;
    const at = Date.parse(`${date}T${time}${seconds}${zone}`);
    // A day that the month does not have is read as one of the next month.
    const day = Date.parse(`${date}T00:00:00Z`);
    const exists = !Number.isNaN(day) && new Date(day).toISOString().startsWith(date);
    if (!Number.isNaN(at) && exists) return { time: at };
  }
  throw new UsageError(
    `--at ${text} is neither a version (17), nor milliseconds since 1970 (1767225600000), nor a time (2026-01-01T00:00:00Z)`,
  );
}
