import { checkText } from '@rigel/contracts';
import { type Expression, type SelectQueryBuilder, type SqlBool, sql } from 'kysely';

export interface PageRequest {
  page: number;
  page_size: number;
}

/** Rows before a page. A page too far out for an exact number is past every end all the same. */
export function offsetOf({ page, page_size }: PageRequest): number {
  return Math.min((page - 1) * page_size, Number.MAX_SAFE_INTEGER);
}

/** Reads one page of an ordered query, and how many rows it has in all. */
export function readPage<DB, Table extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, Table, Row>,
  page: PageRequest,
): Promise<{ rows: Row[]; total: number }> {
  return readRange(query, { offset: offsetOf(page), limit: page.page_size });
}

export async function readRange<DB, Table extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, Table, Row>,
  { offset, limit }: { offset: number; limit: number },
): Promise<{ rows: Row[]; total: number }> {
  const rows = await query.limit(limit).offset(offset).execute();
  const counted = await query
    .clearSelect()
    .clearOrderBy()
    .select(sql<number>`count(*)`.as('total'))
    .execute();
  // The type of a selection cannot be followed through clearSelect().
  const [count] = counted as unknown as { total: number }[];
  return { rows: rows as Row[], total: count?.total ?? 0 };
}

/** Condition that a column contains the keyword, letter for letter; an absent or empty keyword is no condition. */
export function contains(column: string, keyword: string | undefined): Expression<SqlBool> {
  if (keyword === undefined || keyword === '') return sql<SqlBool>`true`;
  return sql<SqlBool>`strpos(${sql.ref(column)}, ${checkText(column, keyword)}) > 0`;
}
