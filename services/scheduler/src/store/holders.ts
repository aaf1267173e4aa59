import { type HeldBy, type RpcResponse, show, type tasks } from '@rigel/contracts';
import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely } from 'kysely';

/** Who has a node: a task, or nobody but a removal from its pool that is under way (`task` is null). */
export interface Holder {
  node: number;
  /** As the task knows the node; undefined where it holds the node as another spelling of its own. */
  ip: string | undefined;
  task: HeldBy | null;
}

interface HoldRow {
  node_id: number;
  task_id: number | null;
  ip: string | null;
  name: string;
  operator: string;
  created_at: number;
  ended: boolean;
}

const HOLDERS = prepared(`
  SELECT h.node_id, h.task_id, t.name, t.operator, t.created_at, t.end_reason <> '' AS ended,
    (SELECT r.ip FROM runs r WHERE r.node_id = h.node_id AND r.task_id = h.task_id LIMIT 1) AS ip
  FROM unnest($1::bigint[]) AS wanted(node)
    CROSS JOIN LATERAL (
      SELECT node_id, task_id FROM node_holds
      WHERE node_id = wanted.node AND (expires_at IS NULL OR expires_at >= $2) OFFSET 0
    ) AS h
    LEFT JOIN tasks t ON t.id = h.task_id
  ORDER BY h.task_id, h.node_id`);

// Without the addresses: those of ten thousand nodes in a list are there already. OFFSET 0 keeps each node a lookup of its own.
const TASKS_OF_NODES = prepared(`
  SELECT h.task_id, h.nodes, t.name, t.operator, t.created_at, t.end_reason <> '' AS ended
  FROM (
    SELECT held.task_id, json_agg(held.node_id) AS nodes
    FROM unnest($1::bigint[]) AS wanted(node)
      CROSS JOIN LATERAL (
        SELECT node_id, task_id FROM node_holds WHERE node_id = wanted.node AND expires_at IS NULL OFFSET 0
      ) AS held
    WHERE held.task_id IS NOT NULL
    GROUP BY held.task_id
  ) AS h JOIN tasks t ON t.id = h.task_id`);

function heldBy(row: Pick<HoldRow, 'name' | 'operator' | 'created_at' | 'ended'>, task_id: number): HeldBy {
  const { name, operator, created_at, ended } = row;
  return { task_id, name, opr_user: operator, since: created_at, ending: ended };
}

/** Who has these nodes; those that nobody has are left out. @param now a reservation that is over by then is nobody's */
export async function readHolders(
  db: Kysely<unknown>,
  nodes: readonly number[],
  now: number,
): Promise<Holder[]> {
  const { rows } = await db.executeQuery<HoldRow>(CompiledQuery.raw(HOLDERS, [nodes, now]));
  return rows.map((row) => ({
    node: row.node_id,
    ip: row.ip ?? undefined,
    task: row.task_id === null ? null : heldBy(row, row.task_id),
  }));
}

/** The tasks that hold these nodes, and which of them each. */
export async function readHoldingTasks(
  db: Kysely<unknown>,
  nodes: readonly number[],
): Promise<RpcResponse<typeof tasks.holders>['holders']> {
  if (nodes.length === 0) return [];
  const { rows } = await db.executeQuery<HoldRow & { task_id: number; nodes: number[] }>(
    CompiledQuery.raw(TASKS_OF_NODES, [nodes]),
  );
  return rows.map((row) => ({ node_ids: row.nodes, held_by: heldBy(row, row.task_id) }));
}

/** Who holds a node, in words that follow on "by". */
export function describeHolder(task: HeldBy | null): string {
  if (!task) return 'a removal from its pool, which is under way';
  const { task_id, name, opr_user, since, ending } = task;
  const who = `task ${task_id} (${show(name)}, of ${show(opr_user)}, since ${new Date(since).toISOString()})`;
  return ending ? `${who}, which has ended: a command of it is still being ended there` : who;
}

/** Nodes named of each holder, and holders named, at most; the others are counted. */
const NODES = 5;
const HOLDERS_NAMED = 3;

/**
 * Who holds which nodes, in one line.
 * @param nameOf what people know a node by; default: the address that its task knows, or its id.
 */
export function describeHolders(
  holders: readonly Holder[],
  nameOf: (holder: Holder) => string = ({ node, ip }) =>
    ip === undefined || ip === '-' ? `node ${node}` : ip,
): string {
  const groups = new Map<number, Holder[]>();
  for (const holder of holders) {
    const id = holder.task?.task_id ?? 0;
    const group = groups.get(id);
    if (group) group.push(holder);
    else groups.set(id, [holder]);
  }
  const all = [...groups.values()];
  const named = all.slice(0, HOLDERS_NAMED).map((group) => {
    const names = group.slice(0, NODES).map(nameOf).join(', ');
    const rest = group.length > NODES ? ` and ${group.length - NODES} more` : '';
    return `${names}${rest} by ${describeHolder(group[0]?.task ?? null)}`;
  });
  const left = all.slice(HOLDERS_NAMED);
  const nodes = left.reduce((sum, group) => sum + group.length, 0);
  const others = nodes > 0 ? `; ${nodes} more by ${left.length} other tasks` : '';
  return `${named.join('; ')}${others}`;
}
