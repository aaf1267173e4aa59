import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Nodes say which task had them last, why their last run failed, and which image tag a task put on them; pools can be
 * protected. All columns have constant defaults, so no row is rewritten.
 *
 * The indexes are for lists of nodes over the whole fleet. A task changes `state` twice in each run, so no index has it,
 * and the new version of the row still stays on its page. `status` and `version_tag` change seldom: they are as before
 * after most runs.
 */
export const nodeFacts: Migration = {
  async up(db) {
    await sql`
      ALTER TABLE nodes ADD COLUMN last_task bigint, ADD COLUMN last_reason text NOT NULL DEFAULT '',
        ADD COLUMN version_tag text NOT NULL DEFAULT ''`.execute(db);
    await sql`ALTER TABLE pools ADD COLUMN protected boolean NOT NULL DEFAULT false`.execute(db);
    // Compared byte by byte, whatever the collation of the database is: the beginning of an address is a range.
    await sql`CREATE INDEX nodes_address ON nodes (ip text_pattern_ops)`.execute(db);
    await sql`CREATE INDEX nodes_vm ON nodes (vm_id text_pattern_ops) WHERE vm_id <> ''`.execute(db);
    await sql`CREATE INDEX nodes_not_ok ON nodes (pool_id, id) WHERE status <> 1`.execute(db);
    await sql`CREATE INDEX nodes_made_by_schedules ON nodes (pool_id, id) WHERE node_type = 'crontab'`.execute(
      db,
    );
    await sql`CREATE INDEX nodes_version ON nodes (version_tag, id) WHERE version_tag <> ''`.execute(db);
    // The nodes that came into a pool or left it, for the pool's history.
    await sql`
      CREATE INDEX events_of_pool_nodes ON events ((data->>'pool_id'), position)
        WHERE type IN ('NodeAdded', 'NodeRemoved')`.execute(db);
  },
};
