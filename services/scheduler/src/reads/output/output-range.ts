import type { nodeRuns, RpcRequest, RpcResponse } from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import { countLines } from '../../store/output-pieces.js';
import { readRun, readStretch, type Stretch, sizesOf, stretchesOf } from './stored-output.js';

type Range = RpcResponse<typeof nodeRuns.outputRange>;

/**
 * A range of an attempt's stored output with the numbers of its lines, see the contract.
 * @throws ServiceError `not_found`
 */
export function readOutputRange(
  db: Kysely<unknown>,
  request: RpcRequest<typeof nodeRuns.outputRange>,
): Promise<Range> {
  // At one moment: output over its limit is removed while it is read.
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute((trx) => read(trx, request));
}

async function read(
  db: Kysely<unknown>,
  { id, step, attempt, from: wanted, length }: RpcRequest<typeof nodeRuns.outputRange>,
): Promise<Range> {
  const run = await readRun(db, id);
  const of = { runId: id, step: step - 1, attempt };
  const stretches = await stretchesOf(db, of);
  const sizes = sizesOf(stretches);
  const last = stretches.at(-1);
  const from = wanted < 0 ? placeFromEnd(stretches, -wanted) : Math.min(wanted, sizes.bytes);
  const parts: Range['parts'] = [];
  let left = length;
  let to = from;
  for (const stretch of stretches) {
    if (left === 0) break;
    if (stretch.to <= from) continue;
    const begin = Math.max(stretch.from, from);
    const end = Math.min(stretch.to, begin + left);
    // From its beginning, because the line ends before the range are to be counted.
    const bytes = await readStretch(db, of, { piece: stretch.piece, from: stretch.from, to: end });
    const skipped = begin - stretch.from;
    parts.push({
      from: begin,
      data: bytes.toString('base64', skipped),
      line: stretch.before + countLines(bytes.subarray(0, skipped)) + 1,
      stored: stretch.storedAt,
    });
    left -= end - begin;
    to = end;
  }
  const lines = last ? last.before + last.lines + ((await endsLine(db, of, last)) ? 0 : 1) : 0;
  return { ...sizes, lines, from, to, parts, open: await isOpen(db, run, of.step, attempt) };
}

/** The place from which so many stored bytes follow. */
function placeFromEnd(stretches: readonly Stretch[], bytes: number): number {
  let left = bytes;
  for (const { from, to } of stretches.toReversed()) {
    if (to - from >= left) return to - left;
    left -= to - from;
  }
  return stretches[0]?.from ?? 0;
}

async function endsLine(
  db: Kysely<unknown>,
  of: { runId: number; step: number; attempt: number },
  { piece, to }: Stretch,
): Promise<boolean> {
  return (await readStretch(db, of, { piece, from: to - 1, to }))[0] === 10;
}

/** Whether more output of the attempt may come: it is the one that the run stands at, and the node is still held. */
async function isOpen(
  db: Kysely<unknown>,
  run: { id: number; task_id: number; step: number },
  step: number,
  attempt: number,
): Promise<boolean> {
  if (run.step !== step) return false;
  const { rows } = await sql<{ open: boolean }>`
    SELECT coalesce((steps->${step}::int->>'attempts')::int, 0) <= ${attempt}
      AND (steps->${step}::int->>'state' = '1' OR EXISTS (
        SELECT FROM node_holds h WHERE h.node_id = r.node_id AND h.task_id = r.task_id AND r.state IN (1, 3, 4))) AS open
    FROM runs r WHERE id = ${run.id}`.execute(db);
  return rows[0]?.open ?? false;
}
