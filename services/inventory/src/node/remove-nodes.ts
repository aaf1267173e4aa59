import {
  assertConfirmed,
  assertOneWay,
  type inventory,
  type RpcRequest,
  ServiceError,
  tasks,
} from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';
import type { Store } from '../store.js';
import { chosenIds } from './chosen-nodes.js';
import { nodeDecider } from './decider.js';
import { namedNodes } from './named-nodes.js';
import { poolOfNodes, streamOf } from './node-rows.js';

/** How long the scheduler holds the nodes. */
const HOLD_MS = 60_000;
/**
 * The part of that time on which the removal relies. The rest is for the commit, for schedulers whose clocks differ,
 * and for tasks that still saw the node and must find it held.
 */
const RELY_MS = 30_000;

/**
 * Removes nodes from a pool, all or none. The scheduler holds them first, so that no task can begin on a node that is
 * being removed. If the scheduler does not answer, nothing changes.
 */
export async function removeNodes(
  store: Store,
  bus: Bus,
  request: RpcRequest<typeof inventory.removeNodes>,
  context: RequestContext,
): Promise<void> {
  const { pool_id } = request;
  assertConfirmed(await poolOfNodes(store.db, pool_id), request.confirm);
  const ids = await idsOf(store, request);
  const reliedUntil = Date.now() + RELY_MS;
  await bus.call(tasks.reserveNodes, { node_ids: ids, ttl_ms: HOLD_MS }, context);
  await store.record(
    nodeDecider,
    ids.map((id) => ({ stream: streamOf(id), command: { do: 'remove', id, pool_id } })),
    context,
    () => {
      if (Date.now() < reliedUntil) return;
      throw new ServiceError('unavailable', 'the removal took longer than the nodes were held: try again');
    },
  );
}

async function idsOf(
  store: Store,
  { pool_id, nodes, select }: RpcRequest<typeof inventory.removeNodes>,
): Promise<number[]> {
  assertOneWay(nodes, select);
  if (!select) return namedNodes(store, nodes, pool_id);
  const chosen = await chosenIds(store.db, select, pool_id);
  const foreign = chosen.find((node) => node.pool_id !== pool_id);
  if (!foreign) return chosen.map(({ id }) => id);
  throw new ServiceError('not_of_pool', `select: node ${foreign.id} is not in pool ${pool_id}`, 'select', {
    value: foreign.id,
    data: { pool_id },
  });
}
