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
