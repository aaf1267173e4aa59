import type { Insertable, Kysely } from 'kysely';
import type { AccessTables } from '../tables.js';

export type AuditRow = Insertable<AccessTables['audit']>;

/** Rows in one statement: PostgreSQL takes 65,535 parameters. */
const AT_ONCE = 1_000;

/** Writes rows, each once: what stands there of its source and position already stays as it is. */
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
 * A source's history ends at `head` again, because its database was restored: the rows of what it has forgotten stay, and are no
 * longer in the way of the events that will have their positions.
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
