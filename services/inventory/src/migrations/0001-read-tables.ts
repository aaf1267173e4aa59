import { createEventTables } from '@rigel/event-store';
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * The event store, the sequences that give ids, and the read tables. The constraints are what makes names and addresses
 * unique and keeps parents alive while they have children; refusals.ts says what each means to a caller.
 */
export const readTables: Migration = {
  async up(db) {
    await createEventTables(db);
    for (const kind of ['cluster', 'service', 'pool', 'node']) {
      await sql`CREATE SEQUENCE ${sql.id(`${kind}_ids`)} AS bigint`.execute(db);
    }
    await sql`
      CREATE TABLE clusters (
        id bigint PRIMARY KEY,
        name text NOT NULL CONSTRAINT clusters_name UNIQUE,
        "desc" text NOT NULL,
        biz text NOT NULL
      )`.execute(db);
    await sql`
      CREATE TABLE services (
        id bigint PRIMARY KEY,
        name text NOT NULL CONSTRAINT services_name UNIQUE,
        "desc" text NOT NULL,
        service_type text NOT NULL,
        docker_image text NOT NULL,
        cluster_id bigint NOT NULL CONSTRAINT services_cluster REFERENCES clusters ON DELETE RESTRICT
      )`.execute(db);
    await sql`CREATE INDEX services_of_cluster ON services (cluster_id, id)`.execute(db);
    await sql`
      CREATE TABLE pools (
        id bigint PRIMARY KEY,
        name text NOT NULL CONSTRAINT pools_name UNIQUE,
        "desc" text NOT NULL,
        vm_type bigint NOT NULL,
        sd_id bigint NOT NULL,
        service_id bigint NOT NULL CONSTRAINT pools_service REFERENCES services ON DELETE RESTRICT,
        tasks jsonb NOT NULL
      )`.execute(db);
    await sql`CREATE INDEX pools_of_service ON pools (service_id, id)`.execute(db);
    await sql`
      CREATE TABLE nodes (
        id bigint PRIMARY KEY,
        pool_id bigint NOT NULL CONSTRAINT nodes_pool REFERENCES pools ON DELETE RESTRICT,
        ip text NOT NULL,
        vm_id text NOT NULL,
        status smallint NOT NULL CHECK (status IN (0, 1, 3)),
        state smallint NOT NULL CHECK (state BETWEEN 0 AND 4),
        node_type text NOT NULL CHECK (node_type IN ('manual', 'crontab'))
      )`.execute(db);
    await sql`CREATE INDEX nodes_of_pool ON nodes (pool_id, id)`.execute(db);
    // Nodes whose machine has no address yet all carry '-'.
    await sql`CREATE UNIQUE INDEX nodes_ip ON nodes (ip) WHERE ip <> '-'`.execute(db);
  },
};
