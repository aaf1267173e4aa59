import { isDeepStrictEqual } from 'node:util';
import { sql, type Transaction } from 'kysely';
import { derivedRows } from './copies.js';
import type { Difference, Row } from './difference.js';
import type { ReadTable, ServiceHistory } from './service-history.js';

const FETCHED = 500;

/**
 * Compares a read table with its copy, row by row and column by column, in the order of the key.
 * @param broken streams that lack events: their rows are not compared.
 */
export async function* compareWithCopy(
  trx: Transaction<unknown>,
  { service }: ServiceHistory,
  table: ReadTable,
  broken: ReadonlySet<string>,
): AsyncGenerator<Difference> {
  const { name, key, stream } = table;
  const joined = sql.join(
    key.map((column) => sql`a.${sql.id(column)} = e.${sql.id(column)}`),
    sql` AND `,
  );
  const order = sql.join(key.map((column) => sql`coalesce(a.${sql.id(column)}, e.${sql.id(column)})`));
  const whole = stream
    ? sql`${stream.prefix}::text || coalesce(a.${sql.id(stream.column)}, e.${sql.id(stream.column)}) <> ALL (${[...broken]}::text[])`
    : sql`true`;
  await sql`
    DECLARE compared NO SCROLL CURSOR FOR
    SELECT to_jsonb(a) AS actual, to_jsonb(e) AS expected
    FROM (SELECT * FROM ${sql.id(service, name)} WHERE ${derivedRows(table)}) AS a
      FULL JOIN ${sql.id('pg_temp', name)} AS e ON ${joined}
    WHERE to_jsonb(a) IS DISTINCT FROM to_jsonb(e) AND ${whole}
    ORDER BY ${order}`.execute(trx);
  for (;;) {
    const { rows } = await sql<{ actual: Row | null; expected: Row | null }>`
      FETCH ${sql.lit(FETCHED)} FROM compared`.execute(trx);
    for (const { actual, expected } of rows) yield* differencesOf(table, actual, expected);
    if (rows.length < FETCHED) break;
  }
  await sql`CLOSE compared`.execute(trx);
}

const HIDDEN = '(not shown)';

function differencesOf(
  { name, key, hidden = [] }: ReadTable,
  actual: Row | null,
  expected: Row | null,
): Difference[] {
  const keyOf = (row: Row): Row => Object.fromEntries(key.map((column) => [column, row[column]]));
  const shown = (row: Row): Row => ({
    ...row,
    ...Object.fromEntries(hidden.map((column) => [column, HIDDEN])),
  });
  if (!actual)
    return expected
      ? [{ kind: 'missing row', table: name, key: keyOf(expected), expected: shown(expected) }]
      : [];
  if (!expected) return [{ kind: 'row without events', table: name, key: keyOf(actual), row: shown(actual) }];
  return Object.keys(expected)
    .filter((column) => !isDeepStrictEqual(actual[column], expected[column]))
    .map((column) => ({
      kind: 'value',
      table: name,
      key: keyOf(actual),
      column,
      value: shown(actual)[column],
      expected: shown(expected)[column],
    }));
}
