import {
  type ClusterRef,
  identityKeys,
  isStorable,
  type Labels,
  NO_ADDRESS,
  nodeIdentity,
  noSuch,
} from '@rigel/contracts';
import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely } from 'kysely';
import type { InventoryTables } from '../tables.js';

export const streamOf = (id: number): string => `node-${id}`;

/**
 * How many nodes a pool has.
 * @throws ServiceError `not_found` (field `pool_id`) when there is no such pool.
 */
export async function countNodesOf(db: Kysely<InventoryTables>, id: number): Promise<number> {
  return (await poolOfNodes(db, id)).node_count;
}

/**
 * The pool that a request about nodes names.
 * @throws ServiceError `not_found` (field `pool_id`) when there is no such pool.
 */
export async function poolOfNodes(
  db: Kysely<InventoryTables>,
  id: number,
): Promise<{ name: string; node_count: number; protected: boolean; labels: Labels }> {
  const pool = await db
    .selectFrom('pools')
    .select(['name', 'node_count', 'protected', 'labels'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (!pool) throw noSuch('pool', id, `pool ${id} does not exist`, 'pool_id');
  return pool;
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
  /** The stored form of which machine it is, see `nodes.machine`. */
  machine: string;
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
 * Which nodes are looked for. The plans are kept until PostgreSQL analyzes the table again, which it does when it has
 * grown: planning a hundred addresses costs more than finding them.
 */
export const NODES_OF_POOL = prepared(
  'SELECT id, ip, vm_id, pool_id, coalesce(machine, ip) AS machine FROM nodes WHERE pool_id = $1 ORDER BY id',
);
export const NODES_BY_ID = prepared(
  'SELECT id, ip, vm_id, pool_id, coalesce(machine, ip) AS machine FROM nodes WHERE id = ANY($1::bigint[]) ORDER BY id',
);
// With OFFSET 0 PostgreSQL looks up each machine by itself; otherwise it reads all nodes when asked for some hundred.
const AT_MACHINE = `
  SELECT id, ip, vm_id, pool_id, coalesce(machine, ip) AS machine FROM nodes
  WHERE coalesce(machine, ip) = wanted.machine AND coalesce(machine, ip) <> '${NO_ADDRESS}' OFFSET 0`;
const NODES_BY_MACHINE = prepared(`
  SELECT found.* FROM unnest($1::text[]) AS wanted(machine) CROSS JOIN LATERAL (${AT_MACHINE}) AS found
  ORDER BY found.id`);

// An address with the default port, `:22`, and one without are the same machine.
const SAME_MACHINE = prepared(`
  SELECT node.id AS node, found.id, found.ip, found.machine
  FROM (
    SELECT id, CASE WHEN right(machine, length($2)) = $2 THEN left(machine, -length($2)) ELSE machine END AS machine
    FROM (SELECT id, coalesce(machine, ip) AS machine FROM nodes WHERE id = ANY($1::bigint[])) AS n
    WHERE machine <> '${NO_ADDRESS}'
  ) AS node
    CROSS JOIN LATERAL (VALUES (node.machine), (node.machine || $2)) AS wanted(machine)
    CROSS JOIN LATERAL (${AT_MACHINE}) AS found
  WHERE found.id <> node.id
  ORDER BY node.id, found.id`);

/** Nodes with the names of their pools and clusters, oldest first. @param wanted the parameter of the statement */
export async function locatedNodes(
  db: Kysely<InventoryTables>,
  statement: string,
  wanted: number | readonly number[] | readonly string[],
): Promise<LocatedNode[]> {
  const { rows: nodes } = await db.executeQuery<
    Pick<LocatedNode, 'id' | 'ip' | 'vm_id' | 'pool_id' | 'machine'>
  >(CompiledQuery.raw(statement, [wanted]));
  // By itself: planning one statement for both took longer than both take.
  const pools = [...new Set(nodes.map(({ pool_id }) => pool_id))];
  const { rows } = await db.executeQuery<Place>(CompiledQuery.raw(PLACES, [pools]));
  const places = new Map(rows.map((place) => [place.pool_id, place]));
  const located: LocatedNode[] = [];
  for (const { id, ip, vm_id, pool_id, machine } of nodes) {
    const place = places.get(pool_id);
    // A pool that has just been deleted has no nodes any more.
    if (!place) continue;
    const { pool_name, vm_type, cluster_id, cluster_name } = place;
    const cluster = { id: cluster_id, name: cluster_name };
    located.push({ id, ip, vm_id, pool_id, machine, pool_name, vm_type, cluster });
  }
  return located;
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

/** The nodes that one address stands for. */
export interface OneMachine {
  /**
   * Those that are reached at it, the one that is written so first: more than one only where an earlier release took
   * the spellings of a machine for several.
   */
  nodes: LocatedNode[];
  /** All nodes that are this machine, also one without an address, because its machine got that of another node. */
  all: LocatedNode[];
}

/**
 * The nodes with these addresses, in any spelling. Addresses without nodes are absent. `NO_ADDRESS` finds no node.
 * @param sshPort what a node is reached at whose address names no port.
 */
export async function nodesByAddress(
  db: Kysely<InventoryTables>,
  addresses: readonly string[],
  sshPort: number,
): Promise<Map<string, OneMachine>> {
  const wanted = addresses.filter((address) => isStorable(address) && address !== NO_ADDRESS);
  const keys = new Set(wanted.flatMap((address) => identityKeys(address, sshPort)));
  const rows = await locatedNodes(db, NODES_BY_MACHINE, [...keys]);
  const machines = new Map<string, LocatedNode[]>();
  for (const node of rows) {
    const identity = nodeIdentity(node.machine, sshPort);
    const all = machines.get(identity);
    if (all) all.push(node);
    else machines.set(identity, [node]);
  }
  const found = new Map<string, OneMachine>();
  for (const address of wanted) {
    const all = machines.get(nodeIdentity(address, sshPort));
    if (!all) continue;
    const nodes = all.filter(({ ip }) => ip !== NO_ADDRESS);
    nodes.sort((a, b) => Number(b.ip === address) - Number(a.ip === address) || a.id - b.id);
    found.set(address, { nodes, all });
  }
  return found;
}

/** A node that is the same machine as another node. */
export interface SameMachine {
  node: number;
  id: number;
  /** Its address as entered; `NO_ADDRESS` if the other node has the address. */
  ip: string;
  machine: string;
}

/** The other nodes that are the same machines as these; usually none. */
export async function sameMachines(
  db: Kysely<InventoryTables>,
  ids: readonly number[],
  sshPort: number,
): Promise<SameMachine[]> {
  const { rows } = await db.executeQuery<SameMachine>(CompiledQuery.raw(SAME_MACHINE, [ids, `:${sshPort}`]));
  return rows;
}
