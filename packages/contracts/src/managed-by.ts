import { ServiceError, show } from './errors.js';
import { checkText } from './text.js';

/*
 * A thing that is written in files bears the name of the set that it belongs to, so that the set can delete what is in
 * none of its files any more, and nothing else.
 */

/** As long as other names. */
export const MAX_SET_NAME = 50;
const SET_NAME = /^[a-z0-9](?:[a-z0-9._-]{0,48}[a-z0-9])?$/;

/** Says what the name of a set must be. */
export const SET_NAME_RULE =
  'at most 50 small letters, digits, dots, dashes and underscores, with a letter or digit at both ends';

export const isSetName = (text: string): boolean => SET_NAME.test(text);

/** The name of a set of files; empty: none. @throws ServiceError `invalid` */
function checkManagedBy(value: string): string {
  if (checkText('managed_by', value) === '' || isSetName(value)) return value;
  throw new ServiceError(
    'wrong_form',
    `managed_by must be the name of a set of files (${SET_NAME_RULE}), or empty (got ${show(value)})`,
    'managed_by',
    { value },
  );
}

/** The field of a new thing; absent: the thing belongs to no set. */
export function managedFromStart(value: string | undefined): { managed_by?: string } {
  return value === undefined || checkManagedBy(value) === '' ? {} : { managed_by: value };
}

/** The new value of a thing's field; undefined: it stays as it is. Things of earlier releases have no such field. */
export function managedFromNow(
  present: { managed_by?: string | undefined },
  wanted: string | undefined,
): string | undefined {
  return wanted === undefined || wanted === (present.managed_by ?? '') ? undefined : checkManagedBy(wanted);
}
