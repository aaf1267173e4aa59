import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Labels of nodes, and those that a pool gives to nodes that enter it. Both columns have constant defaults, so no row is rewritten.
 *
 * The index finds nodes that have a label, with or without its value. Nodes without labels are not in it: a fleet that has none pays
 * nothing. A task never changes labels, so its update of a node touches no index as before.
 */
export const labels: Migration = {
  async up(db) {
    await sql`ALTER TABLE nodes ADD COLUMN labels jsonb NOT NULL DEFAULT '{}'`.execute(db);
    await sql`ALTER TABLE pools ADD COLUMN labels jsonb NOT NULL DEFAULT '{}'`.execute(db);
    await sql`CREATE INDEX nodes_labels ON nodes USING gin (labels) WHERE labels <> '{}'`.execute(db);
  },
};
