import { type Kysely, sql, type Transaction } from 'kysely';
import type { ReadTable, ServiceHistory } from './service-history.js';

/*
 * Copies of the read tables, made from the events beside the real ones: temporary tables of the same names. PostgreSQL
 * looks for a table there first, so whatever writes to the read tables writes to the copies on this connection, and the
 * real ones are reached by naming their schema. The copies carry no constraints, so that what they make of a damaged
 * history can be compared all the same; a projection must not count on a cascade.
 */

/** Makes empty copies. @param keep until they are dropped; otherwise until the end of the transaction. */
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

/** Condition for the rows of a real table that follow from the events. */
export const derivedRows = ({ derived }: ReadTable) => sql.raw(derived ?? 'true');

/** Puts the rows of the copies in the place of the real ones. */
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
