import type { Kysely } from 'kysely';
import { joinPieces } from '../store/output-pieces.js';
import type { RunTable, Tables, TaskTable } from '../store/tables.js';
import { describeEnd, endsOfRun } from './attempt-ends.js';

/**
 * What each step reached printed on one node: the output of all its attempts in order, and a line for each attempt that
 * did not succeed. Bytes that are no UTF-8 show as replacement characters.
 */
export async function nodeLog(
  db: Kysely<Tables>,
  run: RunTable,
  task: TaskTable,
): Promise<{ name: string; text: string }[]> {
  const pieces = await db
    .selectFrom('attempt_output')
    .select(['step', 'attempt', 'start_byte', 'data'])
    .where('run_id', '=', run.id)
    .orderBy('step')
    .orderBy('attempt')
    .orderBy('start_byte')
    .execute();
  const ends = await endsOfRun(db, run);
  return run.steps.map((record, step) => {
    const attempts = new Set<number>();
    for (const piece of pieces) if (piece.step === step) attempts.add(piece.attempt);
    for (const end of ends) if (end.step === step) attempts.add(end.attempt);
    const texts = [...attempts]
      .sort((a, b) => a - b)
      .map((attempt) => {
        const own = pieces.filter((piece) => piece.step === step && piece.attempt === attempt);
        const output = joinPieces(own, 0).bytes.toString('utf8');
        const end = ends.find((row) => row.step === step && row.attempt === attempt);
        return end ? withLine(output, describeEnd(end)) : output;
      });
    // A run that failed without an attempt (its node was gone at a resume) says why, too.
    if (texts.length === 0 && record.message !== '') texts.push(`[${record.message}]\n`);
    return { name: task.options[step]?.name ?? '', text: texts.join('') };
  });
}

function withLine(output: string, line: string): string {
  return output === '' || output.endsWith('\n') ? output + line : `${output}\n${line}`;
}
