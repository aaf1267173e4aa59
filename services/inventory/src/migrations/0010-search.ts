import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * What an overview counts and a search looks for. Most nodes have the status 1 and stand in no index of the others: the
 * pools carry how many nodes there are in all. A task that succeeds leaves the status as it is, so its update of a node
 * touches no index as before.
 */
export const searchAndStatus: Migration = {
  async up(db) {
    await sql`CREATE INDEX nodes_not_ok ON nodes (status, pool_id) WHERE status <> 1`.execute(db);
    await sql`CREATE INDEX nodes_ip_text ON nodes (ip text_pattern_ops)`.execute(db);
    await sql`CREATE INDEX nodes_vm_text ON nodes (vm_id text_pattern_ops) WHERE vm_id <> ''`.execute(db);
  },
};
