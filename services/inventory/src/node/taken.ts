import { NO_ADDRESS, ServiceError, show } from '@rigel/contracts';
import type { NewEvent } from '@rigel/event-store';
import type { Kysely } from 'kysely';
import type { InventoryTables } from '../tables.js';
import type { NodeEvent } from './decider.js';
import { sameMachines } from './node-rows.js';

/** Shown of a list that may be long. */
const SHOWN = 3;

/** What stands in the way of an address. */
export interface Taken {
  address: string;
  id: number;
  ip: string;
}

function describe({ address, id, ip }: Taken): string {
  if (ip === address) return show(address);
  if (ip === NO_ADDRESS) return `${show(address)} (node ${id}, whose machine has it)`;
  return `${show(address)} (node ${id}, entered as ${show(ip)})`;
}

/** The refusal that names the first of the addresses that are taken. */
export function takenError(taken: readonly Taken[]): ServiceError {
  const names = taken.slice(0, SHOWN).map(describe).join(', ');
  return new ServiceError('address_taken', `nodes: already the address of a node: ${names}`, 'nodes', {
    data: { names },
  });
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
