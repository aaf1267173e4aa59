import { checkText, ServiceError, show } from '@rigel/contracts';

/** No configuration is nested deeper, and deeper values would exhaust the stack of one of the parsers. */
const MAX_DEPTH = 32;

/**
 * Checks that a JSON value from outside can be stored.
 * @throws ServiceError `invalid` if a key or value is a text that PostgreSQL refuses, or the nesting is too deep.
 */
export function checkJson(field: string, value: unknown, depth = 0): void {
  if (typeof value === 'string') {
    checkText(field, value);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (depth === MAX_DEPTH) {
    throw new ServiceError('too_large', `${field} is nested too deeply (got ${show(value)})`, field);
  }
  for (const [key, member] of Object.entries(value)) {
    checkText(field, key);
    checkJson(field, member, depth + 1);
  }
}
