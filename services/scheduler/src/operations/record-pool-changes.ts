import { inventory, NO_ADDRESS, type OnceKey, type PoolTasks, type TaskTarget } from '@rigel/contracts';
import { KeyTaken } from '@rigel/event-store';
import type { RequestContext } from '@rigel/messaging';
import type { Logger } from 'pino';
import { type CreateTaskParts, recordTasks } from './create-tasks.js';
import type { NewGate, NewTasks } from './new-tasks.js';
import type { Plan, PlannedPool } from './plan.js';

export interface PoolChangeParts extends CreateTaskParts {
  log: Logger;
}

/** A change of a pool that has been checked; nothing of it has been done. Its task is over those nodes that are there already. */
export interface PoolChange extends Plan {
  kind: keyof PoolTasks;
  pool: PlannedPool;
  /** What its nodes wait for; the pools that it names are of the same call. */
  gate?: NewGate | undefined;
}

/** Most nodes that the inventory enters in one go. */
const MAX_PLANNED = 200;

interface Planned {
  pool: PoolChange['pool'];
  ids: number[];
}

/**
 * Enters the nodes whose machines are still to be made, and records the tasks, all or none. When they cannot be recorded the
 * nodes are taken out again; should this process die in between, they stay without a task, not ready, and can be removed
 * by id.
 *
 * Under a key the nodes have it too, and stay for a repetition, which takes them; the truth is the transaction of the tasks. They are
 * not taken out again: another scheduler may have made the task over them for a repetition, which may even have ended by now.
 * @param answer see `recordTasks`.
 * @returns ids of the tasks, in the order of the operations.
 */
export async function recordPoolChanges(
  operations: readonly PoolChange[],
  context: RequestContext,
  parts: PoolChangeParts,
  answer?: (ids: readonly number[]) => unknown,
): Promise<number[]> {
  const planned: Planned[] = [];
  try {
    const tasks: NewTasks[] = [];
    for (const { pool, num, task, gate } of operations) {
      const added = await planNodes(pool, num, task.flowType, planned, context, parts);
      tasks.push({ ...task, targets: [...task.targets, ...added], gate });
    }
    return await recordTasks(tasks, context, parts, answer);
  } catch (error) {
    if (context.once) {
      if (!(error instanceof KeyTaken)) tellOfKept(planned, error, parts);
      throw error;
    }
    // When the tasks were recorded after all, and only the word of it was lost, they hold the nodes and this is refused.
    await Promise.all(planned.map((nodes) => takeOut(nodes, context, parts)));
    throw error;
  }
}

/** @param planned gets what was entered, also when the rest could not be. */
async function planNodes(
  { id, name }: PoolChange['pool'],
  num: number,
  node_type: NewTasks['flowType'],
  planned: Planned[],
  context: RequestContext,
  { bus }: PoolChangeParts,
): Promise<TaskTarget[]> {
  const entered: Planned = { pool: { id, name }, ids: [] };
  let cluster: TaskTarget['cluster'];
  const once = planKey(context, num);
  planned.push(entered);
  while (entered.ids.length < num) {
    const count = Math.min(MAX_PLANNED, num - entered.ids.length);
    const answer = await bus.call(
      inventory.planNodes,
      { pool_id: id, count, node_type, ...(once ? { once } : {}) },
      context,
    );
    entered.ids.push(...answer.ids);
    cluster = answer.cluster;
  }
  return entered.ids.map((node_id) => ({
    node_id,
    ip: NO_ADDRESS,
    vm_id: '',
    pool_id: id,
    pool_name: name,
    ...(cluster ? { cluster } : {}),
  }));
}

async function takeOut(
  { pool, ids }: Planned,
  context: RequestContext,
  { bus, log }: PoolChangeParts,
): Promise<void> {
  if (ids.length === 0) return;
  // These nodes have no machine: that the pool may be protected is no reason to keep them.
  const request = { pool_id: pool.id, nodes: ids, confirm: pool.name };
  await bus.call(inventory.removeNodes, request, context).catch((failure: unknown) => {
    log.warn(
      { pool: pool.id, nodes: ids, reason: String(failure) },
      'nodes of an expand that could not be recorded stay in the pool',
    );
  });
}

/** The key under which nodes are entered. A request enters nodes of one pool, as many as one call takes. */
function planKey({ once }: RequestContext, num: number): OnceKey | undefined {
  return once && num <= MAX_PLANNED ? { key: once.key, request: once.request } : undefined;
}

function tellOfKept(planned: readonly Planned[], error: unknown, { log }: PoolChangeParts): void {
  const nodes = planned.flatMap(({ ids }) => ids);
  if (nodes.length === 0) return;
  log.warn(
    { nodes, reason: String(error) },
    'nodes of an expand that could not be recorded stay for a repetition of its request, or to be removed by id',
  );
}
