import type { HeldBy, RpcResponse, tasks } from '@rigel/contracts';
import type { Kysely } from 'kysely';
import type { Holder } from '../task/holders.js';
import { HOLDERS, type HoldingTask, TASKS_OF_NODES } from './sql/holds.js';
import { run } from './sql/statement.js';

function heldBy(row: HoldingTask, task_id: number): HeldBy {
  const { name, operator, created_at, ended } = row;
  return { task_id, name, opr_user: operator, since: created_at, ending: ended };
}

/** What has these nodes; free nodes are left out. @param now a reservation that is over by then does not count */
export async function readHolders(
  db: Kysely<unknown>,
  nodes: readonly number[],
  now: number,
): Promise<Holder[]> {
  const rows = await run(db, HOLDERS, { nodes, now });
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
  const rows = await run(db, TASKS_OF_NODES, { nodes });
  return rows.map((row) => ({ node_ids: row.nodes, held_by: heldBy(row, row.task_id) }));
}
