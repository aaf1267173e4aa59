import type { Insertable, Kysely } from 'kysely';
import type { AccessTables } from '../tables.js';

export type AuditRow = Insertable<AccessTables['audit']>;

/** Rows in one statement: PostgreSQL takes at most 65,535 parameters. */
const AT_ONCE = 1_000;

/** Inserts rows, each once: an existing row with the same source and position stays as it is. */
export async function insertAudit(db: Kysely<AccessTables>, rows: readonly AuditRow[]): Promise<void> {
  for (let start = 0; start < rows.length; start += AT_ONCE) {
    await db
      .insertInto('audit')
      .values(rows.slice(start, start + AT_ONCE))
      .onConflict((conflict) => conflict.constraint('audit_source_position').doNothing())
      .execute();
  }
}

/**
 * Called when a source's history ends at `head` again because its database was restored. The rows of the lost events
 * stay, but they no longer block the events that will get the same positions.
 */
export async function releasePositions(
  db: Kysely<AccessTables>,
  source: string,
  head: number,
  now: number,
): Promise<void> {
  await db
    .updateTable('audit')
    .set({ source: `${source}-lost-${now}` })
    .where('source', '=', source)
    .where('position', '>', head)
    .execute();
}
