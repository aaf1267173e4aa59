import { type FleetOverview, OVERVIEW_CLUSTERS } from '@rigel/contracts';
import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely } from 'kysely';

/**
 * The nodes of each pool are counted in its row. Those that are not ok are counted in the index that has only them. So
 * the statement reads the pools, and no node that is well.
 */
const FLEET = prepared(`
  WITH not_ok AS (
    SELECT pool_id, count(*) FILTER (WHERE status = 3) AS failed, count(*) FILTER (WHERE status = 0) AS not_ready
    FROM nodes WHERE status <> 1 GROUP BY pool_id
  ), by_cluster AS (
    SELECT c.id, c.name, coalesce(sum(p.node_count), 0)::int AS nodes, coalesce(sum(n.failed), 0)::int AS failed,
      coalesce(sum(n.not_ready), 0)::int AS not_ready
    FROM clusters c
    LEFT JOIN services s ON s.cluster_id = c.id
    LEFT JOIN pools p ON p.service_id = s.id
    LEFT JOIN not_ok n ON n.pool_id = p.id
    GROUP BY c.id
  )
  SELECT (SELECT count(*)::int FROM clusters) AS clusters, (SELECT count(*)::int FROM services) AS services,
    (SELECT count(*)::int FROM pools) AS pools,
    coalesce(sum(nodes), 0)::int AS nodes, coalesce(sum(failed), 0)::int AS failed, coalesce(sum(not_ready), 0)::int AS not_ready,
    coalesce((SELECT json_agg(named) FROM (SELECT * FROM by_cluster ORDER BY nodes DESC, id LIMIT ${OVERVIEW_CLUSTERS}) AS named),
      '[]') AS by_cluster
  FROM by_cluster`);

type Counted = Omit<FleetOverview, 'ok' | 'by_cluster'> & {
  by_cluster: Omit<FleetOverview['by_cluster'][number], 'ok'>[];
};

/** How many clusters, services, pools and nodes there are, and how the nodes stand. */
export async function readFleet(db: Kysely<unknown>): Promise<FleetOverview> {
  const { rows } = await db.executeQuery<Counted>(CompiledQuery.raw(FLEET));
  const [counted] = rows;
  if (!counted) throw new Error('a count has no row');
  return { ...withOk(counted), by_cluster: counted.by_cluster.map(withOk) };
}

function withOk<Row extends { nodes: number; failed: number; not_ready: number }>(
  row: Row,
): Row & { ok: number } {
  return { ...row, ok: Math.max(0, row.nodes - row.failed - row.not_ready) };
}
