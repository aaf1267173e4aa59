import { type AttemptOutput, noSuch } from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import { countLines } from '../../store/output-pieces.js';

/** An attempt at a step of a node run; steps are counted from 0. */
export interface AttemptOfRun {
  runId: number;
  step: number;
  attempt: number;
}

/**
 * A stretch of stored output that lies in one piece. Two executors that followed the same attempt, or a repeated
 * message, leave pieces that overlap: each byte belongs to the first piece that has it.
 */
export interface Stretch {
  /** First byte of the piece, and of the stretch, and the byte after both. */
  piece: number;
  from: number;
  to: number;
  /** Line ends before the stretch, and in it. */
  before: number;
  lines: number;
  storedAt: number | null;
}

interface PieceRow {
  start_byte: number;
  length: number;
  lines: number | null;
  stored_at: number | null;
}

/** Line ends of a piece that an earlier release stored. In this form a line end is one sign, and is nothing else. */
const COUNTED = sql`length(encode(data, 'escape')) - length(replace(encode(data, 'escape'), E'\n', ''))`;

/** What is stored of an attempt's output, without the output itself: some bytes for each piece. */
export async function stretchesOf(db: Kysely<unknown>, of: AttemptOfRun): Promise<Stretch[]> {
  const { rows } = await sql<PieceRow>`
    SELECT start_byte, length(data) AS length, coalesce(lines, ${COUNTED})::int AS lines, stored_at
    FROM attempt_output WHERE run_id = ${of.runId} AND step = ${of.step} AND attempt = ${of.attempt}
    ORDER BY start_byte`.execute(db);
  const stretches: Stretch[] = [];
  let end = 0;
  let before = 0;
  for (const { start_byte, length, lines, stored_at } of rows) {
    const to = start_byte + length;
    if (to <= end) continue;
    const from = Math.max(start_byte, end);
    // An overlap is rare; only then the piece itself is needed.
    const own =
      from === start_byte
        ? (lines ?? 0)
        : countLines(await readStretch(db, of, { piece: start_byte, from, to }));
    stretches.push({ piece: start_byte, from, to, before, lines: own, storedAt: stored_at });
    before += own;
    end = to;
  }
  return stretches;
}

/** How much of an output is stored. */
export function sizesOf(stretches: readonly Stretch[]): AttemptOutput {
  const bytes = stretches.at(-1)?.to ?? 0;
  const stored = stretches.reduce((sum, { from, to }) => sum + to - from, 0);
  return { bytes, stored, dropped: bytes - stored };
}

/** The bytes of a stretch between two places. */
export async function readStretch(
  db: Kysely<unknown>,
  { runId, step, attempt }: AttemptOfRun,
  { piece, from, to }: Pick<Stretch, 'piece' | 'from' | 'to'>,
): Promise<Buffer> {
  const { rows } = await sql<{ data: Buffer }>`
    SELECT substring(data FROM ${from - piece + 1}::int FOR ${to - from}::int) AS data FROM attempt_output
    WHERE run_id = ${runId} AND step = ${step} AND attempt = ${attempt} AND start_byte = ${piece}`.execute(
    db,
  );
  // Removed since, because the output is over its limit.
  return rows[0]?.data ?? Buffer.alloc(0);
}

/** @throws ServiceError `not_found` */
export async function readRun(
  db: Kysely<unknown>,
  id: number,
): Promise<{ id: number; task_id: number; index: number; ip: string; step: number; state: number }> {
  const { rows } = await sql<{
    id: number;
    task_id: number;
    index: number;
    ip: string;
    step: number;
    state: number;
  }>`
    SELECT id, task_id, index, ip, step, state FROM runs WHERE id = ${id}`.execute(db);
  const [run] = rows;
  if (!run) throw noSuch('node_run', id, `there is no node run ${id}`);
  return run;
}
