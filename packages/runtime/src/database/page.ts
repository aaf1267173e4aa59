import { checkText } from '@rigel/contracts';
import { type Expression, type SelectQueryBuilder, type SqlBool, sql } from 'kysely';

/** Column that carries the number of rows beside those of a page. */
const TOTAL = 'rows_in_all';

export interface PageRequest {
  page: number;
  page_size: number;
}

/** Rows before a page. A page too far out for an exact number is past every end all the same. */
export function offsetOf({ page, page_size }: PageRequest): number {
  return Math.min((page - 1) * page_size, Number.MAX_SAFE_INTEGER);
}

/** Reads one page of an ordered query of one table, and how many rows it has in all; see `readRange`. */
export function readPage<DB, Table extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, Table, Row>,
  page: PageRequest,
  known?: { total?: number | undefined },
): Promise<{ rows: Row[]; total: number }> {
  return readRange(query, { offset: offsetOf(page), limit: page.page_size }, known);
}

/**
 * Reads a part of an ordered query of one table that has the key `id`, and how many rows the query has in all.
 *
 * The ids are found first, from an index alone where one has all columns of the conditions, so that the rows before the
 * part, and those that a keyword does not fit, are passed over without being looked at.
 * @param known.total when the caller knows it without counting.
 */
export async function readRange<DB, Table extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, Table, Row>,
  { offset, limit }: { offset: number; limit: number },
  known: { total?: number | undefined } = {},
): Promise<{ rows: Row[]; total: number }> {
  const ids = query.clearSelect().select(sql`id`.as('id')).limit(limit).offset(offset);
  const counted = query.clearSelect().clearOrderBy().select(sql<number>`count(*)`.as('total'));
  // As an array: joined with them, the table would be gone through as a whole for a page of thousands.
  const page = query.clearWhere().where(sql<SqlBool>`id = ANY (ARRAY${ids})`);
  if (known.total !== undefined) {
    const rows = await page.execute();
    return { rows, total: agreeing(known.total, rows.length, { offset, limit }) };
  }
  // Page and number in one statement: one way to the database and back, and they agree.
  const counting = await page.select(sql<number>`${counted}`.as(TOTAL)).execute();
  const rows = counting as unknown as (Row & { [TOTAL]?: number })[];
  let total = rows[0]?.[TOTAL];
  if (total === undefined) {
    // The type of a selection cannot be followed through clearSelect().
    const [count] = (await counted.execute()) as unknown as { total: number }[];
    total = agreeing(count?.total ?? 0, 0, { offset, limit });
  }
  for (const row of rows) delete row[TOTAL];
  return { rows, total };
}

/**
 * The number of all rows when it was read by another statement than the part, made to agree with the part: rows may have
 * come or gone in between, and a client would look for what the number promises.
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
 * Condition that a column contains the keyword, letter for letter; an absent or empty keyword is no condition. No index
 * finds what it holds for, but one that has the column is gone through instead of the table: see docs/performance.md.
 */
export function contains(column: string, keyword: string | undefined): Expression<SqlBool> {
  if (keyword === undefined || keyword === '') return sql<SqlBool>`true`;
  return sql<SqlBool>`strpos(${sql.ref(column)}, ${checkText(column, keyword)}) > 0`;
}
