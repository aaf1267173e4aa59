import {
  checkExportSize,
  type ExportedNodes,
  type fleetExport,
  MAX_EXPORTED,
  MAX_EXPORTED_NODES,
  type RpcRequest,
  type RpcResponse,
} from '@rigel/contracts';
import { readAllStamped, stampOf } from '@rigel/event-store';
import { type Kysely, sql, type Transaction } from 'kysely';
import { COLUMNS, type InventoryTables } from './tables.js';

/** Clusters, services, pools and the nodes that were entered by hand, in one snapshot, or those of a set of files. */
export function readExport(
  db: Kysely<InventoryTables>,
  { managed_by: set, kinds }: RpcRequest<typeof fleetExport.inventory>,
): Promise<RpcResponse<typeof fleetExport.inventory>> {
  const most = MAX_EXPORTED + 1;
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      let clusters = trx
        .selectFrom('clusters')
        .select(COLUMNS.clusters)
        .select(stampOf('cluster', 'clusters').as('stamp'));
      let services = trx
        .selectFrom('services')
        .select(COLUMNS.services)
        .select(stampOf('service', 'services').as('stamp'));
      let pools = trx.selectFrom('pools').select(COLUMNS.pools).select(stampOf('pool', 'pools').as('stamp'));
      if (set !== undefined) {
        clusters = clusters.where('managed_by', '=', set);
        services = services.where('managed_by', '=', set);
        pools = pools.where('managed_by', '=', set);
      }
      const read = {
        clusters: kinds.includes('cluster') ? await readAllStamped(clusters.orderBy('id').limit(most)) : [],
        services: kinds.includes('service') ? await readAllStamped(services.orderBy('id').limit(most)) : [],
        pools: kinds.includes('pool') ? await readAllStamped(pools.orderBy('id').limit(most)) : [],
        nodes: kinds.includes('node') ? await readNodes(trx, set) : [],
      };
      checkExportSize(
        'things',
        read.clusters.length + read.services.length + read.pools.length,
        MAX_EXPORTED,
      );
      return read;
    });
}

/** The addresses of each pool, made to lists by the database: a fleet has a hundred thousand. */
async function readNodes(
  trx: Transaction<InventoryTables>,
  set: string | undefined,
): Promise<ExportedNodes[]> {
  const { rows: counted } = await sql<{ nodes: number }>`
    SELECT coalesce(sum(node_count), 0)::int AS nodes FROM pools
    WHERE ${set ?? null}::text IS NULL OR managed_by = ${set ?? null}`.execute(trx);
  checkExportSize('nodes', counted[0]?.nodes ?? 0, MAX_EXPORTED_NODES);
  const { rows } = await sql<ExportedNodes>`
    SELECT pool_id, nodes.labels, json_agg(ip ORDER BY ip COLLATE "C", nodes.id) AS ips
    FROM nodes JOIN pools ON pools.id = nodes.pool_id
    WHERE vm_id = '' AND node_type = 'manual' AND ip <> '-'
      AND (${set ?? null}::text IS NULL OR managed_by = ${set ?? null})
    GROUP BY pool_id, nodes.labels ORDER BY pool_id, min(ip COLLATE "C")`.execute(trx);
  return rows;
}
