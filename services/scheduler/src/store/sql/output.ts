import type { OutputPiece } from '../../engine/ports.js';
import { statement } from './statement.js';

type Attempt = Pick<OutputPiece, 'runId' | 'step' | 'attempt'>;

/** Up to which byte the output of an attempt is stored. */
export const OUTPUT_SIZE = statement<Attempt, { end: number }>(
  `SELECT coalesce(max(start_byte + length(data)), 0)::bigint AS end FROM attempt_output
   WHERE run_id = $1 AND step = $2 AND attempt = $3`,
  ({ runId, step, attempt }) => [runId, step, attempt],
);

/** Removes the pieces of an attempt's output that lie between two bytes. */
export const DROP_OUTPUT = statement<Attempt & { from: number; to: number }>(
  `DELETE FROM attempt_output WHERE run_id = $1 AND step = $2 AND attempt = $3
   AND start_byte >= $4 AND start_byte + length(data) <= $5`,
  ({ runId, step, attempt, from, to }) => [runId, step, attempt, from, to],
);
