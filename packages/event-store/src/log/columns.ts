/*
 * Many rows as parameters of one statement, one parameter for each column. PostgreSQL splits such columns for a
 * fraction of the cost of a JSON array of rows, which it reads twice, with a hash table for each row.
 */

/**
 * A column of texts without line breaks, for `string_to_array($1, E'\\n')`. The output of JSON.stringify has none: it
 * escapes the line breaks in strings.
 */
export function lines(values: readonly string[]): string {
  return values.join('\n');
}

/** A column of numbers, for `$1::int[]` and the like. */
export function numbers(values: readonly number[]): string {
  return `{${values.join()}}`;
}
