import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The set of files that a thing is written in. The columns have constant defaults, so no row is rewritten. */
export const managedBy: Migration = {
  async up(db) {
    for (const table of ['clusters', 'services', 'pools'])
      await sql`ALTER TABLE ${sql.table(table)} ADD COLUMN managed_by text NOT NULL DEFAULT ''`.execute(db);
  },
};
