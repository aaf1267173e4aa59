import { inventory, NO_ADDRESS, type Pool, ServiceError, show } from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';
import { leftOutWithoutAddress, type WantedTargets } from './wanted-targets.js';

/**
 * The nodes of a pool that commands can reach, and those without an address.
 * @throws ServiceError `wrong_state` when none has one.
 */
export async function nodesOfPool(
  { id, name }: Pick<Pool, 'id' | 'name'>,
  context: RequestContext,
  bus: Bus,
): Promise<WantedTargets> {
  const { targets } = await bus.call(inventory.poolTargets, { pool_id: id }, context);
  const reachable = targets.filter(({ ip }) => ip !== NO_ADDRESS);
  if (reachable.length === 0) {
    throw new ServiceError('no_nodes', `pool ${show(name)} has no node with an address`, undefined, {
      data: { pool: name },
    });
  }
  return {
    targets: reachable,
    leftOut: targets.filter(({ ip }) => ip === NO_ADDRESS).map(leftOutWithoutAddress),
  };
}
