/*
 * Many rows as parameters of one statement, a parameter for each column. PostgreSQL takes such columns apart for a fraction
 * of what a JSON array of rows costs it, which it reads twice, with a hash table for each row.
 */

/**
 * A column of texts of which none has a line break, for `string_to_array($1, E'\\n')`. JSON.stringify makes none: it escapes
 * those in its strings.
 */
export function lines(values: readonly string[]): string {
  return values.join('\n');
}

/** A column of numbers, for `$1::int[]` and the like. */
export function numbers(values: readonly number[]): string {
  return `{${values.join()}}`;
}
