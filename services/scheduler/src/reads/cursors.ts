import { ServiceError, show } from '@rigel/contracts';

/*
 * Cursors of lists: the order of the list, and where its last row stands in it, as text that means nothing to clients.
 */

export function cursorAfter(order: string, place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([order, ...place])).toString('base64url');
}

/**
 * Where a page begins: the values that stand in a cursor.
 * @param forms what each value must look like, as text.
 * @throws ServiceError `invalid` for a text that no page of this order gave.
 */
export function placeIn(order: string, cursor: string, forms: readonly RegExp[]): string[] {
  try {
    const [of, ...place] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[];
    const values = place.map(String);
    const fits =
      values.length === forms.length && forms.every((form, index) => form.test(values[index] ?? ''));
    if (of === order && fits) return values;
  } catch {
    // Not even JSON: said below.
  }
  throw new ServiceError(
    'other_list',
    `cursor ${show(cursor)} does not belong to this list: take next of the page before, with the same order, or leave it out`,
    'cursor',
  );
}

export const INTEGER = /^-?\d{1,15}$/;

/** A page out of one row more than it may have, and the cursor behind its last row. */
export function pageOfRows<Row>(
  rows: readonly Row[],
  limit: number,
  cursorOf: (last: Row) => string,
): { rows: Row[]; next: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { rows: page, next: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}
