import {
  assertOneWay,
  checkSelection,
  inventory,
  type LeftOutNode,
  nothingSelected,
  type Selection,
  ServiceError,
  show,
  type TaskTarget,
} from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';

/** Addresses named in a refusal at most. */
const NAMED = 20;

/** How a request says which nodes it is about: by their addresses, or by a selection. */
export interface WantedNodes {
  nodes: readonly string[];
  select?: Selection | undefined;
}

/** The nodes that a request is about, looked up. */
export interface WantedTargets {
  targets: TaskTarget[];
  /** Nodes that match a selection and have no address yet. */
  leftOut: LeftOutNode[];
  /** The selection that chose them, as it is recorded; absent: they were named. */
  select?: Selection;
}

/**
 * Looks the nodes of a request up. A selection is made here, once: the task is over the nodes that it finds now.
 * @param of the pool that the operation is about: a selection that names no pools chooses from it. Absent: none.
 * @throws ServiceError that names the field: both ways or none are given, an address is unknown, the selection finds nothing.
 */
export async function wantedTargets(
  { nodes, select: given }: WantedNodes,
  { context, bus, of }: { context: RequestContext; bus: Bus; of?: number },
): Promise<WantedTargets> {
  assertOneWay(nodes, given);
  if (given === undefined) {
    if (nodes.length === 0) throw new ServiceError('blank', 'nodes is empty', 'nodes');
    return { targets: await findTargets(nodes, context, bus), leftOut: [] };
  }
  const select = checkSelection(given, of !== undefined);
  const { targets, without_address } = await bus.call(
    inventory.selectTargets,
    { select: of === undefined || select.pools ? select : { ...select, pools: [of] } },
    context,
  );
  if (targets.length === 0) throw nothingSelected(select);
  return { targets, leftOut: without_address.map(leftOutWithoutAddress), select };
}

export function leftOutWithoutAddress({ node_id, ip }: TaskTarget): LeftOutNode {
  return { node_id, ip, code: 'no_address', text: 'it has no machine yet, or one without an address' };
}

/**
 * The nodes with these addresses, each once, in whatever spellings it is named.
 * @throws ServiceError `not_found` naming the addresses that no node has.
 */
async function findTargets(ips: readonly string[], context: RequestContext, bus: Bus): Promise<TaskTarget[]> {
  const { targets, unknown } = await bus.call(
    inventory.findTargets,
    { ips: [...new Set(ips.map((ip) => ip.trim()))] },
    context,
  );
  if (unknown.length > 0) {
    const names = unknown.slice(0, NAMED).map((ip) => (ip === '' ? '(blank)' : show(ip)));
    throw new ServiceError('no_such_address', `nodes: no node has the address ${names.join(', ')}`, 'nodes', {
      value: unknown[0],
      data: { names: names.join(', '), count: unknown.length },
    });
  }
  const unique = new Map(targets.map((target) => [target.node_id, target]));
  return [...unique.values()];
}
