import { type inventory, isAddress, nodeIdentity, type RpcResponse, show } from '@rigel/contracts';
import type { Store } from '../store.js';
import { nodesByAddress } from './node-rows.js';
import { nodesById } from './select-nodes.js';

type Found = RpcResponse<typeof inventory.findNodes>['found'];

/** What each text is: the address of a node, an address that no node has, one that came before, or no address. */
export async function findNodes(store: Store, texts: readonly string[]): Promise<Found> {
  const addresses = texts.map((text) => text.trim());
  const machines = await nodesByAddress(store.db, addresses.filter(isAddress), store.sshPort);
  const idOf = (address: string): number | undefined => {
    const { nodes = [], all = [] } = machines.get(address) ?? {};
    // A node whose machine got the address of another node has no address, and takes it all the same.
    return (nodes[0] ?? all[0])?.id;
  };
  const ids = [...new Set(addresses.flatMap((address) => idOf(address) ?? []))];
  const nodes = new Map((await nodesById(store.db, ids)).map((node) => [node.id, node]));
  const first = new Map<string, string>();
  return addresses.map((address) => {
    if (!isAddress(address)) return { address, problem: `${show(address)} is not an address` };
    const identity = nodeIdentity(address, store.sshPort);
    const before = first.get(identity);
    if (before === undefined) first.set(identity, address);
    const node = nodes.get(idOf(address) ?? 0);
    return { address, ...(node ? { node } : {}), ...(before === undefined ? {} : { same_as: before }) };
  });
}
