import { type Kysely, sql, type Transaction } from 'kysely';
import type { ReadTable, ServiceHistory } from './service-history.js';

/*
 * Copies of the read tables, filled from the events: temporary tables of the same names. PostgreSQL looks for a table
 * among the temporary ones first. So on this connection a projection writes to the copies, and the real tables need the
 * name of their schema. The copies have no constraints, so that the result of a damaged history can be compared as
 * well. A projection must not rely on a cascade.
 */

/** Makes empty copies. @param keep true: until `dropCopies`; false: until the end of the transaction. */
export async function createCopies(
  db: Kysely<unknown>,
  { service, tables }: ServiceHistory,
  { keep }: { keep: boolean },
): Promise<void> {
  for (const { name, key } of tables) {
    await sql`
      CREATE TEMPORARY TABLE ${sql.id(name)} (LIKE ${sql.id(service, name)})
      ${keep ? sql`` : sql`ON COMMIT DROP`}`.execute(db);
    await sql`CREATE INDEX ON ${sql.id('pg_temp', name)} (${sql.join(key.map((column) => sql.id(column)))})`.execute(
      db,
    );
  }
}

export async function dropCopies(db: Kysely<unknown>, { tables }: ServiceHistory): Promise<void> {
  for (const { name } of tables) await sql`DROP TABLE IF EXISTS ${sql.id('pg_temp', name)}`.execute(db);
}

/** SQL condition for the rows of a real table that follow from the events. */
export const derivedRows = ({ derived }: ReadTable) => sql.raw(derived ?? 'true');

/** Replaces the rows of the real tables by those of the copies. */
export async function replaceByCopies(
  trx: Transaction<unknown>,
  { service, tables }: ServiceHistory,
): Promise<void> {
  for (const table of [...tables].reverse()) {
    await sql`DELETE FROM ${sql.id(service, table.name)} WHERE ${derivedRows(table)}`.execute(trx);
  }
  for (const { name } of tables) {
    await sql`INSERT INTO ${sql.id(service, name)} SELECT * FROM ${sql.id('pg_temp', name)}`.execute(trx);
  }
}
