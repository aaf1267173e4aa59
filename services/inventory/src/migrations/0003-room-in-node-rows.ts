import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Tasks write the state of a node twice, once when its batch begins and once when its run ends. With room on its page the
 * new version of the row stays there, and no index is touched. Rows that exist get the room as they are rewritten.
 */
export const roomInNodeRows: Migration = {
  async up(db) {
    await sql`ALTER TABLE nodes SET (fillfactor = 60)`.execute(db);
  },
};
