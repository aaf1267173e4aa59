import { inventory, type TaskTarget } from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { Operations } from '@rigel/runtime';
import { contains, readPage } from '@rigel/runtime';
import type { Store } from '../store.js';
import { addNodes } from './add-nodes.js';
import { nodeDecider } from './decider.js';
import {
  assertPool,
  clusterOf,
  countNodesOf,
  type LocatedNode,
  locatedNodes,
  NODES_BY_ID,
  NODES_OF_POOL,
  nodesByAddress,
} from './node-rows.js';
import { removeNodes } from './remove-nodes.js';

function toTarget(node: LocatedNode): TaskTarget {
  const { id: node_id, ip, vm_id, pool_id, pool_name, cluster, vm_type } = node;
  return { node_id, ip, vm_id, pool_id, pool_name, cluster, vm_type };
}

/** Serves the operations on nodes. */
export function serveNodes(operations: Operations, store: Store, bus: Bus): void {
  const { db } = store;

  operations.serve(inventory.listNodes, async ({ pool_id, ip, ...page }) => {
    const total = await countNodesOf(db, pool_id);
    return readPage(
      db
        .selectFrom('nodes')
        .selectAll()
        // Not an equation: then all nodes in the order of their ids would do as well, and be taken for a large pool.
        .where('pool_id', '>=', pool_id)
        .where('pool_id', '<=', pool_id)
        .where(contains('ip', ip))
        .orderBy('pool_id')
        .orderBy('id'),
      page,
      ip === undefined || ip === '' ? { total } : {},
    );
  });

  operations.serve(inventory.addNodes, async (request, context) => ({
    ids: await addNodes(store, request, context),
  }));

  operations.serve(inventory.planNodes, async ({ pool_id, count, node_type }, context) => {
    await assertPool(db, pool_id);
    const plan = (id: number) => ({ do: 'plan' as const, id, pool_id, node_type });
    const ids = await store.create(nodeDecider, 'node', count, plan, context);
    const cluster = await clusterOf(db, pool_id);
    return { ids, ...(cluster ? { cluster } : {}) };
  });

  operations.serve(inventory.poolTargets, async ({ pool_id }) => {
    await assertPool(db, pool_id);
    return { targets: (await locatedNodes(db, NODES_OF_POOL, pool_id)).map(toTarget) };
  });

  operations.serve(inventory.targetsById, async ({ ids }) => ({
    targets: (await locatedNodes(db, NODES_BY_ID, ids)).map(toTarget),
  }));

  operations.serve(inventory.removeNodes, async (request, context) => {
    await removeNodes(store, bus, request, context);
    return {};
  });

  operations.serve(inventory.findPools, async ({ ips }) => {
    const nodes = await nodesByAddress(
      db,
      ips.map((ip) => ip.trim()),
    );
    return { pools: Object.fromEntries(ips.map((ip) => [ip, nodes.get(ip.trim())?.pool_id ?? -1])) };
  });

  operations.serve(inventory.findTargets, async ({ ips }) => {
    const addresses = [...new Set(ips.map((ip) => ip.trim()))];
    const nodes = await nodesByAddress(db, addresses);
    const targets = addresses.flatMap((address) => {
      const node = nodes.get(address);
      if (!node) return [];
      return [toTarget(node)];
    });
    return { targets, unknown: addresses.filter((address) => !nodes.has(address)) };
  });
}
