import { show } from '@rigel/contracts';
import { type TSchema, Type } from 'typebox';
import { WrongParameter } from '../failures.js';

/*
 * Lists that are read from a place on: rows that come or go meanwhile neither repeat nor hide others, however long a
 * list is. A cursor is the id (or position) of the last row that was read; clients treat it as opaque.
 */

export const Limit = Type.Integer({
  minimum: 1,
  maximum: 1_000,
  default: 100,
  description: 'Most rows of the answer.',
});
export const Cursor = Type.Optional(
  Type.String({
    description: 'Where to go on: `next` of the answer before. Absent or empty: from the beginning.',
  }),
);

/** `data` of a part of a list. */
export function partOf(row: TSchema, others: Record<string, TSchema> = {}) {
  return Type.Object({
    rows: Type.Array(row),
    next: Type.Union([Type.String(), Type.Null()], {
      description: 'The cursor of the rows after these; null: there are none.',
    }),
    ...others,
  });
}

export function cursorOf(place: number): string {
  return Buffer.from(`${place}`).toString('base64url');
}

/** The place that a cursor names; undefined for none. @throws WrongParameter */
export function placeOf(cursor: string | undefined): number | undefined {
  if (cursor === undefined || cursor === '') return undefined;
  const place = Number(Buffer.from(cursor, 'base64url').toString());
  if (Number.isSafeInteger(place) && place >= 1 && cursorOf(place) === cursor) return place;
  throw new WrongParameter(
    `cursor must be the next of an answer before, or be left out (got ${show(cursor)})`,
    'cursor',
    { code: 'other_list' },
  );
}

/** Numbers that a filter names: `3`, or `0,3`. @throws WrongParameter */
export function numbersOf<N extends number>(
  name: string,
  text: string | undefined,
  allowed: readonly N[],
): N[] | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const parts = text.split(',').map((part) => part.trim());
  const numbers = parts.map((part) => allowed.find((one) => String(one) === part));
  const wrong = numbers.indexOf(undefined);
  if (wrong < 0) return [...new Set(numbers as N[])];
  throw new WrongParameter(
    `${name} must be of ${allowed.join(', ')}, several with commas between them (got ${show(parts[wrong])})`,
    name,
    { code: 'not_a_choice', value: parts[wrong], data: { choices: allowed.join(', ') } },
  );
}
