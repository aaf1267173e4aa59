import { MAX_SHOWN_MACHINES, type MachineMaker, type UnknownCreation } from '@rigel/contracts';
import { CompiledQuery, type Kysely } from 'kysely';

/** A run asks for its machine under the identity of its task and its own id, see `VmRunner` of the executor. */
const TOKEN = /^(.+)-r(\d{1,15})$/;

/** The run that asked for a machine, and whether it still works on it. */
export interface TokenMaker extends MachineMaker {
  token: string;
  /** The run is not done, so a node will have the machine soon. */
  under_way: boolean;
}

/**
 * A stopped run is not done either, as long as its task holds the node: an executor then still asks the provider what was made.
 */
export const MAKERS = `
  SELECT (e.data->>'uuid') || '-r' || r.id AS token, r.task_id, t.name AS task_name, t.pool_id, t.pool_name, r.id AS run_id,
    r.node_id, r.state,
    r.state IN (0, 1) OR (t.end_reason <> ''
      AND EXISTS (SELECT FROM node_holds h WHERE h.node_id = r.node_id AND h.task_id = r.task_id)) AS under_way
  FROM runs r JOIN tasks t ON t.id = r.task_id
    JOIN events e ON e.stream = 'task-' || r.task_id AND e.version = 1
  WHERE r.id = ANY ($1::bigint[])`;

/** By token, the runs that asked for machines under it. A token of another system has none. */
export async function makersOf(
  db: Kysely<unknown>,
  tokens: readonly string[],
): Promise<Map<string, TokenMaker>> {
  const ids = new Set(tokens.flatMap((token) => TOKEN.exec(token)?.[2] ?? []).map(Number));
  if (ids.size === 0) return new Map();
  const { rows } = await db.executeQuery<TokenMaker>(CompiledQuery.raw(MAKERS, [[...ids]]));
  return new Map(rows.map((row) => [row.token, row]));
}

/** By the index `unknown_machines`, which has these few events alone. */
const UNKNOWN =
  "e.type IN ('AttemptFailed', 'AttemptStopped', 'AttemptSucceeded') AND e.data ? 'unknownMachine'";
export const UNKNOWN_CREATIONS = `
  SELECT e.recorded_at AS at, t.id AS task_id, t.name AS task_name, t.pool_id, t.pool_name, r.id AS run_id, r.node_id, r.state,
    coalesce(c.data->'steps'->(e.data->>'step')::int->>'name', '') AS step, (e.data->>'attempt')::int AS attempt,
    c.data->'steps'->(e.data->>'step')::int->'param_values'->>'vm_type_id' AS vm_type, coalesce(e.data->>'reason', '') AS reason
  FROM (SELECT * FROM events e WHERE ${UNKNOWN} ORDER BY e.position DESC LIMIT $1) AS e
    JOIN events c ON c.stream = e.stream AND c.version = 1
    JOIN tasks t ON t.id = split_part(e.stream, '-', 2)::bigint
    JOIN runs r ON r.task_id = t.id AND r.index = (e.data->>'run')::int
  ORDER BY e.position DESC`;
export const COUNT_UNKNOWN = `SELECT count(*)::int AS total FROM events e WHERE ${UNKNOWN}`;

const SURPLUS = 'the provider made more machines than it was asked for';

/** Requests for machines whose outcome is not known, newest first, and how many there are. */
export async function unknownCreations(
  db: Kysely<unknown>,
  limit = MAX_SHOWN_MACHINES,
): Promise<{ unknown: UnknownCreation[]; total: number }> {
  type Row = Omit<UnknownCreation, 'vm_type'> & { vm_type: string | null };
  const [{ rows }, { rows: counts }] = await Promise.all([
    db.executeQuery<Row>(CompiledQuery.raw(UNKNOWN_CREATIONS, [limit])),
    db.executeQuery<{ total: number }>(CompiledQuery.raw(COUNT_UNKNOWN, [])),
  ]);
  return {
    unknown: rows.map(({ vm_type, reason, ...row }) => ({
      ...row,
      vm_type: /^[1-9]\d{0,8}$/.test(vm_type ?? '') ? Number(vm_type) : null,
      reason: reason || SURPLUS,
    })),
    total: counts[0]?.total ?? 0,
  };
}
