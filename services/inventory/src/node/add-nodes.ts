import { NO_ADDRESS, ServiceError, show } from '@rigel/contracts';
import type { NewEvent } from '@rigel/event-store';
import type { RequestContext } from '@rigel/messaging';
import type { Kysely } from 'kysely';
import type { Store } from '../store.js';
import type { InventoryTables } from '../tables.js';
import { readAddresses } from './address.js';
import { type NodeEvent, nodeDecider } from './decider.js';
import { assertPool, nodesByAddress, sameMachines } from './node-rows.js';

/** Shown of a list that may be long. */
const SHOWN = 3;

/** What a request is answered that entered nodes. */
const answerIds = (ids: readonly number[]): { ids: number[] } => ({ ids: [...ids] });

/**
 * Enters nodes by hand, all or none, ten thousand at once if need be.
 * @returns their ids, in the order of the addresses.
 */
export async function addNodes(
  store: Store,
  { pool_id, nodes }: { pool_id: number; nodes: string[] },
  context: RequestContext,
): Promise<{ ids: number[] }> {
  await assertPool(store.db, pool_id);
  const addresses = readAddresses(nodes, store.sshPort);
  await refuseTaken(store, addresses);
  const ids = await store.create(
    nodeDecider,
    'node',
    addresses.length,
    (id, index) => ({ do: 'enter' as const, id, pool_id, ip: addresses[index] as string }),
    context,
    { answer: answerIds },
  );
  return answerIds(ids);
}

/** What stands in the way of an address. */
interface Taken {
  address: string;
  id: number;
  ip: string;
}

function describe({ address, id, ip }: Taken): string {
  if (ip === address) return show(address);
  if (ip === NO_ADDRESS) return `${show(address)} (node ${id}, whose machine has it)`;
  return `${show(address)} (node ${id}, entered as ${show(ip)})`;
}

function takenError(taken: readonly Taken[]): ServiceError {
  const names = taken.slice(0, SHOWN).map(describe).join(', ');
  return new ServiceError('conflict', `nodes: already the address of a node: ${names}`, 'nodes');
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

/**
 * Looks whether nodes that have just been entered are machines that there are nodes of. In their transaction, which has
 * the lock of the history: what others entered is committed and seen, or waits.
 * @throws ServiceError `conflict`.
 */
export async function refuseSameMachines(
  trx: Kysely<InventoryTables>,
  events: readonly NewEvent[],
  sshPort: number,
): Promise<void> {
  const entered = new Map(
    (events as readonly NodeEvent[]).flatMap((event) =>
      event.type === 'NodeAdded' && event.data.ip !== NO_ADDRESS ? [[event.data.id, event.data.ip]] : [],
    ),
  );
  if (entered.size === 0) return;
  const same = await sameMachines(trx, [...entered.keys()], sshPort);
  if (same.length === 0) return;
  throw takenError(same.map(({ node, id, ip }) => ({ address: entered.get(node) ?? '', id, ip })));
}
