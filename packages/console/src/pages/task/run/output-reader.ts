import { type OutputRange, unwrap } from '@rigel/api-client';
import { api } from '../../../api/api.js';

/** An attempt whose output is read; the step is counted from 1. */
export interface AttemptPlace {
  nsid: number;
  step: number;
  attempt: number;
}

/** Bytes that one reading asks for. */
export const READ_BYTES = 262_144;

/** Bytes of an attempt's output from a place on; negative: the last ones. */
export function readOutput(
  { nsid, step, attempt }: AttemptPlace,
  from: number,
  length = READ_BYTES,
  signal?: AbortSignal,
): Promise<OutputRange> {
  const query = { step, attempt, from, length, encoding: 'base64' as const };
  return unwrap(
    api.GET('/task/node/{nsid}/output', { params: { path: { nsid }, query }, ...(signal ? { signal } : {}) }),
  );
}

/**
 * A place at most one reading before a line: by halving, since each answer says to which line its first byte belongs.
 * @param bytes size of the output.
 */
export async function placeOfLine(
  of: AttemptPlace,
  line: number,
  bytes: number,
  signal: AbortSignal,
): Promise<number> {
  let low = 0;
  let high = bytes;
  while (high - low > READ_BYTES / 2) {
    const middle = Math.floor((low + high) / 2);
    const { parts } = await readOutput(of, middle, 1, signal);
    if ((parts[0]?.line ?? Number.POSITIVE_INFINITY) < line) low = middle;
    else high = middle;
  }
  return low;
}

/** What a search found in an attempt's output. */
export type Found = Awaited<ReturnType<typeof searchOutput>>;

/** Hits that are gone through one by one; the count is of all. */
const HITS = 1_000;

export function searchOutput(
  { nsid, step, attempt }: AttemptPlace,
  wanted: { q: string; regex: boolean; from: number },
  signal: AbortSignal,
) {
  const query = { step, attempt, ...wanted, limit: HITS };
  return unwrap(api.GET('/task/node/{nsid}/output/search', { params: { path: { nsid }, query }, signal }));
}
