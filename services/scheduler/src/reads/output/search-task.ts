import { performance } from 'node:perf_hooks';
import type { nodeRuns, RpcRequest, RpcResponse, SearchPlace } from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import { type Found, LineSearch, shownOf } from '../../search/line-search.js';
import { readTaskRuns } from './task-runs.js';

type Answer = RpcResponse<typeof nodeRuns.searchTask>;
type Group = Answer['groups'][number];

/** After this time an answer says how far it came: a client shows what was found so far, and may stop. */
const ANSWER_AFTER_MS = 1_500;
/** Nodes that an answer names for each line. */
const NAMED = 20;
/** Pieces that one statement reads: as many as have about the wanted size together. */
const PIECES = { first: 64, most: 1_024 };
const WANTED_BYTES = 2 * 1_048_576;

interface Piece {
  run_id: number;
  step: number;
  attempt: number;
  start_byte: number;
  data: Buffer;
}

/**
 * Looks for lines in the output of all nodes of a task, see the contract. An answer ends between two attempts.
 * @throws ServiceError `not_found`; `invalid` when the expression cannot be searched for.
 */
export async function searchTask(
  db: Kysely<unknown>,
  { id, limit, after, ...wanted }: RpcRequest<typeof nodeRuns.searchTask>,
): Promise<Answer> {
  const lines = new Lines();
  const search = new LineSearch(wanted, (found) => lines.add(found));
  const task = await readTaskRuns(db, id);
  const deadline = performance.now() + ANSWER_AFTER_MS;
  let next: SearchPlace | null = null;
  let searched = 0;
  let end = 0;
  const begin: SearchPlace = after ?? { run: 0, step: 0, attempt: 0 };
  for await (const { run_id: run, step, attempt, start_byte, data } of piecesOf(db, task, begin)) {
    const { at } = lines;
    if (!at || at.run !== run || at.step !== step || at.attempt !== attempt) {
      search.end();
      if (at && (performance.now() > deadline || lines.groups.size >= limit)) {
        next = at;
        break;
      }
      search.begin(0, 1);
      end = 0;
      lines.goTo({ run, step, attempt }, begin.run);
    }
    // Pieces may overlap, see `joinPieces`.
    if (start_byte + data.length <= end) continue;
    if (start_byte > end) search.skipTo(start_byte);
    const own = data.subarray(Math.max(0, end - start_byte));
    end = start_byte + data.length;
    searched += own.length;
    await search.add(own);
  }
  if (next === null) search.end();
  const groups = [...lines.groups.values()];
  await nameNodes(db, groups);
  return { groups, searched_nodes: lines.runs, searched, nodes: task.nodes, next };
}

/** Lines that were found, by their text. */
class Lines {
  readonly groups = new Map<string, Group>();
  /** Runs whose output was looked through. */
  runs = 0;
  at: SearchPlace | undefined;
  /** Lines that the run at hand has printed already. */
  private seen = new Set<string>();

  /** @param counted a run that an earlier answer has counted. */
  goTo(place: SearchPlace, counted: number): void {
    if (place.run !== this.at?.run) {
      this.seen = new Set();
      if (place.run !== counted) this.runs++;
    }
    this.at = place;
  }

  add(found: Found): void {
    if (!this.at) return;
    const { text } = shownOf({ ...found, from: 0, to: 0 });
    const group = this.groups.get(text) ?? { line: text, matches: 0, nodes: 0, on: [] };
    this.groups.set(text, group);
    group.matches++;
    if (this.seen.has(text)) return;
    this.seen.add(text);
    group.nodes++;
    if (group.on.length >= NAMED) return;
    const { run, step, attempt } = this.at;
    group.on.push({ run_id: run, ip: '', step: step + 1, attempt, at: found.lineFrom, line: found.line });
  }
}

/** The stored pieces of a task's output after an attempt, in order. */
async function* piecesOf(
  db: Kysely<unknown>,
  { first, nodes }: { first: number; nodes: number },
  { run, step, attempt }: SearchPlace,
): AsyncGenerator<Piece> {
  let count = PIECES.first;
  let last: SearchPlace & { byte: number } = {
    run: Math.max(run, first),
    step,
    attempt,
    byte: Number.MAX_SAFE_INTEGER,
  };
  if (run < first) last = { run: first, step: 0, attempt: 0, byte: 0 };
  for (;;) {
    const { rows } = await sql<Piece>`
      SELECT run_id, step, attempt, start_byte, data FROM attempt_output
      WHERE (run_id, step, attempt, start_byte) >
          (${last.run}::bigint, ${last.step}::int, ${last.attempt}::int, ${last.byte}::bigint)
        AND run_id < ${first + nodes}
      ORDER BY run_id, step, attempt, start_byte LIMIT ${count}`.execute(db);
    let bytes = 0;
    for (const row of rows) {
      bytes += row.data.length;
      yield row;
    }
    const end = rows.at(-1);
    if (!end || rows.length < count) return;
    last = { run: end.run_id, step: end.step, attempt: end.attempt, byte: end.start_byte };
    count = Math.min(PIECES.most, Math.max(8, Math.round((count * WANTED_BYTES) / Math.max(1, bytes))));
  }
}

async function nameNodes(db: Kysely<unknown>, groups: readonly Group[]): Promise<void> {
  const ids = [...new Set(groups.flatMap(({ on }) => on.map(({ run_id }) => run_id)))];
  if (ids.length === 0) return;
  const { rows } = await sql<{
    id: number;
    ip: string;
  }>`SELECT id, ip FROM runs WHERE id = ANY(${ids})`.execute(db);
  const ips = new Map(rows.map(({ id, ip }) => [id, ip]));
  for (const { on } of groups) for (const node of on) node.ip = ips.get(node.run_id) ?? '';
}
