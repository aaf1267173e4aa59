import {
  type FailureGroup,
  NODES_NAMED,
  noSuch,
  type RpcRequest,
  type RpcResponse,
  type taskFailures,
} from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import { CURRENT_STEP } from '../store/sql/grid.js';
import type { Tables } from '../store/tables.js';
import { normalReason } from '../task/normal-reason.js';

/** Failed runs of one step with the same message. */
interface Alike {
  step: number;
  message: string;
  count: number;
  first: number;
  last: number;
  nodes: { id: number; node_id: number; ip: string; at: number }[];
}

/**
 * The failed runs of a task by step and reason without what differs from node to node, the largest group first.
 * @throws ServiceError `not_found`
 */
export async function readFailures(
  db: Kysely<Tables>,
  { id, limit }: RpcRequest<typeof taskFailures>,
): Promise<RpcResponse<typeof taskFailures>> {
  const task = await db.selectFrom('tasks').select('options').where('id', '=', id).executeTakeFirst();
  if (!task) throw noSuch('task', id, `there is no task ${id}`);
  const { rows } = await sql<Alike>`
    SELECT f.step, f.message, count(*)::int AS count, min(f.at) AS first, max(f.at) AS last,
      to_json((array_agg(json_build_object('id', f.id, 'node_id', f.node_id, 'ip', f.ip, 'at', f.at)
        ORDER BY f.at, f.id))[1:${sql.lit(NODES_NAMED)}]) AS nodes
    FROM (
      SELECT r.id, r.node_id, r.ip, r.updated_at AS at, greatest(0, least(r.step, jsonb_array_length(r.steps) - 1)) AS step,
        coalesce(${sql.raw(CURRENT_STEP)}->>'message', '') AS message
      FROM runs r WHERE r.task_id = ${id} AND r.state = 3
    ) AS f
    GROUP BY f.step, f.message
    ORDER BY count(*) DESC, min(f.at), f.step, f.message`.execute(db);
  const groups = grouped(rows);
  return {
    rows: groups.slice(0, limit).map(({ step, nodes, ...group }) => ({
      step: task.options[step]?.name ?? '',
      step_num: step + 1,
      ...group,
      nodes: nodes.map(({ at: _, ...node }) => node),
    })),
    failed: rows.reduce((sum, { count }) => sum + count, 0),
    more_groups: Math.max(0, groups.length - limit),
  };
}

type Group = Omit<FailureGroup, 'step' | 'step_num' | 'nodes'> & Pick<Alike, 'step' | 'nodes'>;

/** @param rows the largest first: the example of a group is its most frequent reason. */
function grouped(rows: readonly Alike[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { message, ...row } of rows) {
    const reason = normalReason(message);
    const key = `${row.step} ${reason}`;
    const group = groups.get(key);
    if (!group) {
      groups.set(key, { reason, example: message, ...row });
      continue;
    }
    group.count += row.count;
    group.first = Math.min(group.first, row.first);
    group.last = Math.max(group.last, row.last);
    group.nodes = [...group.nodes, ...row.nodes]
      .sort((a, b) => a.at - b.at || a.id - b.id)
      .slice(0, NODES_NAMED);
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || a.first - b.first);
}
