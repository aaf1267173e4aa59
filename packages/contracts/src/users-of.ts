import { show } from './errors.js';

/** Members shown of a list that may be long. */
const SHOWN = 3;

/** A thing, as refusals name it. */
export interface Named {
  id: number;
  name: string;
}

/**
 * Names the things of a kind that use another one: the first few by name and id, the others by their number.
 * @param first some of the things, at most `total`.
 */
export function describeUsers(kind: string, first: readonly Named[], total: number = first.length): string {
  return `${kind}${total === 1 ? '' : 's'} ${nameSome(first, total)}`;
}

/** The first few by name and id, the others by their number. */
export function nameSome(first: readonly Named[], total: number): string {
  const shown = first.slice(0, SHOWN);
  const names = shown.map(({ id, name }) => `${show(name)} (id ${id})`).join(', ');
  const more = total - shown.length;
  return more > 0 ? `${names} and ${more} more` : names;
}
