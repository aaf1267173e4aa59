import {
  assertFewLabels,
  assertOneWay,
  checkLabelKey,
  checkLabels,
  type inventory,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  show,
} from '@rigel/contracts';
import type { RequestContext } from '@rigel/messaging';
import type { Store } from '../store.js';
import { chosenIds } from './chosen-nodes.js';
import { nodeDecider } from './decider.js';
import { namedNodes } from './named-nodes.js';
import { streamOf } from './node-rows.js';

/** Sets and removes labels of nodes that exist, on all or none. Nodes that have them already stay as they are. */
export async function labelNodes(
  store: Store,
  request: RpcRequest<typeof inventory.labelNodes>,
  context: RequestContext,
): Promise<RpcResponse<typeof inventory.labelNodes>> {
  const set = checkLabels('set', request.set);
  const remove = checkRemoved(request.remove, set);
  const ids = await idsOf(store, request);
  const changed = await store.record(
    nodeDecider,
    ids.map((id) => ({ stream: streamOf(id), command: { do: 'label', id, set, remove } })),
    context,
  );
  return { nodes: ids.length, changed };
}

async function idsOf(
  store: Store,
  { nodes, select }: RpcRequest<typeof inventory.labelNodes>,
): Promise<number[]> {
  assertOneWay(nodes, select);
  if (!select) return namedNodes(store, nodes);
  return (await chosenIds(store.db, select)).map(({ id }) => id);
}

/** Keys to remove, each once. */
function checkRemoved(remove: readonly string[], set: Readonly<Record<string, string>>): string[] {
  const keys = [...new Set(remove)];
  for (const key of keys) {
    checkLabelKey('remove', key);
    if (Object.hasOwn(set, key))
      throw new ServiceError('listed_twice', `remove: ${show(key)} is in set as well`, 'remove', {
        value: key,
      });
  }
  assertFewLabels('remove', keys.length);
  if (keys.length === 0 && Object.keys(set).length === 0)
    throw new ServiceError('blank', 'set and remove are empty: name at least one label', 'set');
  return keys;
}
