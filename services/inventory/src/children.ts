import { nameSome, ServiceError } from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import type { InventoryTables } from './tables.js';

/** What a thing holds that must go before it. */
const CHILDREN = {
  cluster: { table: 'services', parent: 'cluster_id' },
  service: { table: 'pools', parent: 'service_id' },
} as const;

/** Carries out a deletion; a refusal because of what the thing still holds names the first few and their number. */
export async function namingChildren(
  db: Kysely<InventoryTables>,
  kind: keyof typeof CHILDREN,
  id: number,
  remove: () => Promise<unknown>,
): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'in_use') throw error;
    const { table, parent } = CHILDREN[kind];
    const { rows } = await sql<{ id: number; name: string; total: number }>`
      SELECT id, name, count(*) OVER ()::int AS total FROM ${sql.table(table)}
      WHERE ${sql.ref(parent)} = ${id} ORDER BY id LIMIT 3`.execute(db);
    const [first] = rows;
    if (!first) throw error;
    throw new ServiceError('has_parts', `${error.message}: ${nameSome(rows, first.total)}`, undefined, {
      value: id,
      data: { kind, parts: table, count: first.total, names: nameSome(rows, first.total) },
    });
  }
}
