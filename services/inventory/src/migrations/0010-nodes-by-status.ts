import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * What an overview counts. Most nodes have the status 1 and stand in no index of the others: the
 * pools carry how many nodes there are in all. A task that succeeds leaves the status as it is, so its update of a node
 * touches no index as before.
 */
export const nodesByStatus: Migration = {
  async up(db) {
    await sql`CREATE INDEX nodes_by_status ON nodes (status, pool_id) WHERE status <> 1`.execute(db);
  },
};
