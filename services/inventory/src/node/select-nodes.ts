import type { inventory, PlacedNode, RpcRequest, RpcResponse } from '@rigel/contracts';
import { noSuch, parseSelector } from '@rigel/contracts';
import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely, type RawBuilder, sql } from 'kysely';
import type { InventoryTables } from '../tables.js';
import { readAddressFilter } from './address-filter.js';
import { selectorSql } from './selector-sql.js';

type Filters = RpcRequest<typeof inventory.selectNodes>;

/** The columns of a node that others see. */
const COLUMNS = sql`id, pool_id, ip, vm_id, status, state, node_type, last_task, last_reason, version_tag, labels`;

type NodeRow = Omit<PlacedNode, 'last_task' | Exclude<keyof Place, 'pool_id'>> & { last_task: number | null };

interface Place {
  pool_id: number;
  pool_name: string;
  service_id: number;
  service_name: string;
  cluster_id: number;
  cluster_name: string;
}

const PLACES = prepared(`
  SELECT pools.id AS pool_id, pools.name AS pool_name, services.id AS service_id, services.name AS service_name,
    clusters.id AS cluster_id, clusters.name AS cluster_name
  FROM pools JOIN services ON services.id = pools.service_id JOIN clusters ON clusters.id = services.cluster_id
  WHERE pools.id = ANY($1)`);

/** A page of the nodes that match all filters, in the order of their ids. */
export async function selectNodes(
  db: Kysely<InventoryTables>,
  filters: Filters,
): Promise<RpcResponse<typeof inventory.selectNodes>> {
  const { limit, after = 0, count } = filters;
  const pools = await poolsOf(db, filters);
  const conditions = conditionsOf(filters);
  const page = [...conditions, sql`id > ${after}`];
  // One more than asked for says whether there are more.
  const { rows } = await sql<NodeRow>`
    SELECT ${COLUMNS} FROM ${source(filters, pools, page, limit + 1)} ORDER BY id LIMIT ${limit + 1}`.execute(
    db,
  );
  const total = count ? await countOf(db, source(filters, pools, conditions)) : undefined;
  return {
    rows: await placed(db, rows.slice(0, limit)),
    more: rows.length > limit,
    ...(total === undefined ? {} : { total }),
  };
}

async function countOf(db: Kysely<InventoryTables>, from: RawBuilder<unknown>): Promise<number> {
  const { rows } = await sql<{ total: number }>`SELECT count(*) AS total FROM ${from}`.execute(db);
  return rows[0]?.total ?? 0;
}

/**
 * A relation with the matching nodes. With ranges of addresses or with pools it is one look-up in an index for each of
 * them: PostgreSQL would otherwise read all nodes in the order of their ids when it expects to find enough soon.
 * @param most the most nodes that are needed of each pool.
 */
function source(
  { ip }: Filters,
  pools: readonly number[] | undefined,
  conditions: readonly RawBuilder<unknown>[],
  most?: number,
): RawBuilder<unknown> {
  const where = sql.join([...conditions, sql`true`], sql` AND `);
  if (ip !== undefined) {
    const { ranges, ipv4 } = readAddressFilter(ip);
    const inPools = pools ? sql`AND pool_id = ANY(${pools}::bigint[])` : sql``;
    const form = ipv4 ? sql`AND ip ~ '^[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+(:[0-9]+)?$'` : sql``;
    return sql`unnest(${ranges.map(({ from }) => from)}::text[], ${ranges.map(({ to }) => to)}::text[]) AS range(first, past)
      CROSS JOIN LATERAL (
        SELECT ${COLUMNS} FROM nodes WHERE ip ~>=~ range.first AND ip ~<~ range.past ${form} ${inPools} AND ${where} OFFSET 0
      ) AS found`;
  }
  if (!pools) return sql`nodes WHERE ${where}`;
  const end = most === undefined ? sql`OFFSET 0` : sql`ORDER BY pool_id, id LIMIT ${most}`;
  return sql`unnest(${pools}::bigint[]) AS wanted(pool)
    CROSS JOIN LATERAL (
      SELECT ${COLUMNS} FROM nodes WHERE pool_id = wanted.pool AND ${where} ${end}
    ) AS found`;
}

