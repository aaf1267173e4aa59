import { checkText, ServiceError, show } from '@rigel/contracts';

/** Deeper values are nobody's configuration, and would exhaust the stack of one of the parsers they pass through. */
const MAX_DEPTH = 32;

/**
 * Checks that a JSON value from outside can be stored.
 * @throws ServiceError `invalid` for text that the database refuses, in keys or values, and for endless nesting.
 */
export function checkJson(field: string, value: unknown, depth = 0): void {
  if (typeof value === 'string') {
    checkText(field, value);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (depth === MAX_DEPTH) {
    throw new ServiceError('invalid', `${field} is nested too deeply (got ${show(value)})`, field);
  }
  for (const [key, member] of Object.entries(value)) {
    checkText(field, key);
    checkJson(field, member, depth + 1);
  }
}
