import { checkText } from '@rigel/contracts';
import {
  type Compilable,
  type Expression,
  type Kysely,
  type SelectQueryBuilder,
  type SqlBool,
  sql,
} from 'kysely';
import { runPrepared } from './prepared.js';

/** Additional column with the number of all rows. */
const TOTAL = 'rows_in_all';

export interface PageRequest {
  page: number;
  page_size: number;
}

/** Rows before a page. If the number is too large to be exact, the page is after the end in any case. */
export function offsetOf({ page, page_size }: PageRequest): number {
  return Math.min((page - 1) * page_size, Number.MAX_SAFE_INTEGER);
}

export interface RangeOptions {
  /** The number of all rows, if the caller knows it without counting. */
  total?: number | undefined;
  /** The database, for a query whose statement is prepared; see `runPrepared`. */
  preparedIn?: Kysely<never>;
}

/** Reads one page of an ordered query of one table, and the number of all its rows; see `readRange`. */
export function readPage<DB, Table extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, Table, Row>,
  page: PageRequest,
  options?: RangeOptions,
): Promise<{ rows: Row[]; total: number }> {
  return readRange(query, { offset: offsetOf(page), limit: page.page_size }, options);
}

/**
 * Reads a part of an ordered query of one table with the key `id`, and the number of all rows of the query.
 *
 * It finds the ids first, from an index alone if one has all columns of the conditions. So it skips the rows before the
 * part, and those that do not match a keyword, without reading them.
 */
export async function readRange<DB, Table extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, Table, Row>,
  { offset, limit }: { offset: number; limit: number },
  { total: known, preparedIn }: RangeOptions = {},
): Promise<{ rows: Row[]; total: number }> {
  const ids = query.clearSelect().select(sql`id`.as('id')).limit(limit).offset(offset);
  const counted = query.clearSelect().clearOrderBy().select(sql<number>`count(*)`.as('total'));
  // As an array: with a join PostgreSQL reads the whole table for a page of thousands.
  const page = query.clearWhere().where(sql<SqlBool>`id = ANY (ARRAY${ids})`);
  const run = <R>(query: Compilable<R> & { execute(): Promise<R[]> }): Promise<R[]> =>
    preparedIn ? runPrepared(preparedIn, query) : query.execute();
  if (known !== undefined) {
    const rows = await run(page);
    return { rows, total: agreeing(known, rows.length, { offset, limit }) };
  }
  // Page and number in one statement: one round trip, and they agree.
  const counting = await run(page.select(sql<number>`${counted}`.as(TOTAL)));
  const rows = counting as unknown as (Row & { [TOTAL]?: number })[];
  let total = rows[0]?.[TOTAL];
  if (total === undefined) {
    // TypeScript does not know the type of a selection after clearSelect().
    const [count] = (await run(counted)) as unknown as { total: number }[];
    total = agreeing(count?.total ?? 0, 0, { offset, limit });
  }
  for (const row of rows) delete row[TOTAL];
  return { rows, total };
}

/**
 * Corrects a number of all rows that another statement read than the part. Rows may have come or gone in between, and a
 * client would look for rows that the number promises.
 */
function agreeing(
  total: number,
  found: number,
  { offset, limit }: { offset: number; limit: number },
): number {
  if (found === limit) return Math.max(total, offset + found);
  return found > 0 ? offset + found : Math.min(total, offset);
}

/**
 * Condition that a column contains the keyword literally. An absent or empty keyword is no condition. No index finds
 * the matching rows, but PostgreSQL scans an index with the column instead of the table: see docs/performance.md.
 */
export function contains(column: string, keyword: string | undefined): Expression<SqlBool> {
  if (keyword === undefined || keyword === '') return sql<SqlBool>`true`;
  return sql<SqlBool>`strpos(${sql.ref(column)}, ${checkText(column, keyword)}) > 0`;
}
