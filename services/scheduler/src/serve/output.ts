import type { OutputPiece as ContractPiece } from '@rigel/contracts';
import type { OutputPiece } from '../engine/ports.js';
import type { Parts } from './parts.js';

/** A piece of output as the engine stores it. */
export function toPiece(
  runId: number,
  step: number,
  attempt: number,
  output: { offset: number; data: string },
): OutputPiece {
  return { runId, step, attempt, start: output.offset, data: Buffer.from(output.data, 'base64') };
}

/** Removes what is stored of the attempt beyond the limit, now that this piece is stored. */
export async function limitOutput(
  piece: OutputPiece,
  kept: ContractPiece['kept'],
  { outputs, log }: Pick<Parts, 'outputs' | 'log'>,
): Promise<void> {
  const middle = middleOf(piece, kept);
  if (middle === undefined) return;
  // What stays too long goes with the next piece.
  await outputs
    ?.dropOutput(piece, middle)
    .catch((error: unknown) =>
      log.warn(
        { err: error, run: piece.runId },
        'the scheduler could not remove output over the limit; it tries again with the next piece',
      ),
    );
}

/**
 * What is stored between the beginning and the end that are kept, now that a piece of output ends at this byte; undefined where
 * it is not worth a statement: an eighth of the end may be stored beyond it.
 */
function middleOf({ start, data }: OutputPiece, kept: ContractPiece['kept']): [number, number] | undefined {
  if (kept === undefined) return undefined;
  const end = start + data.length;
  const grain = Math.max(1, kept.tail >> 3);
  if (Math.floor(start / grain) === Math.floor(end / grain)) return undefined;
  return end - kept.tail > kept.head ? [kept.head, end - kept.tail] : undefined;
}
