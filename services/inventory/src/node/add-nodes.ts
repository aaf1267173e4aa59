import { assertFewLabels, checkLabels, type Labels } from '@rigel/contracts';
import type { RequestContext } from '@rigel/messaging';
import type { Store } from '../store.js';
import { readAddresses } from './address.js';
import { nodeDecider } from './decider.js';
import { nodesByAddress, poolOfNodes } from './node-rows.js';
import { type Taken, takenError } from './taken.js';

/** What a request is answered that entered nodes. */
const answerIds = (ids: readonly number[]): { ids: number[] } => ({ ids: [...ids] });

/**
 * Enters nodes by hand, all or none, ten thousand at once if need be. They get the labels of the pool, and those given over them.
 * @returns their ids, in the order of the addresses.
 */
export async function addNodes(
  store: Store,
  { pool_id, nodes, labels: given = {} }: { pool_id: number; nodes: string[]; labels?: Labels },
  context: RequestContext,
): Promise<{ ids: number[] }> {
  const pool = await poolOfNodes(store.db, pool_id);
  const labels = { ...pool.labels, ...checkLabels('labels', given) };
  assertFewLabels('labels', Object.keys(labels).length, 'with those of the pool a node');
  const addresses = readAddresses(nodes, store.sshPort);
  await refuseTaken(store, addresses);
  const ids = await store.create(
    nodeDecider,
    'node',
    addresses.length,
    (id, index) => ({ do: 'enter' as const, id, pool_id, ip: addresses[index] as string, labels }),
    context,
    { answer: answerIds },
  );
  return answerIds(ids);
}

/** Names the addresses that are taken; those that become so in between `refuseSameMachines` finds. */
async function refuseTaken(store: Store, addresses: string[]): Promise<void> {
  const found = await nodesByAddress(store.db, addresses, store.sshPort);
  const taken = [...found].flatMap(([address, { nodes, all }]): Taken[] => {
    const node = nodes[0] ?? all[0];
    return node ? [{ address, id: node.id, ip: node.ip }] : [];
  });
  if (taken.length > 0) throw takenError(taken.sort((a, b) => a.id - b.id));
}
