import { type ClusterRef, isStorable, ServiceError } from '@rigel/contracts';
import { prepared } from '@rigel/runtime';
import { CompiledQuery, type Kysely } from 'kysely';
import type { InventoryTables } from '../tables.js';

export const streamOf = (id: number): string => `node-${id}`;

/**
 * How many nodes a pool has.
 * @throws ServiceError `not_found` (field `pool_id`) when there is no such pool.
 */
export async function countNodesOf(db: Kysely<InventoryTables>, id: number): Promise<number> {
  const pool = await db.selectFrom('pools').select('node_count').where('id', '=', id).executeTakeFirst();
  if (!pool) throw new ServiceError('not_found', `pool ${id} does not exist`, 'pool_id');
  return pool.node_count;
}

/** @throws ServiceError `not_found` (field `pool_id`) when there is no such pool. */
export async function assertPool(db: Kysely<InventoryTables>, id: number): Promise<void> {
  await countNodesOf(db, id);
}

export interface LocatedNode {
  id: number;
  ip: string;
  vm_id: string;
  pool_id: number;
  pool_name: string;
  cluster: ClusterRef;
  vm_type: number;
}

const PLACES = prepared(`
  SELECT pools.id AS pool_id, pools.name AS pool_name, pools.vm_type, clusters.id AS cluster_id, clusters.name AS cluster_name
  FROM pools JOIN services ON services.id = pools.service_id JOIN clusters ON clusters.id = services.cluster_id
  WHERE pools.id = ANY($1)`);

interface Place {
  pool_id: number;
  pool_name: string;
  vm_type: number;
  cluster_id: number;
  cluster_name: string;
}

/**
 * Which nodes are looked for. The plans are kept until PostgreSQL analyzes the table again, which it does when it has grown: planning a
 * hundred addresses costs more than finding them.
 */
export const NODES_OF_POOL = prepared(
  'SELECT id, ip, vm_id, pool_id FROM nodes WHERE pool_id = $1 ORDER BY id',
);
export const NODES_BY_ID = prepared(
  'SELECT id, ip, vm_id, pool_id FROM nodes WHERE id = ANY($1::bigint[]) ORDER BY id',
);
const NODES_BY_ADDRESS = prepared(
  "SELECT id, ip, vm_id, pool_id FROM nodes WHERE ip = ANY($1) AND ip <> '-' ORDER BY id",
);

/** Nodes with the names of their pools and clusters, oldest first. @param wanted the parameter of the statement */
export async function locatedNodes(
  db: Kysely<InventoryTables>,
  statement: string,
  wanted: number | readonly number[] | readonly string[],
): Promise<LocatedNode[]> {
  const { rows: nodes } = await db.executeQuery<Pick<LocatedNode, 'id' | 'ip' | 'vm_id' | 'pool_id'>>(
    CompiledQuery.raw(statement, [wanted]),
  );
  // By itself: planning one statement for both took longer than both take.
  const pools = [...new Set(nodes.map(({ pool_id }) => pool_id))];
  const { rows } = await db.executeQuery<Place>(CompiledQuery.raw(PLACES, [pools]));
  const places = new Map(rows.map((place) => [place.pool_id, place]));
  return nodes.flatMap((node) => {
    const place = places.get(node.pool_id);
    // A pool that has just been deleted has no nodes any more.
    if (!place) return [];
    const { pool_name, vm_type, cluster_id, cluster_name } = place;
    return { ...node, pool_name, vm_type, cluster: { id: cluster_id, name: cluster_name } };
  });
}

/** The cluster of a pool; undefined when there is no such pool. */
export async function clusterOf(
  db: Kysely<InventoryTables>,
  poolId: number,
): Promise<ClusterRef | undefined> {
  return db
    .selectFrom('pools')
    .innerJoin('services', 'services.id', 'pools.service_id')
    .innerJoin('clusters', 'clusters.id', 'services.cluster_id')
    .select(['clusters.id', 'clusters.name'])
    .where('pools.id', '=', poolId)
    .executeTakeFirst();
}

/** The nodes with these addresses. `-`, which any number of nodes may carry, is nobody's address. */
export async function nodesByAddress(
  db: Kysely<InventoryTables>,
  addresses: readonly string[],
): Promise<Map<string, LocatedNode>> {
  const wanted = addresses.filter(isStorable);
  const rows = await locatedNodes(db, NODES_BY_ADDRESS, wanted);
  return new Map(rows.map((node) => [node.ip, node]));
}
