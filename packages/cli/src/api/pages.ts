/** As many rows are read with one request. */
const PAGE = 500;

/**
 * Reads rows by a cursor until there are enough.
 * @param limit rows at most; undefined: all.
 */
export async function readAll<Row>(
  limit: number | undefined,
  read: (part: { limit: number; cursor?: string }) => Promise<{ rows: Row[]; next: string | null }>,
): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | null | undefined;
  do {
    const left = limit === undefined ? PAGE : Math.min(PAGE, limit - rows.length);
    const part = await read({ limit: left, ...(cursor ? { cursor } : {}) });
    rows.push(...part.rows);
    cursor = part.next;
  } while (cursor !== null && (limit === undefined || rows.length < limit));
  return rows;
}

/** The same for lists that have pages. */
export async function readPages<Row>(
  limit: number | undefined,
  read: (part: { page: number; page_size: number }) => Promise<Row[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  const size = limit === undefined ? PAGE : Math.min(PAGE, Math.max(1, limit));
  for (let page = 1; ; page++) {
    const part = await read({ page, page_size: size });
    rows.push(...part);
    if (part.length < size || (limit !== undefined && rows.length >= limit)) break;
  }
  return limit === undefined ? rows : rows.slice(0, limit);
}
