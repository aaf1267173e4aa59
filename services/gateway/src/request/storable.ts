import { show } from '@rigel/contracts';
import { WrongParameter } from '../failures.js';
import { isRecord } from './coerce.js';

const MAX_DEPTH = 64;
// A character that is half of a pair, or the zero character: no database keeps them.
const UNSTORABLE = /[\0\p{Surrogate}]/u;

/**
 * Refuses what could not be kept and given back unchanged: text with NUL or broken characters, numbers that JSON
 * numbers cannot hold exactly, and nesting without end (which would break recursive code further on).
 * @param name the parameter, for the message.
 * @throws WrongParameter
 */
export function assertStorable(name: string, value: unknown): void {
  const refuse = (what: string): never => {
    throw new WrongParameter(`${name} ${what}`, name);
  };
  const checkText = (text: string): void => {
    if (UNSTORABLE.test(text)) refuse('contains a character that cannot be stored');
  };
  const pending: { value: unknown; depth: number }[] = [{ value, depth: 0 }];
  for (let entry = pending.pop(); entry; entry = pending.pop()) {
    const { value, depth } = entry;
    if (typeof value === 'string') checkText(value);
    else if (typeof value === 'number') {
      if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
        refuse(`holds a number that is too large: ${show(value)}`);
      }
    } else if (Array.isArray(value) || isRecord(value)) {
      if (depth === MAX_DEPTH) refuse(`is nested more than ${MAX_DEPTH} levels deep`);
      if (!Array.isArray(value)) for (const key of Object.keys(value)) checkText(key);
      for (const child of Object.values(value)) pending.push({ value: child, depth: depth + 1 });
    }
  }
}
