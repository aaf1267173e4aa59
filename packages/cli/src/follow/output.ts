import { type Attempt, type NodeRunAccount, type OutputRange, unwrap } from '@rigel/api-client';
import type { Invocation } from '../command/invocation.js';
import { Lines } from './lines.js';
import { patiently } from './wait.js';

/** Bytes that one request reads. */
const PART = 262_144;
/** The last lines are looked for in so many bytes at the end. */
const TAIL_BYTES = 1_048_576;
const LOOK_MS = 1_000;

export interface Place {
  nsid: number;
  /** Place of the step, from 1. */
  step: number;
  attempt: number;
}

const read = ({ api }: Invocation, { nsid, ...place }: Place, from: number, length: number) =>
  unwrap(
    api().GET('/task/node/{nsid}/output', {
      params: { path: { nsid }, query: { ...place, from, length, encoding: 'base64' } as never },
    }),
  ) as Promise<OutputRange>;

/** The last lines of what an attempt printed, and where its stored output ends. */
async function lastLines(
  invocation: Invocation,
  place: Place,
  count: number,
): Promise<{ lines: string[]; to: number }> {
  const range = await read(invocation, place, -TAIL_BYTES, TAIL_BYTES);
  const lines: string[] = [];
  const out = new Lines((line) => {
    lines.push(line);
    if (lines.length > 2 * count + 100) lines.splice(0, lines.length - count);
  });
  for (const { text } of range.parts) out.take(Buffer.from(text, 'base64'));
  out.end();
  return { lines: count === 0 ? [] : lines.slice(-count), to: range.to };
}

/**
 * Prints what an attempt printed, in parts, so that no output is too long for it.
 * @param follow goes on until the attempt has ended, also while no gateway answers for a time.
 * @param tail only the last lines, at first; undefined: all.
 */
export async function printOutput(
  invocation: Invocation,
  place: Place,
  { follow, tail }: { follow: boolean; tail: number | undefined },
): Promise<void> {
  const { print, note, io, signal } = invocation;
  const lines = new Lines((line) => print.line(line));
  let at = 0;
  if (tail !== undefined) {
    const last = await lastLines(invocation, place, tail);
    for (const line of last.lines) print.line(line);
    at = last.to;
    if (!follow) return;
  }
  for (;;) {
    const range = await patiently(invocation, follow ? Number.POSITIVE_INFINITY : 0, () =>
      read(invocation, place, at, PART),
    );
    for (const { from, to, text } of range.parts) {
      if (from > at) {
        lines.end();
        note(`${(from - at).toLocaleString('en')} bytes are not kept`);
      }
      lines.take(Buffer.from(text, 'base64'));
      at = to;
    }
    if (range.parts.length > 0) continue;
    if (!follow || !range.open || signal.aborted) break;
    await io.sleep(LOOK_MS, signal);
  }
  lines.end();
}

/** The attempts of a run after one, in order. */
export function attemptsAfter({ steps }: NodeRunAccount, { step, attempt }: Place): (Place & Attempt)[] {
  return steps.flatMap(({ attempts }, at) =>
    attempts
      .filter((one) => at + 1 > step || (at + 1 === step && one.attempt > attempt))
      .map((one) => ({ ...one, nsid: 0, step: at + 1 })),
  );
}
