import {
  type nodeRuns,
  PIECES_BYTES,
  type PiecePlace,
  type RpcRequest,
  type RpcResponse,
} from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import { readTaskRuns } from './task-runs.js';

interface Piece {
  run_id: number;
  ip: string;
  step: number;
  attempt: number;
  start_byte: number;
  data: Buffer;
  /** Pieces that the statement looked at. */
  looked: number;
}

/**
 * Stored pieces of the output of all nodes of a task, see the contract. An answer ends after so many bytes, and has one piece at least.
 * @throws ServiceError `not_found`
 */
export async function readOutputPieces(
  db: Kysely<unknown>,
  { id, since, limit, after }: RpcRequest<typeof nodeRuns.outputPieces>,
  now: number,
): Promise<RpcResponse<typeof nodeRuns.outputPieces>> {
  const { first, nodes } = await readTaskRuns(db, id);
  const place = after && after.run >= first ? after : { run: first, step: 0, attempt: 0, byte: -1 };
  const lately = since === undefined ? sql`` : sql`AND stored_at >= ${since}::bigint`;
  const { rows } = await sql<Piece>`
    SELECT p.run_id, r.ip, p.step, p.attempt, p.start_byte, p.data, p.looked::int AS looked FROM (
      SELECT *, count(*) OVER () AS looked,
        sum(length(data)) OVER (ORDER BY run_id, step, attempt, start_byte) - length(data) AS before
      FROM (
        SELECT run_id, step, attempt, start_byte, data FROM attempt_output
        WHERE (run_id, step, attempt, start_byte) >
            (${place.run}::bigint, ${place.step}::int, ${place.attempt}::int, ${place.byte}::bigint)
          AND run_id < ${first + nodes} ${lately}
        ORDER BY run_id, step, attempt, start_byte LIMIT ${limit}
      ) page
    ) p JOIN runs r ON r.id = p.run_id
    WHERE p.before < ${PIECES_BYTES} ORDER BY p.run_id, p.step, p.attempt, p.start_byte`.execute(db);
  const last = rows.at(-1);
  const isAll = last === undefined || (rows.length === last.looked && last.looked < limit);
  return {
    pieces: rows.map(({ run_id, ip, step, attempt, start_byte, data }) => ({
      ...{ run_id, ip, step: step + 1, attempt },
      from: start_byte,
      data: data.toString('base64'),
    })),
    next: isAll ? null : placeOf(last),
    now,
  };
}

const placeOf = ({ run_id, step, attempt, start_byte }: Piece): PiecePlace => ({
  run: run_id,
  step,
  attempt,
  byte: start_byte,
});
