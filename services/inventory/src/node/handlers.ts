import {
  checkSelection,
  inventory,
  machinesOfNodes,
  NO_ADDRESS,
  type RpcResponse,
  type Selection,
  type TaskTarget,
} from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { Operations } from '@rigel/runtime';
import { contains, readPage } from '@rigel/runtime/database';
import type { Kysely } from 'kysely';
import type { Store } from '../store.js';
import { addNodes } from './add-nodes.js';
import { chosenNodes } from './chosen-nodes.js';
import { fleetSummary, summaryOf } from './counts.js';
import { findNodes } from './find-nodes.js';
import { labelNodes } from './label-nodes.js';
import {
  assertPool,
  clusterOf,
  countNodesOf,
  type LocatedNode,
  locatedNodes,
  NODES_BY_ID,
  NODES_OF_POOL,
  nodesByAddress,
  poolOfNodes,
  type SameMachine,
  sameMachines,
} from './node-rows.js';
import { planNodes } from './plan-nodes.js';
import { removeNodes } from './remove-nodes.js';
import { nodeById, selectNodes } from './select-nodes.js';
import { takenMachines } from './taken-machines.js';

/** @param same the other nodes that are the same machine. */
function toTarget(node: LocatedNode, same: readonly { id: number; ip: string }[] = []): TaskTarget {
  const { id: node_id, ip, vm_id, pool_id, pool_name, cluster, vm_type } = node;
  const same_machine = same.map((other) => ({ node_id: other.id, ip: other.ip }));
  return {
    node_id,
    ip,
    vm_id,
    pool_id,
    pool_name,
    cluster,
    vm_type,
    ...(same_machine.length > 0 ? { same_machine } : {}),
  };
}

async function toTargets(store: Store, nodes: readonly LocatedNode[]): Promise<TaskTarget[]> {
  const same = await sameMachines(
    store.db,
    nodes.map(({ id }) => id),
    store.sshPort,
  );
  const byNode = new Map<number, SameMachine[]>();
  for (const one of same) byNode.set(one.node, [...(byNode.get(one.node) ?? []), one]);
  return nodes.map((node) => toTarget(node, byNode.get(node.id)));
}

/** The nodes that a selection chooses, as tasks need them, in its order. */
async function selectTargets(
  store: Store,
  wanted: Selection,
): Promise<RpcResponse<typeof inventory.selectTargets>> {
  const select = checkSelection(wanted);
  const chosen = await chosenNodes(store.db, select, { addressed: select.limit !== undefined });
  const ids = chosen.map(({ id }) => id);
  const targets = await toTargets(store, await locatedNodes(store.db, NODES_BY_ID, ids));
  const byId = new Map(targets.map((target) => [target.node_id, target]));
  const inOrder = ids.flatMap((id) => byId.get(id) ?? []);
  return {
    targets: inOrder.filter(({ ip }) => ip !== NO_ADDRESS),
    without_address: inOrder.filter(({ ip }) => ip === NO_ADDRESS),
  };
}

/** Serves the operations on nodes. */
export function serveNodes(operations: Operations, store: Store, bus: Bus): void {
  const { db } = store;

  operations.serve(inventory.listNodes, async ({ pool_id, ip, ...page }) => {
    await store.followedTasks();
    const total = await countNodesOf(db, pool_id);
    const { rows, ...numbers } = await readPage(
      db
        .selectFrom('nodes')
        .select(['id', 'pool_id', 'ip', 'vm_id', 'status', 'state', 'node_type'])
        .select(['last_task', 'last_reason', 'version_tag', 'labels'])
        // Not an equation: then all nodes in the order of their ids would do as well, and be taken for a large pool.
        .where('pool_id', '>=', pool_id)
        .where('pool_id', '<=', pool_id)
        .where(contains('ip', ip))
        .orderBy('pool_id')
        .orderBy('id'),
      page,
      ip === undefined || ip === '' ? { total } : {},
    );
    const withTask = rows.map(({ last_task, ...row }) => ({
      ...row,
      ...(last_task === null ? {} : { last_task }),
    }));
    return { rows: withTask, ...numbers };
  });

  operations.serve(inventory.selectNodes, async (request) => {
    await store.followedTasks();
    return selectNodes(db, request);
  });

  operations.serve(inventory.getNode, async ({ id }) => {
    await store.followedTasks();
    return nodeById(db, id);
  });

  operations.serve(inventory.findNodes, async ({ addresses }) => {
    await store.followedTasks();
    return { found: await findNodes(store, addresses) };
  });

  operations.serve(inventory.poolSummary, async ({ id }) => {
    await store.followedTasks();
    return summaryOf(db, id);
  });

  operations.serve(inventory.fleetSummary, (request) => fleetSummary(db, request));

  operations.serve(inventory.addNodes, async (request, context) => {
    // A task may just have returned the machine that had one of the addresses.
    await store.followedTasks();
    return addNodes(store, request, context);
  });

  operations.serve(inventory.planNodes, async (request, context) => {
    const { pool_id } = request;
    const { labels } = await poolOfNodes(db, pool_id);
    const ids = await planNodes(store, { ...request, labels }, context);
    const cluster = await clusterOf(db, pool_id);
    return { ids, ...(cluster ? { cluster } : {}) };
  });

  operations.serve(inventory.poolTargets, async ({ pool_id }) => {
    await store.followedTasks();
    await assertPool(db, pool_id);
    return { targets: await toTargets(store, await locatedNodes(db, NODES_OF_POOL, pool_id)) };
  });

  operations.serve(inventory.targetsById, async ({ ids }) => {
    await store.followedTasks();
    return { targets: await toTargets(store, await locatedNodes(db, NODES_BY_ID, ids)) };
  });

  operations.serve(inventory.selectTargets, async ({ select }) => {
    await store.followedTasks();
    return selectTargets(store, select);
  });

  operations.serve(inventory.labelNodes, async (request, context) => {
    await store.followedTasks();
    return labelNodes(store, request, context);
  });

  operations.serve(inventory.removeNodes, async (request, context) => {
    await store.followedTasks();
    await removeNodes(store, bus, request, context);
    return {};
  });

  operations.serve(machinesOfNodes, async ({ vm_ids }) => {
    const followed = await store.followedTasks();
    return { taken: await takenMachines(store.db as Kysely<unknown>, vm_ids), followed };
  });

  operations.serve(inventory.findPools, async ({ ips }) => {
    await store.followedTasks();
    const found = await nodesByAddress(
      db,
      ips.map((ip) => ip.trim()),
      store.sshPort,
    );
    const poolOf = (ip: string): number => found.get(ip.trim())?.nodes[0]?.pool_id ?? -1;
    return { pools: Object.fromEntries(ips.map((ip) => [ip, poolOf(ip)])) };
  });
  operations.serve(inventory.findTargets, async ({ ips }) => {
    await store.followedTasks();
    const addresses = [...new Set(ips.map((ip) => ip.trim()))];
    const found = await nodesByAddress(db, addresses, store.sshPort);
    const targets = new Map<number, TaskTarget>();
    const unknown: string[] = [];
    for (const address of addresses) {
      const { nodes: [node] = [], all = [] } = found.get(address) ?? {};
      if (!node) unknown.push(address);
      else if (!targets.has(node.id)) {
        targets.set(
          node.id,
          toTarget(
            node,
            all.filter(({ id }) => id !== node.id),
          ),
        );
      }
    }
    return { targets: [...targets.values()], unknown };
  });
}
