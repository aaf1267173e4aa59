import { isDeepStrictEqual } from 'node:util';

/** New values for some fields of a thing. A field that is undefined stays as it is. */
export type Wanted<T> = { [K in keyof T]?: T[K] | undefined };

/** Checks a value if there is one. */
export function ifGiven<T>(value: T | undefined, check: (value: T) => T): T | undefined {
  return value === undefined ? undefined : check(value);
}

/** The wanted fields that differ from the present ones; undefined if none differs, so that nothing is recorded. */
export function changesOf<T extends object>(present: T, wanted: Wanted<T>): Partial<T> | undefined {
  const changed = Object.entries(wanted).filter(
    ([field, value]) => value !== undefined && !isDeepStrictEqual(value, present[field as keyof T]),
  );
  return changed.length === 0 ? undefined : (Object.fromEntries(changed) as Partial<T>);
}
