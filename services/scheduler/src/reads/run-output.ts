import { type live, noSuch, type OutputPlace, type RpcRequest, type RpcResponse } from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import { joinPieces, type StoredPiece } from '../store/output-pieces.js';
import type { RunTable, Tables, TaskTable } from '../store/tables.js';
import { type AttemptEnd, describeEnd, endsOfRun } from './attempt-ends.js';

/** Pieces of output read at once: some 64 KB each. */
const PIECES = 16;

type Output = RpcResponse<typeof live.runOutput>;

interface Piece extends StoredPiece {
  step: number;
  attempt: number;
}

/**
 * What a node run printed after a place. All parts from the beginning on, put together for each step, are the text of
 * the run's log. A place at byte 0 of attempt n + 1 also says that the line about the end of attempt n has been read.
 * @throws ServiceError `not_found`.
 */
export function readRunOutput(
  db: Kysely<Tables>,
  request: RpcRequest<typeof live.runOutput>,
): Promise<Output> {
  // All at one moment: an end that is committed between two of these reads would be told without the output before it.
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute((trx) => readAfter(trx, request));
}

async function readAfter(
  db: Kysely<Tables>,
  { id, after }: RpcRequest<typeof live.runOutput>,
): Promise<Output> {
  const run = await db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst();
  if (!run) throw noSuch('node_run', id, `there is no node run ${id}`);
  const task = await db
    .selectFrom('tasks')
    .selectAll()
    .where('id', '=', run.task_id)
    .executeTakeFirstOrThrow();
  const ended = await hasEnded(db, run, task);
  const pieces = await readPieces(db, id, after);
  const ends = isAtWork(run, after) ? [] : await endsOfRun(db, run);
  const reader = new Reader(run, task, after);
  for (const [step, attempt] of attemptsOf(pieces, ends, after)) {
    const own = pieces.filter((piece) => piece.step === step && piece.attempt === attempt);
    // The last of many pieces may not be the last of its attempt.
    const cut = pieces.length === PIECES && own.includes(pieces.at(-1) as Piece);
    const end = ends.find((row) => row.step === step && row.attempt === attempt);
    const past = !cut && (ended || end !== undefined || !isCurrent(run, step, attempt));
    reader.readOutput(step, attempt, own, past);
    if (cut) break;
    if (end)
      reader.add(step, attempt, await lineOf(db, run.id, end), { step, attempt: attempt + 1, byte: 0 });
  }
  if (pieces.length === PIECES) return reader.output(null);
  reader.skipTo(run);
  if (!ended) return reader.output(null);
  reader.addMessage();
  return reader.output({ state: run.state });
}

/** Collects the parts of one answer. */
class Reader {
  private readonly parts: Output['parts'] = [];

  constructor(
    private readonly run: RunTable,
    private readonly task: TaskTable,
    private place: OutputPlace,
  ) {}

  add(step: number, attempt: number, text: string, place: OutputPlace): void {
    this.place = place;
    if (text === '') return;
    this.parts.push({ name: this.task.options[step]?.name ?? '', step, attempt, text, place });
  }

  /** @param past nothing more comes of the attempt. */
  readOutput(step: number, attempt: number, pieces: readonly Piece[], past: boolean): void {
    const from = this.place.step === step && this.place.attempt === attempt ? this.place.byte : 0;
    const { bytes, end } = joinPieces(pieces, from);
    const whole = past ? bytes.length : lengthOfWholeCharacters(bytes);
    const byte = end - (bytes.length - whole);
    this.add(step, attempt, bytes.toString('utf8', 0, whole), { step, attempt, byte });
  }

  /** Nothing more comes of the steps before the one that the run stands at. */
  skipTo(run: RunTable): void {
    if (run.step > this.place.step) this.place = { step: run.step, attempt: 1, byte: 0 };
  }

  /** A run that failed without an attempt (its node was gone at a resume) says why, too. */
  addMessage(): void {
    const { step, attempt, byte } = this.place;
    const record = this.run.steps[step];
    if (attempt > 1 || byte > 0 || !record || record.attempts > 0 || record.message === '') return;
    this.add(step, attempt, `[${record.message}]\n`, { step, attempt: 2, byte: 0 });
  }

  output(over: Output['over']): Output {
    return { parts: this.parts, place: this.place, over };
  }
}

/** Whether nothing more comes of the run: it has ended, and no command of it is still being ended on its node. */
async function hasEnded(db: Kysely<Tables>, run: RunTable, task: TaskTable): Promise<boolean> {
  const isOver = run.state === 2 || run.state === 3 || (run.state === 4 && task.end_reason !== '');
  if (!isOver || task.end_reason === '') return isOver;
  // A task that has ended holds only the nodes on which something is left of it.
  const hold = await db
    .selectFrom('node_holds')
    .select('node_id')
    .where('node_id', '=', run.node_id)
    .where('task_id', '=', task.id)
    .executeTakeFirst();
  return hold === undefined;
}

/** Whether the attempt that is read is still at work: then no attempt has ended that is not read yet. */
function isAtWork(run: RunTable, { step, attempt }: OutputPlace): boolean {
  const record = run.steps[step];
  return run.step === step && record?.state === 1 && record.attempts === attempt;
}

function isCurrent(run: RunTable, step: number, attempt: number): boolean {
  return run.step <= step && (run.steps[step]?.attempts ?? 0) <= attempt;
}

async function readPieces(db: Kysely<Tables>, runId: number, after: OutputPlace): Promise<Piece[]> {
  const { step, attempt, byte } = after;
  const { rows } = await sql<Piece>`
    SELECT step, attempt, start_byte, data FROM attempt_output
    WHERE run_id = ${runId} AND (step, attempt) >= (${step}::int, ${attempt}::int)
      AND ((step, attempt) <> (${step}::int, ${attempt}::int) OR start_byte + length(data) > ${byte}::bigint)
    ORDER BY step, attempt, start_byte LIMIT ${sql.lit(PIECES)}`.execute(db);
  return rows;
}

/** Attempts of which something is to be read, in order. */
function attemptsOf(
  pieces: readonly Piece[],
  ends: readonly AttemptEnd[],
  after: OutputPlace,
): [step: number, attempt: number][] {
  const attempts = new Map<string, [number, number]>();
  for (const { step, attempt } of [...pieces, ...ends]) {
    if (step < after.step || (step === after.step && attempt < after.attempt)) continue;
    attempts.set(`${step}/${attempt}`, [step, attempt]);
  }
  return [...attempts.values()].sort(([s, a], [t, b]) => s - t || a - b);
}

/** The line about the end of an attempt, on a line of its own. */
async function lineOf(db: Kysely<Tables>, runId: number, end: AttemptEnd): Promise<string> {
  const { rows } = await sql<{ last: number }>`
    SELECT get_byte(data, length(data) - 1) AS last FROM attempt_output
    WHERE run_id = ${runId} AND step = ${end.step} AND attempt = ${end.attempt} AND length(data) > 0
    ORDER BY start_byte + length(data) DESC LIMIT 1`.execute(db);
  const [output] = rows;
  return output && output.last !== 0x0a ? `\n${describeEnd(end)}` : describeEnd(end);
}

/** How many bytes at the beginning are whole characters; of bytes that are no UTF-8 all. */
export function lengthOfWholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return size > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
