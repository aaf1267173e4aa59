import { show } from '@rigel/contracts';
import { WrongParameter } from '../failures.js';
import { isRecord } from './coerce.js';
import { SpelledNumber } from './spelled-number.js';

const MAX_DEPTH = 64;
// Half of a surrogate pair, or the zero character: no database keeps them.
const UNSTORABLE = /[\0\p{Surrogate}]/u;
/** The text that a browser makes of an object in a field of a form; the object is lost. */
const OBJECT_AS_TEXT = '[object Object]';

/**
 * Refuses values that could not be stored and returned unchanged: text with NUL or broken characters, numbers that JSON
 * numbers cannot hold exactly, and endless nesting (which would break recursive code later). It also refuses an object
 * (a secret, say) that a form has turned into text.
 * @param name the parameter, for the message.
 * @throws WrongParameter
 */
export function assertStorable(name: string, value: unknown): void {
  let at = name;
  const refuse = (what: string): never => {
    throw new WrongParameter(`${show(at)} ${what}`, name, { code: 'unreadable_text', field: at });
  };
  const checkText = (text: string): void => {
    if (UNSTORABLE.test(text)) refuse('contains a character that cannot be stored');
    if (text.trim() === OBJECT_AS_TEXT) {
      refuse(
        `is the text ${OBJECT_AS_TEXT}, which is what a form makes of an object such as a secret: send the value itself`,
      );
    }
  };
  const pending: { value: unknown; depth: number; at: string }[] = [{ value, depth: 0, at: name }];
  for (let entry = pending.pop(); entry; entry = pending.pop()) {
    const { value, depth } = entry;
    at = entry.at;
    if (typeof value === 'string') checkText(value);
    else if (typeof value === 'number' || value instanceof SpelledNumber) {
      const number = Number(value instanceof SpelledNumber ? value.text : value);
      if (!Number.isFinite(number) || (Number.isInteger(number) && !Number.isSafeInteger(number))) {
        const given = value instanceof SpelledNumber ? value.text : value;
        refuse(`holds a number that is too large: ${show(given)} (where a text may stand, put it in quotes)`);
      }
    } else if (Array.isArray(value) || isRecord(value)) {
      if (depth === MAX_DEPTH) refuse(`is nested more than ${MAX_DEPTH} levels deep`);
      if (!Array.isArray(value)) for (const key of Object.keys(value)) checkText(key);
      for (const [key, child] of Object.entries(value)) {
        pending.push({ value: child, depth: depth + 1, at: `${entry.at}.${key}` });
      }
    }
  }
}
