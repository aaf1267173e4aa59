import { type HeldNodes, type LeftOutNode, ServiceError, type TaskTarget } from '@rigel/contracts';
import { describeHolder, type Holder, heldFacts } from '../task/holders.js';
import type { PlanReads } from './plan-reads.js';

/*
 * Nodes that another task holds, or a removal: an operation is refused because of them, or does without them.
 */

/** Who has a node, or another spelling of its machine. */
function holdersOf(targets: readonly TaskTarget[], holders: readonly Holder[]): Map<TaskTarget, Holder> {
  const byNode = new Map(holders.map((holder) => [holder.node, holder]));
  return new Map(
    targets.flatMap((target) => {
      const nodes = [target.node_id, ...(target.same_machine ?? []).map(({ node_id }) => node_id)];
      const holder = nodes.map((node) => byNode.get(node)).find((one) => one !== undefined);
      return holder ? [[target, holder] as const] : [];
    }),
  );
}

/** Which of these nodes others have. */
export async function readHeld(
  targets: readonly TaskTarget[],
  reads: PlanReads,
  now: number,
): Promise<Map<TaskTarget, Holder>> {
  const nodes = targets.flatMap(({ node_id, same_machine = [] }) => [
    node_id,
    ...same_machine.map((other) => other.node_id),
  ]);
  return holdersOf(targets, nodes.length === 0 ? [] : await reads.holders(nodes, now));
}

export function leftOutAsHeld({ node_id, ip }: TaskTarget, { task }: Holder): LeftOutNode {
  const text = `it is held by ${describeHolder(task)}`;
  return { node_id, ip, code: 'held', text, ...(task ? { task_id: task.task_id } : {}) };
}

/**
 * The nodes that take part.
 * @throws ServiceError `in_use` when others hold all of them and the request does without those.
 */
export async function withoutHeld(
  targets: readonly TaskTarget[],
  wanted: HeldNodes | undefined,
  now: number,
  { planning }: { planning?: PlanReads | undefined },
): Promise<{ targets: readonly TaskTarget[]; leftOut: LeftOutNode[] }> {
  if (wanted !== 'leave_out') return { targets, leftOut: [] };
  if (!planning) throw new Error('this scheduler cannot tell which nodes are held');
  const held = await readHeld(targets, planning, now);
  const free = targets.filter((target) => !held.has(target));
  if (free.length === 0) {
    throw new ServiceError(
      'nodes_held',
      'nodes: other tasks hold all of them, so that none is left',
      'nodes',
      {
        data: heldFacts([...held.values()]),
      },
    );
  }
  return { targets: free, leftOut: [...held].map(([target, holder]) => leftOutAsHeld(target, holder)) };
}
