import {
  inventory,
  type LeftOutNode,
  NO_ADDRESS,
  type Pool,
  ServiceError,
  show,
  type TaskTarget,
} from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';

/**
 * The nodes of a pool that commands can reach, and those without an address.
 * @throws ServiceError `wrong_state` when none has one.
 */
export async function nodesOfPool(
  { id, name }: Pick<Pool, 'id' | 'name'>,
  context: RequestContext,
  bus: Bus,
): Promise<{ reachable: TaskTarget[]; withoutAddress: LeftOutNode[] }> {
  const { targets } = await bus.call(inventory.poolTargets, { pool_id: id }, context);
  const reachable = targets.filter(({ ip }) => ip !== NO_ADDRESS);
  if (reachable.length === 0) {
    throw new ServiceError('no_nodes', `pool ${show(name)} has no node with an address`, undefined, {
      data: { pool: name },
    });
  }
  return {
    reachable,
    withoutAddress: targets.filter(({ ip }) => ip === NO_ADDRESS).map(leftOutWithoutAddress),
  };
}

function leftOutWithoutAddress({ node_id, ip }: TaskTarget): LeftOutNode {
  return { node_id, ip, code: 'no_address', text: 'it has no machine yet, or one without an address' };
}
