import { NO_ADDRESS, type PublishedTaskEvent } from '@rigel/contracts';
import { append, decideOn, type EventMeta, lockHistory } from '@rigel/event-store';
import type { Kysely, Transaction } from 'kysely';
import type { Logger } from 'pino';
import { eventTypes } from '../event-types.js';
import { project } from '../projection.js';
import type { InventoryTables } from '../tables.js';
import { type NodeCommand, nodeDecider } from './decider.js';
import { nodesByAddress, streamOf } from './node-rows.js';
import { isMachineEvent } from './reports.js';

/**
 * Records in each node's stream the machine that a VM provider made for it, and the removal of the node with its
 * machine. One event after the other, because a node may be in several of them.
 */
export async function recordMachines(
  trx: Transaction<unknown>,
  events: readonly PublishedTaskEvent[],
  { meta, sshPort, log }: { meta: EventMeta; sshPort: number; log: Logger },
): Promise<void> {
  // Under the lock no node can be added with the machine's address while we check whether the address is free.
  if (events.some(({ type }) => type === 'MachineAssigned')) await lockHistory(trx);
  for (const event of events) {
    if (!isMachineEvent(event)) continue;
    const id = event.data.node;
    let command: NodeCommand = { do: 'return', id };
    if (event.type === 'MachineAssigned') {
      const { vm: vm_id, ip } = event.data;
      command = { do: 'assign', id, vm_id, ...(await freeAddress(trx, id, ip, sshPort, log)) };
    }
    const appends = await decideOn(trx, nodeDecider, [{ stream: streamOf(id), command }], {
      types: eventTypes,
      meta,
    });
    const recorded = await append(trx, eventTypes, appends, Date.now());
    if (recorded.length > 0) await project(trx, recorded);
  }
}

/**
 * The address, or `-` when it is another node's: two nodes must not share one, and what the provider did cannot be
 * refused any more. The scheduler lets no step run on such a machine (`machine-address.ts` there); who looks at the
 * pool sees a node with a machine and without an address.
 */
async function freeAddress(
  trx: Transaction<unknown>,
  node: number,
  ip: string,
  sshPort: number,
  log: Logger,
): Promise<{ ip: string; taken?: string }> {
  if (ip === '') return { ip: NO_ADDRESS };
  const found = await nodesByAddress(trx as unknown as Kysely<InventoryTables>, [ip], sshPort);
  const other = found.get(ip)?.all.find(({ id }) => id !== node);
  if (!other) return { ip };
  log.error(
    { node, ip, taken_by: other.id, entered_as: other.ip },
    'the address of a new machine is that of another node: the node stays without an address; remove one of the two',
  );
  return { ip: NO_ADDRESS, taken: ip };
}
