import { type ClusterRef, isStorable, ServiceError } from '@rigel/contracts';
import { type Kysely, type RawBuilder, sql } from 'kysely';
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
}

/** Nodes with the names of their pools and clusters, oldest first. */
export async function locatedNodes(
  db: Kysely<InventoryTables>,
  condition: RawBuilder<unknown>,
): Promise<LocatedNode[]> {
  // The cluster is looked for once for each pool, and not for each node.
  const { rows } = await sql<Omit<LocatedNode, 'cluster'> & { cluster_id: number; cluster_name: string }>`
    WITH located AS MATERIALIZED (
      SELECT nodes.id, nodes.ip, nodes.vm_id, nodes.pool_id FROM nodes WHERE ${condition}
    ),
    places AS MATERIALIZED (
      SELECT pools.id AS pool_id, pools.name AS pool_name, cluster.id AS cluster_id, cluster.name AS cluster_name
      FROM pools CROSS JOIN LATERAL (
        SELECT clusters.id, clusters.name FROM services JOIN clusters ON clusters.id = services.cluster_id
        WHERE services.id = pools.service_id LIMIT 1
      ) AS cluster
      WHERE pools.id IN (SELECT pool_id FROM located)
    )
    SELECT * FROM located JOIN places USING (pool_id) ORDER BY id`.execute(db);
  return rows.map(({ cluster_id, cluster_name, ...node }) => ({
    ...node,
    cluster: { id: cluster_id, name: cluster_name },
  }));
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
  const rows = await locatedNodes(db, sql`nodes.ip = ANY(${wanted}) AND nodes.ip <> '-'`);
  return new Map(rows.map((node) => [node.ip, node]));
}
