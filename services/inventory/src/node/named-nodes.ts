import { ServiceError, show } from '@rigel/contracts';
import { sql } from 'kysely';
import type { Store } from '../store.js';
import { nodesByAddress } from './node-rows.js';

/**
 * Ids of the nodes that entries name, each once. A number or a string of digits is an id, everything else an address.
 * @param poolId the pool that all of them must be in; absent: any.
 * @throws ServiceError `blank`: the list is empty; `not_of_pool`, or `no_such_address` without a pool.
 */
export async function namedNodes(
  store: Store,
  entries: readonly (string | number)[],
  poolId?: number,
): Promise<number[]> {
  if (entries.length === 0) throw new ServiceError('blank', 'nodes must not be empty', 'nodes');
  const named = entries.map((entry) => {
    const text = String(entry).trim();
    return typeof entry === 'number' || /^\d+$/.test(text) ? Number(text) : text;
  });
  const ids = named.filter((entry) => typeof entry === 'number' && Number.isSafeInteger(entry));
  const within = poolId === undefined ? sql`` : sql`pool_id = ${poolId} AND`;
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM nodes WHERE ${within} id = ANY(${ids}::bigint[])`.execute(store.db);
  const known = new Set(rows.map(({ id }) => id));
  const byAddress = await nodesByAddress(
    store.db,
    named.filter((entry) => typeof entry === 'string'),
    store.sshPort,
  );
  const found = named.map((entry) => {
    const nodes = typeof entry === 'string' ? byAddress.get(entry)?.nodes : undefined;
    const node = nodes?.find((one) => poolId === undefined || one.pool_id === poolId);
    if (node) return node.id;
    if (typeof entry === 'number' && known.has(entry)) return entry;
    throw unknownNode(entry, poolId);
  });
  return [...new Set(found)];
}

function unknownNode(entry: string | number, poolId: number | undefined): ServiceError {
  if (poolId !== undefined) {
    return new ServiceError('not_of_pool', `nodes: ${show(entry)} is not a node of pool ${poolId}`, 'nodes', {
      value: entry,
      data: { pool_id: poolId },
    });
  }
  if (typeof entry === 'number') {
    return new ServiceError('not_found', `nodes: node ${entry} does not exist`, 'nodes', {
      value: entry,
      data: { kind: 'node' },
    });
  }
  return new ServiceError('no_such_address', `nodes: no node has the address ${show(entry)}`, 'nodes', {
    value: entry,
    data: { names: show(entry), count: 1 },
  });
}
