import { type AuditEntry, unwrap } from '@rigel/api-client';
import { api } from '../../api/api.js';
import type { AuditFilter } from './filter.js';

/** Lines in one request, and in a file: a browser holds these in memory. */
const PAGE = 1_000;
export const MOST_EXPORTED = 50_000;

/**
 * Reads the lines of a filter, the newest first, at most `MOST_EXPORTED`.
 * @throws ApiError; the signal's reason when it is aborted.
 */
export async function readLines(filter: AuditFilter, signal: AbortSignal): Promise<AuditEntry[]> {
  const lines: AuditEntry[] = [];
  for (;;) {
    signal.throwIfAborted();
    const before = lines.at(-1)?.id;
    const query = { ...filter, page_size: PAGE, ...(before === undefined ? {} : { before }) };
    const read = await unwrap(api.GET('/audit', { params: { query }, signal }));
    lines.push(...read);
    if (read.length < PAGE || lines.length >= MOST_EXPORTED) return lines.slice(0, MOST_EXPORTED);
  }
}
