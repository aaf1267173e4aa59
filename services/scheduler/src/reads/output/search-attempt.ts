import { performance } from 'node:perf_hooks';
import type { nodeRuns, RpcRequest, RpcResponse } from '@rigel/contracts';
import type { Kysely } from 'kysely';
import { type Found, LineSearch, shownOf } from '../../search/line-search.js';
import { readRun, readStretch, type Stretch, stretchesOf } from './stored-output.js';

/** Parts of an output that the map of hits tells apart. */
const MAP = 100;
/** After this time an answer says how far it came. */
const ANSWER_AFTER_MS = 3_000;

/**
 * Looks for lines in all stored output of an attempt, see the contract.
 * @throws ServiceError `not_found`; `invalid` when the expression cannot be searched for.
 */
export async function searchAttempt(
  db: Kysely<unknown>,
  { id, step, attempt, from, limit, ...wanted }: RpcRequest<typeof nodeRuns.searchOutput>,
): Promise<RpcResponse<typeof nodeRuns.searchOutput>> {
  const hits: RpcResponse<typeof nodeRuns.searchOutput>['hits'] = [];
  const map = Array.from({ length: MAP }, () => 0);
  let matches = 0;
  let size = 1;
  const search = new LineSearch(wanted, (found) => {
    matches++;
    const part = Math.min(MAP - 1, Math.floor((found.lineFrom / size) * MAP));
    map[part] = (map[part] ?? 0) + 1;
    if (hits.length < limit) hits.push(toHit(found));
  });
  await readRun(db, id);
  const of = { runId: id, step: step - 1, attempt };
  const stretches = await stretchesOf(db, of);
  size = Math.max(1, stretches.at(-1)?.to ?? 0);
  const deadline = performance.now() + ANSWER_AFTER_MS;
  const { searched, next } = await runThrough(search, stretches, {
    from,
    read: (stretch) => readStretch(db, of, stretch),
    isLate: () => performance.now() > deadline,
  });
  return { hits, matches, map, searched, next };
}

function toHit(found: Found): RpcResponse<typeof nodeRuns.searchOutput>['hits'][number] {
  const { text, column, length } = shownOf(found);
  return { at: found.lineFrom, line: found.line, text, column, length };
}

interface Reading {
  from: number;
  read: (stretch: Stretch) => Promise<Buffer>;
  isLate: () => boolean;
}

/**
 * Gives a search the stretches of an output one by one. What a gap tears apart are two lines.
 * @returns the bytes that were looked through, and where to go on when there was no time for the rest.
 */
export async function runThrough(
  search: LineSearch,
  stretches: readonly Stretch[],
  { from, read, isLate }: Reading,
): Promise<{ searched: number; next: number | null }> {
  let searched = 0;
  let end = -1;
  for (const stretch of stretches) {
    if (stretch.to <= from) continue;
    if (searched > 0 && isLate() && search.place.at > from) return { searched, next: search.place.at };
    const bytes = await read(stretch);
    if (end !== stretch.from) {
      search.end();
      // A search goes on at the beginning of a line; the lines before it are counted in its stretch.
      const skipped = Math.max(0, from - stretch.from);
      const line = stretch.before + 1 + newlinesIn(bytes, skipped);
      search.begin(stretch.from + skipped, line);
      await search.add(bytes.subarray(skipped));
    } else await search.add(bytes);
    searched += bytes.length;
    end = stretch.to;
  }
  search.end();
  return { searched, next: null };
}

function newlinesIn(bytes: Buffer, to: number): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0 && at < to; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}
