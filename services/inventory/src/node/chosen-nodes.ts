import {
  checkSelection,
  NO_ADDRESS,
  noSuch,
  nothingSelected,
  orderLabel,
  parseSelector,
  type Selection,
  ServiceError,
  STATUS_NUMBERS,
  show,
} from '@rigel/contracts';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { InventoryTables } from '../tables.js';
import { selectorSql } from './selector-sql.js';

/** A node that a selection chooses. */
export interface ChosenNode {
  id: number;
  /** `NO_ADDRESS`: no task can have it. */
  ip: string;
  pool_id: number;
}

/**
 * The nodes that a selection chooses now, in its order, which is the same each time. A selection that names no pools and has no pool of
 * its own chooses from the whole fleet.
 * @param select as `checkSelection` gives it.
 * @param of the pool that the operation is about; absent: none.
 * @param addressed only nodes with an address.
 * @throws ServiceError `not_found` (field `select.pools`).
 */
export async function chosenNodes(
  db: Kysely<InventoryTables>,
  select: Selection,
  { of, addressed = false }: { of?: number; addressed?: boolean } = {},
): Promise<ChosenNode[]> {
  const { labels = '', status, limit, order } = select;
  const pools = select.pools ? await poolIds(db, select.pools) : of === undefined ? undefined : [of];
  const conditions: RawBuilder<unknown>[] = selectorSql(parseSelector('select.labels', labels));
  if (status !== undefined) {
    // Written out, so that PostgreSQL sees that the index of the nodes that are not ok has all of them.
    conditions.push(sql`status = ${sql.lit(STATUS_NUMBERS[status])}`);
    if (status !== 'ok') conditions.push(sql`status <> 1`);
  }
  if (pools) conditions.push(sql`pool_id = ANY(${pools}::bigint[])`);
  if (addressed) conditions.push(sql`ip <> ${NO_ADDRESS}`);
  const where = sql.join([...conditions, sql`true`], sql` AND `);
  const key = orderLabel(order);
  const first = key === undefined ? sql`` : sql`labels->>${key} COLLATE "C" NULLS LAST, `;
  const end = limit === undefined ? sql`` : sql`LIMIT ${limit}`;
  // With OFFSET 0 the matching nodes are found first and put in order then; PostgreSQL would otherwise walk through the nodes in the order
  // of their ids when it expects to find enough soon.
  const { rows } = await sql<ChosenNode>`
    SELECT id, ip, pool_id FROM (SELECT id, ip, pool_id, labels FROM nodes WHERE ${where} OFFSET 0) AS matching
    ORDER BY ${first}id ${end}`.execute(db);
  return rows;
}

/**
 * Ids of the nodes that an operation is about, with or without an address.
 * @throws ServiceError what is wrong with the selection; `no_nodes`: it finds none.
 */
export async function chosenIds(
  db: Kysely<InventoryTables>,
  wanted: Selection,
  of?: number,
): Promise<ChosenNode[]> {
  const select = checkSelection(wanted, of !== undefined);
  const nodes = await chosenNodes(db, select, of === undefined ? {} : { of });
  if (nodes.length === 0) throw nothingSelected(select);
  return nodes;
}

/** Ids of pools that are named by id (a number, or a string of digits) or by name, each once. */
async function poolIds(db: Kysely<InventoryTables>, pools: readonly (string | number)[]): Promise<number[]> {
  const entries = pools.map((pool) =>
    typeof pool === 'string' && /^\d{1,15}$/.test(pool) ? Number(pool) : pool,
  );
  const names = entries.filter((entry) => typeof entry === 'string');
  const ids = entries.filter((entry) => typeof entry === 'number' && Number.isSafeInteger(entry));
  const { rows } = await sql<{ id: number; name: string }>`
    SELECT id, name FROM pools WHERE id = ANY(${ids}::bigint[])
    UNION SELECT id, name FROM pools WHERE name = ANY(${names}::text[])`.execute(db);
  const known = new Map<string | number, number>(
    rows.flatMap(({ id, name }) => [[id, id] as const, [name, id] as const]),
  );
  const found = entries.map((entry) => {
    const id = known.get(entry);
    if (id !== undefined) return id;
    if (typeof entry === 'number')
      throw noSuch('pool', entry, `select.pools: pool ${entry} does not exist`, 'select.pools');
    throw new ServiceError('not_found', `select.pools: no pool is named ${show(entry)}`, 'select.pools', {
      value: entry,
      data: { kind: 'pool' },
    });
  });
  return [...new Set(found)];
}
