import type { OutputPiece } from '../engine/ports.js';

/** A stored piece of an attempt's output; `start_byte` is its place in the output. */
export interface StoredPiece {
  start_byte: number;
  data: Buffer;
}

/**
 * Puts pieces together, in the order of their places, from a byte on. They may overlap, where two executors followed the same
 * attempt, or its end came once more. Where there is none, a line says how much was left out.
 * @returns the bytes, and the place after them.
 */
export function joinPieces(pieces: readonly StoredPiece[], from: number): { bytes: Buffer; end: number } {
  const parts: Buffer[] = [];
  let end = from;
  for (const { start_byte, data } of pieces) {
    if (start_byte + data.length <= end) continue;
    if (start_byte > end) parts.push(leftOut(start_byte - end));
    parts.push(data.subarray(Math.max(0, end - start_byte)));
    end = start_byte + data.length;
  }
  return { bytes: Buffer.concat(parts), end };
}

function leftOut(bytes: number): Buffer {
  return Buffer.from(
    `\n[rigel: ${bytes} bytes left out: of an output over the limit the beginning and the end are kept]\n`,
  );
}

/**
 * Of the pieces that begin at the same byte of the same attempt the longest. A piece whose answer was lost is sent
 * again, perhaps together with what came after it; the short one must not stand in the way of the long one.
 */
export function longestPieces(outputs: readonly OutputPiece[]): OutputPiece[] {
  const longest = new Map<string, OutputPiece>();
  for (const piece of outputs) {
    const key = `${piece.runId}/${piece.step}/${piece.attempt}/${piece.start}`;
    const known = longest.get(key);
    if (!known || known.data.length < piece.data.length) longest.set(key, piece);
  }
  return [...longest.values()];
}

const NEWLINE = 10;

/** The line ends in a part of an output. */
export function countLines(data: Buffer): number {
  let count = 0;
  for (let at = data.indexOf(NEWLINE); at >= 0; at = data.indexOf(NEWLINE, at + 1)) count++;
  return count;
}
