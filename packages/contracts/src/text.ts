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

/** @throws ServiceError `invalid` when the database cannot keep the text. */
export function checkText(field: string, value: string): string {
  if (isStorable(value)) return value;
  throw new ServiceError(
    'invalid',
    `${field} contains a NUL or a broken character (got ${show(value)})`,
    field,
  );
}

/** A name is 1 to 50 characters without blanks around it. @returns the trimmed name. */
export function checkName(value: string, field = 'name'): string {
  const name = checkText(field, value).trim();
  if (name === '') throw new ServiceError('invalid', `${field} must not be empty`, field);
  if (lengthOf(name) > MAX_NAME) {
    throw new ServiceError(
      'invalid',
      `${field} must have at most ${MAX_NAME} characters, not ${lengthOf(name)} (got ${show(name)})`,
      field,
    );
  }
  return name;
}

export function checkDesc(value: string): string {
  const length = lengthOf(checkText('desc', value));
  if (length <= MAX_DESC) return value;
  throw new ServiceError(
    'invalid',
    `desc must have at most ${MAX_DESC} characters, not ${length} (got ${show(value)})`,
    'desc',
  );
}
