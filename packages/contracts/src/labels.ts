import { type Static, Type } from 'typebox';
import { ServiceError, show } from './errors.js';
import { Text } from './forms.js';

/*
 * Labels of nodes: short facts that people give (`zone=b`, `role=web`), by which operations choose their nodes. Keys and values have the
 * forms of Kubernetes, so that those of a cluster can be taken over as they are.
 */

/** Labels that one node may have, and a pool may give. */
export const MOST_LABELS = 64;

/** Characters of a value, of a name, and of the prefix before the `/` of a key. */
const LONGEST_NAME = 63;
const LONGEST_PREFIX = 253;

/** Values by their keys. */
export const Labels = Type.Record(Type.String(), Text, { maxProperties: 10_000 });
export type Labels = Static<typeof Labels>;

const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

const isName = (text: string): boolean => text.length <= LONGEST_NAME && NAME.test(text);

/** What is wrong with a key; undefined: nothing. */
export function wrongKey(key: string): string | undefined {
  const slash = key.indexOf('/');
  const prefix = slash === -1 ? undefined : key.slice(0, slash);
  if (prefix !== undefined && (prefix.length > LONGEST_PREFIX || !PREFIX.test(prefix)))
    return `the part before / must be a DNS name of at most ${LONGEST_PREFIX} characters`;
  if (isName(key.slice(slash + 1))) return undefined;
  return `${prefix === undefined ? 'it' : 'the part after /'} must have 1 to ${LONGEST_NAME} letters (a to z), digits, - _ and ., and begin and end with a letter or digit`;
}

/** What is wrong with a value; undefined: nothing. A value may be empty. */
export function wrongValue(value: string): string | undefined {
  if (value === '' || isName(value)) return undefined;
  return `it must have at most ${LONGEST_NAME} letters (a to z), digits, - _ and ., and begin and end with a letter or digit`;
}

/** @throws ServiceError `wrong_form` that names the field and the key. */
export function checkLabelKey(field: string, key: string): void {
  const wrong = wrongKey(key);
  if (wrong === undefined) return;
  throw new ServiceError('wrong_form', `${field}: ${show(key)} is no key of a label: ${wrong}`, field, {
    value: key,
    data: { form: '[dns.name/]A-Z a-z 0-9 - _ .' },
  });
}

/**
 * Checks labels that a request gives.
 * @returns the same, with their keys in order.
 * @throws ServiceError that names the field: `wrong_form` of a key or value, `too_long`: more than `MOST_LABELS`.
 */
export function checkLabels(field: string, labels: Labels): Labels {
  const keys = Object.keys(labels).sort();
  for (const key of keys) {
    checkLabelKey(field, key);
    const value = labels[key] ?? '';
    const wrong = wrongValue(value);
    if (wrong === undefined) continue;
    throw new ServiceError(
      'wrong_form',
      `${field}: ${show(value)} is no value of label ${key}: ${wrong}`,
      `${field}.${key}`,
      { value, data: { form: 'A-Z a-z 0-9 - _ .' } },
    );
  }
  assertFewLabels(field, keys.length);
  return Object.fromEntries(keys.map((key) => [key, labels[key] ?? '']));
}

/** @param of what has the labels, as a refusal names it. @throws ServiceError `too_long` */
export function assertFewLabels(field: string, count: number, of = ''): void {
  if (count <= MOST_LABELS) return;
  throw new ServiceError(
    'too_long',
    `${field}: ${of === '' ? '' : `${of} would have `}${count} labels, more than ${MOST_LABELS}: remove some`,
    field,
    { data: { limit: MOST_LABELS, length: count } },
  );
}

/** `zone=b,role=web`, in the order of the keys. */
export function labelsText(labels: Labels): string {
  return Object.keys(labels)
    .sort()
    .map((key) => `${key}=${labels[key]}`)
    .join(',');
}
