import { ServiceError, show } from './errors.js';

const MAX_NAME = 50;
const MAX_DESC = 255;

/** NUL and halves of surrogate pairs: JSON can carry them, PostgreSQL refuses them. */
const UNSTORABLE = /\0|\p{Cs}/u;

/** Characters as people count them, not UTF-16 units. */
const lengthOf = (text: string): number => [...text].length;

export function isStorable(text: string): boolean {
  return !UNSTORABLE.test(text);
}

/**
 * Escape sequences of terminals (colours, titles, links, cursor moves): CSI, OSC (to its end, or a bounded length),
 * short ones.
 */
const ESCAPE_SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed here
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]{0,2000}(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]/g;
/** Controls, line separators and direction marks: with them a line can look different from its content. */
const INVISIBLE =
  / *[\p{Cc}\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff][\p{Cc}\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff ]*/gu;

/**
 * Cleans a text of a node, a provider or a load balancer, so that it can be recorded, logged and shown: one line
 * without control characters, terminal sequences and broken characters, of at most `limit` characters and an ellipsis.
 */
export function plainLine(text: string, limit: number): string {
  // Removed characters do not count, so read more than `limit`, but not all of 3 MB.
  const plain = text
    .slice(0, limit * 4 + 4_000)
    .replace(ESCAPE_SEQUENCES, '')
    .replace(INVISIBLE, ' ')
    .replace(/\p{Cs}/gu, '\ufffd')
    .trim();
  const characters = [...plain];
  return characters.length > limit ? `${characters.slice(0, limit).join('')}…` : plain;
}

/** @throws ServiceError `invalid` if PostgreSQL cannot store the text. */
export function checkText(field: string, value: string): string {
  if (isStorable(value)) return value;
  throw new ServiceError(
    'unreadable_text',
    `${field} contains a NUL or a broken character (got ${show(value)})`,
    field,
  );
}

/** Checks a name: 1 to 50 characters after trimming. @returns the trimmed name. */
export function checkName(value: string, field = 'name'): string {
  const name = checkText(field, value).trim();
  if (name === '') throw new ServiceError('blank', `${field} must not be empty`, field);
  if (lengthOf(name) > MAX_NAME) {
    throw new ServiceError(
      'too_long',
      `${field} must have at most ${MAX_NAME} characters, not ${lengthOf(name)} (got ${show(name)})`,
      field,
      { value: name, data: { limit: MAX_NAME, length: lengthOf(name) } },
    );
  }
  return name;
}

export function checkDesc(value: string): string {
  const length = lengthOf(checkText('desc', value));
  if (length <= MAX_DESC) return value;
  throw new ServiceError(
    'too_long',
    `desc must have at most ${MAX_DESC} characters, not ${length} (got ${show(value)})`,
    'desc',
    { data: { limit: MAX_DESC, length } },
  );
}
