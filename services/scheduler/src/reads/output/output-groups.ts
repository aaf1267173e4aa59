import {
  GROUP_NODES,
  type nodeRuns,
  type OutputGroup,
  type RpcRequest,
  type RpcResponse,
  type RunState,
  ServiceError,
  SHOWN_OUTPUT,
} from '@rigel/contracts';
import { isDatabaseError } from '@rigel/event-store';
import { type Kysely, sql } from 'kysely';
import { joinPieces } from '../../store/output-pieces.js';
import { normalReason } from '../../task/normal-reason.js';
import { readTaskRuns } from './task-runs.js';

type Answer = RpcResponse<typeof nodeRuns.outputGroups>;

/** Runs with the same end, message and bytes. */
interface Alike {
  state: RunState;
  message: string;
  count: number;
  bytes: number;
  digest: string | null;
  first: number;
  nodes: { run_id: number; node_id: number; ip: string; attempt: number }[];
}

/** How long the comparison may take. */
const COMPARE_MS = 10_000;
/** PostgreSQL ended a statement because it took too long. */
const TOO_LONG = '57014';

/**
 * What the nodes of a task printed at a step, in groups of equal results, see the contract. The database compares: of each output only
 * a digest leaves it.
 * @throws ServiceError `not_found`, `invalid`, `wrong_state`
 */
export async function readOutputGroups(
  db: Kysely<unknown>,
  { id, step: wanted, limit }: RpcRequest<typeof nodeRuns.outputGroups>,
): Promise<Answer> {
  const task = await readTaskRuns(db, id);
  const step = wanted ?? task.steps.length;
  const name = task.steps[step - 1];
  if (name === undefined) {
    throw new ServiceError(
      'too_large',
      `step must be one of the task's, 1 to ${task.steps.length} (got ${step})`,
      'step',
      { value: step, data: { limit: task.steps.length } },
    );
  }
  const rows = await inTime(db, (trx) => alike(trx, id, step - 1)).catch((error: unknown) => {
    if (!isDatabaseError(error) || error.code !== TOO_LONG) throw error;
    throw new ServiceError(
      'wrong_state',
      `the nodes of task ${id} printed too much to compare it in time: look for lines instead (output/search)`,
    );
  });
  const groups = grouped(rows);
  const shown = groups.slice(0, limit);
  const outputs = await beginnings(db, step - 1, shown);
  return {
    ...{ step, name },
    groups: shown.map(({ digest: _, first: __, ...group }, index) => {
      const output = outputs[index] ?? Buffer.alloc(0);
      return { ...group, output: output.toString('utf8', 0, SHOWN_OUTPUT), cut: group.bytes > SHOWN_OUTPUT };
    }),
    more_groups: groups.length - shown.length,
    ended: rows.reduce((sum, { count }) => sum + count, 0),
    nodes: task.nodes,
  };
}

function inTime<T>(db: Kysely<unknown>, read: (trx: Kysely<unknown>) => Promise<T>): Promise<T> {
  return db
    .transaction()
    .setAccessMode('read only')
    .execute(async (trx) => {
      await sql`SET LOCAL statement_timeout = ${sql.lit(COMPARE_MS)}`.execute(trx);
      return read(trx);
    });
}

/** A byte that two pieces have belongs to the first of them, see `Stretch`. */
async function alike(db: Kysely<unknown>, id: number, step: number): Promise<Alike[]> {
  const { rows } = await sql<Alike>`
    WITH ended AS (
      SELECT r.id, r.index, r.node_id, r.ip, (s->>'state')::int AS state, (s->>'attempts')::int AS attempt,
        coalesce(s->>'message', '') AS message
      FROM runs r, LATERAL (SELECT r.steps->${step}::int AS s) one
      WHERE r.task_id = ${id} AND (s->>'state')::int IN (2, 3, 4)
    ), printed AS (
      SELECT e.*, coalesce(o.bytes, 0)::float8 AS bytes, o.digest FROM ended e LEFT JOIN LATERAL (
        SELECT max(start_byte + length(data)) AS bytes, md5(string_agg(own, ''::bytea ORDER BY start_byte)) AS digest
        FROM (
          SELECT start_byte, data, substring(data FROM greatest(0, coalesce(max(start_byte + length(data)) OVER (
            ORDER BY start_byte ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) - start_byte)::int + 1) AS own
          FROM attempt_output WHERE run_id = e.id AND step = ${step} AND attempt = e.attempt
        ) pieces
      ) o ON true
    )
    SELECT state, message, bytes, digest, count(*)::int AS count, min(index) AS first,
      to_json((array_agg(json_build_object('run_id', id, 'node_id', node_id, 'ip', ip, 'attempt', attempt)
        ORDER BY index))[1:${sql.lit(GROUP_NODES)}]) AS nodes
    FROM printed GROUP BY state, message, bytes, digest ORDER BY count(*) DESC, min(index)`.execute(db);
  return rows;
}

type Group = Omit<OutputGroup, 'output' | 'cut'> & Pick<Alike, 'digest' | 'first'>;

/** Groups whose messages differ only in what differs from node to node are one. */
function grouped(rows: readonly Alike[]): Group[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const key = `${row.state} ${row.bytes} ${row.digest} ${normalReason(row.message)}`;
    const group = groups.get(key);
    if (!group) {
      groups.set(key, { ...row });
      continue;
    }
    group.count += row.count;
    group.nodes = [...group.nodes, ...row.nodes].slice(0, GROUP_NODES);
    group.first = Math.min(group.first, row.first);
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || a.first - b.first);
}

/** The beginning of what the first node of each group printed. */
async function beginnings(db: Kysely<unknown>, step: number, groups: readonly Group[]): Promise<Buffer[]> {
  const of = groups.map(({ nodes: [node] }) => node);
  const { rows } = await sql<{ place: number; start_byte: number; data: Buffer }>`
    SELECT wanted.place::int AS place, start_byte, data
    FROM unnest(${of.map((node) => node?.run_id ?? 0)}::bigint[], ${of.map((node) => node?.attempt ?? 0)}::int[])
      WITH ORDINALITY AS wanted(run, attempt, place)
    JOIN attempt_output o ON o.run_id = wanted.run AND o.step = ${step} AND o.attempt = wanted.attempt
      AND o.start_byte < ${SHOWN_OUTPUT}
    ORDER BY wanted.place, start_byte`.execute(db);
  return groups.map(
    (_, index) =>
      joinPieces(
        rows.filter(({ place }) => place === index + 1),
        0,
      ).bytes,
  );
}
