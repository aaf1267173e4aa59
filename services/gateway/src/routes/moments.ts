import { show } from '@rigel/contracts';
import { WrongParameter } from '../failures.js';

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/i;

/**
 * Reads a time of a request: by RFC 3339 (2026-03-01T12:00:00Z), or milliseconds since 1970.
 * @returns milliseconds since 1970; undefined for what was left out or is empty.
 * @throws WrongParameter
 */
export function momentOf(name: string, text: string | undefined): number | undefined {
  const given = text?.trim() ?? '';
  if (given === '') return undefined;
  if (/^\d{9,15}$/.test(given)) return Number(given);
  // A query that is not encoded makes a blank of the plus sign.
  const time = given.replace(' ', '+');
  const at = RFC_3339.test(time) ? Date.parse(time) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new WrongParameter(
    `${name} must be a time like 2026-03-01T12:00:00Z, or milliseconds since 1970 (got ${show(given)})`,
    name,
    { code: 'wrong_form', value: given, data: { form: '2026-03-01T12:00:00Z' } },
  );
}
