import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * A pool carries the number of its nodes, so that a list does not count a hundred thousand rows each time it is asked for;
 * whoever adds or removes nodes has the history's lock, so writing it makes nobody wait longer. The index on the nodes of
 * a pool has their addresses too: a keyword is looked for in it alone.
 */
export const countedNodes: Migration = {
  async up(db) {
    await sql`ALTER TABLE pools ADD COLUMN node_count bigint NOT NULL DEFAULT 0`.execute(db);
    await sql`
      UPDATE pools SET node_count = (SELECT count(*) FROM nodes WHERE nodes.pool_id = pools.id)`.execute(db);
    await sql`DROP INDEX nodes_of_pool`.execute(db);
    await sql`CREATE INDEX nodes_of_pool ON nodes (pool_id, id) INCLUDE (ip)`.execute(db);
  },
};
