import type { PublishedTaskEvent } from '@rigel/contracts';
import { append, decideOn, type EventMeta } from '@rigel/event-store';
import { sql, type Transaction } from 'kysely';
import type { Logger } from 'pino';
import { eventTypes } from '../event-types.js';
import { project } from '../projection.js';
import { NO_ADDRESS, type NodeCommand, nodeDecider } from './decider.js';
import { streamOf } from './node-rows.js';
import { isMachineEvent } from './reports.js';

/**
 * Records in each node's own history which machine a VM provider made for it, and that it went with its machine. One after
 * the other: machines come and go one at a time, and the same node may be in several of the events.
 */
export async function recordMachines(
  trx: Transaction<unknown>,
  events: readonly PublishedTaskEvent[],
  meta: EventMeta,
  log: Logger,
): Promise<void> {
  for (const event of events) {
    if (!isMachineEvent(event)) continue;
    const id = event.data.node;
    let command: NodeCommand = { do: 'return', id };
    if (event.type === 'MachineAssigned') {
      const { vm: vm_id, ip } = event.data;
      command = { do: 'assign', id, vm_id, ip: await freeAddress(trx, id, ip, log) };
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
 * The address, or `-` when it is another node's: two nodes must not share one, and what the provider did cannot be refused
 * any more. Its task runs on; who looks at the pool sees a node with a machine and without an address.
 */
async function freeAddress(
  trx: Transaction<unknown>,
  node: number,
  ip: string,
  log: Logger,
): Promise<string> {
  if (ip === '') return NO_ADDRESS;
  const { rows } = await sql<{ id: number }>`SELECT id FROM nodes WHERE ip = ${ip} AND id <> ${node}`.execute(
    trx,
  );
  if (rows.length === 0) return ip;
  log.error({ node, ip, taken_by: rows[0]?.id }, 'the address of a new machine is that of another node');
  return NO_ADDRESS;
}
