import { type AttemptResult, inventory } from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';
import type { Run } from '../task/state.js';

/**
 * Whether the machine that a create_vm made has an address that is another node's, in whatever spelling. Then no step may run on
 * it: a command of another task may run there, and it is not known which of the two the address leads to.
 * @returns why, undefined when it is free.
 * @throws ServiceError `unavailable` when the inventory does not answer; the executor reports again.
 */
export async function takenAddress(
  run: Run,
  machine: NonNullable<AttemptResult['machine']>,
  context: Pick<RequestContext, 'correlationId' | 'actor'>,
  bus: Bus,
): Promise<string | undefined> {
  if (machine.ip === '' || machine.ip === run.ip) return undefined;
  const { targets } = await bus.call(inventory.findTargets, { ips: [machine.ip] }, context);
  const others = targets.flatMap(({ node_id, ip, same_machine = [] }) => [{ node_id, ip }, ...same_machine]);
  const other = others.find(({ node_id }) => node_id !== run.node);
  if (!other) return undefined;
  const entered = other.ip === machine.ip ? '' : `, which is entered as ${other.ip}`;
  return (
    `the provider gave machine ${machine.vm_id} the address ${machine.ip}, and that is the one of node ${other.node_id}${entered}: ` +
    'nothing is run on it; remove from its pool the one of the two that is wrong, and start the task again'
  );
}
