import { inventory } from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { Operations } from '@rigel/runtime';
import { contains, readPage } from '@rigel/runtime';
import type { Store } from '../store.js';
import { addNodes } from './add-nodes.js';
import { assertPool, nodesByAddress } from './node-rows.js';
import { removeNodes } from './remove-nodes.js';

/** Serves the operations on nodes. */
export function serveNodes(operations: Operations, store: Store, bus: Bus): void {
  const { db } = store;

  operations.serve(inventory.listNodes, async ({ pool_id, ip, ...page }) => {
    await assertPool(db, pool_id);
    return readPage(
      db
        .selectFrom('nodes')
        .selectAll()
        .where('pool_id', '=', pool_id)
        .where(contains('ip', ip))
        .orderBy('id'),
      page,
    );
  });

  operations.serve(inventory.addNodes, async (request, context) => ({
    ids: await addNodes(store, request, context),
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
      const { id: node_id, ip, vm_id, pool_id, pool_name } = node;
      return [{ node_id, ip, vm_id, pool_id, pool_name }];
    });
    return { targets, unknown: addresses.filter((address) => !nodes.has(address)) };
  });
}