function conditionsOf({
  status,
  state,
  vm_id,
  node_type,
  version_tag,
  labels,
  ids,
}: Filters): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = [];
  if (status) {
    // Written out, so that PostgreSQL sees that the index of the nodes that are not ok has all of them.
    conditions.push(sql`status IN (${sql.join(status.map((one) => sql.lit(one)))})`);
    if (!status.includes(1)) conditions.push(sql`status <> 1`);
  }
  if (state) conditions.push(sql`state = ANY(${state}::smallint[])`);
  if (vm_id) conditions.push(sql`vm_id = ${vm_id} AND vm_id <> ''`);
  if (node_type) conditions.push(sql`node_type = ${sql.lit(node_type)}`);
  if (version_tag !== undefined) conditions.push(taggedWith(version_tag));
  if (labels !== undefined) conditions.push(...selectorSql(parseSelector('labels', labels)));
  if (ids) conditions.push(sql`id = ANY(${ids}::bigint[])`);
  return conditions;
}

function taggedWith(tag: string): RawBuilder<unknown> {
  return tag === '' ? sql`version_tag = ''` : sql`version_tag = ${tag} AND version_tag <> ''`;
}

/**
 * Ids of the pools that pool, service and cluster of the filters have in common; undefined: no such filter.
 * @throws ServiceError `not_found` with the field.
 */
async function poolsOf(
  db: Kysely<InventoryTables>,
  { pool_id, service_id, cluster_id }: Filters,
): Promise<number[] | undefined> {
  if (pool_id === undefined && service_id === undefined && cluster_id === undefined) return undefined;
  await assertExists(db, 'pools', 'pool_id', pool_id);
  await assertExists(db, 'services', 'service_id', service_id);
  await assertExists(db, 'clusters', 'cluster_id', cluster_id);
  let query = db.selectFrom('pools').select('pools.id');
  if (pool_id !== undefined) query = query.where('pools.id', '=', pool_id);
  if (service_id !== undefined) query = query.where('pools.service_id', '=', service_id);
  if (cluster_id !== undefined) {
    const services = db.selectFrom('services').select('id').where('cluster_id', '=', cluster_id);
    query = query.where('pools.service_id', 'in', services);
  }
  return (await query.execute()).map(({ id }) => id);
}

const THING = { pools: 'pool', services: 'service', clusters: 'cluster' } as const;

async function assertExists(
  db: Kysely<InventoryTables>,
  table: 'pools' | 'services' | 'clusters',
  field: string,
  id: number | undefined,
): Promise<void> {
  if (id === undefined) return;
  const row = await db.selectFrom(table).select('id').where('id', '=', id).executeTakeFirst();
  if (!row) throw noSuch(THING[table], id, `${field} ${id} does not exist`, field);
}

/** The node with an id. @throws ServiceError `not_found` */
export async function nodeById(db: Kysely<InventoryTables>, id: number): Promise<PlacedNode> {
  const [node] = await nodesById(db, [id]);
  if (!node) throw noSuch('node', id, `node ${id} does not exist`);
  return node;
}

/** The nodes with these ids, as far as they exist. */
export async function nodesById(db: Kysely<InventoryTables>, ids: readonly number[]): Promise<PlacedNode[]> {
  const { rows } = await sql<NodeRow>`
    SELECT ${COLUMNS} FROM nodes WHERE id = ANY(${ids}::bigint[]) ORDER BY id`.execute(db);
  return placed(db, rows);
}

/** The nodes with the names of where they are. One that has just left with its pool is left out. */
async function placed(db: Kysely<InventoryTables>, nodes: readonly NodeRow[]): Promise<PlacedNode[]> {
  if (nodes.length === 0) return [];
  const pools = [...new Set(nodes.map(({ pool_id }) => pool_id))];
  const { rows } = await db.executeQuery<Place>(CompiledQuery.raw(PLACES, [pools]));
  const places = new Map(rows.map((place) => [place.pool_id, place]));
  return nodes.flatMap(({ last_task, ...node }) => {
    const place = places.get(node.pool_id);
    return place ? { ...node, ...place, ...(last_task === null ? {} : { last_task }) } : [];
  });
}
