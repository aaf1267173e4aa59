import {
  type inventory,
  MOST_TAGS,
  type RpcResponse,
  type StatusCounts,
  type TagCount,
} from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import type { InventoryTables } from '../tables.js';
import { countNodesOf } from './node-rows.js';

/** Nodes of a pool that have status, state and tag in common. */
interface Group {
  pool_id: number;
  status: 0 | 1 | 3;
  state: number;
  tag: string;
  nodes: number;
}

/** The nodes of pools, grouped by what is counted: one statement, whatever the number of nodes. */
async function groupsOf(db: Kysely<InventoryTables>, pools: readonly number[]): Promise<Group[]> {
  const { rows } = await sql<Group>`
    SELECT pool_id, status, state, version_tag AS tag, count(*)::int AS nodes
    FROM nodes WHERE pool_id = ANY(${pools}::bigint[]) GROUP BY pool_id, status, state, version_tag`.execute(
    db,
  );
  return rows;
}

function sumOf(groups: readonly Group[], matches: (group: Group) => boolean): number {
  return groups.reduce((sum, group) => (matches(group) ? sum + group.nodes : sum), 0);
}

function statusCounts(groups: readonly Group[]): StatusCounts {
  return {
    not_ready: sumOf(groups, ({ status }) => status === 0),
    ok: sumOf(groups, ({ status }) => status === 1),
    failed: sumOf(groups, ({ status }) => status === 3),
  };
}

function tagCounts(groups: readonly Group[]): TagCount[] {
  const byTag = new Map<string, number>();
  for (const { tag, nodes } of groups) byTag.set(tag, (byTag.get(tag) ?? 0) + nodes);
  return [...byTag]
    .map(([tag, nodes]) => ({ tag, nodes }))
    .sort((a, b) => b.nodes - a.nodes || (a.tag < b.tag ? -1 : 1))
    .slice(0, MOST_TAGS);
}

/** A pool's nodes in numbers. @throws ServiceError `not_found` */
export async function summaryOf(
  db: Kysely<InventoryTables>,
  id: number,
): Promise<RpcResponse<typeof inventory.poolSummary>> {
  await countNodesOf(db, id);
  const groups = await groupsOf(db, [id]);
  return {
    nodes: sumOf(groups, () => true),
    status: statusCounts(groups),
    state: [0, 1, 2, 3, 4].map((state) => sumOf(groups, (group) => group.state === state)),
    versions: tagCounts(groups),
  };
}

/** The fleet as a tree, without its nodes: their numbers stand at the pools. */
export async function fleetSummary(
  db: Kysely<InventoryTables>,
  { after = 0, limit }: { after?: number; limit: number },
): Promise<RpcResponse<typeof inventory.fleetSummary>> {
  const [clusters, services, found] = await Promise.all([
    db.selectFrom('clusters').select(['id', 'name']).orderBy('id').execute(),
    db.selectFrom('services').select(['id', 'name', 'cluster_id']).orderBy('id').execute(),
    db
      .selectFrom('pools')
      .select(['id', 'name', 'service_id', 'protected'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(limit + 1)
      .execute(),
  ]);
  const page = found.slice(0, limit);
  const byPool = new Map<number, Group[]>();
  for (const group of await groupsOf(
    db,
    page.map(({ id }) => id),
  )) {
    const groups = byPool.get(group.pool_id);
    if (groups) groups.push(group);
    else byPool.set(group.pool_id, [group]);
  }
  const pools = page.map((pool) => {
    const groups = byPool.get(pool.id) ?? [];
    return {
      ...pool,
      nodes: sumOf(groups, () => true),
      status: statusCounts(groups),
      versions: tagCounts(groups),
    };
  });
  return { clusters, services, pools, more: found.length > limit };
}
