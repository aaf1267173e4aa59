import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Sessions of the web console, the id of the installation, and the lines of one request in the audit. */
export const sessions: Migration = {
  async up(db) {
    await sql`CREATE SEQUENCE session_ids AS bigint`.execute(db);
    await sql`
      CREATE TABLE sessions (
        id bigint PRIMARY KEY,
        token_id bigint NOT NULL,
        hash text NOT NULL,
        started_with text NOT NULL,
        client text NOT NULL,
        started bigint NOT NULL,
        expires bigint NOT NULL,
        ended bigint,
        end_why text,
        ended_by text NOT NULL
      )`.execute(db);
    await sql`CREATE INDEX sessions_open ON sessions (id) WHERE ended IS NULL`.execute(db);
    // No foreign key to the sessions, because a rebuild replaces their table.
    await sql`CREATE TABLE session_uses (session_id bigint PRIMARY KEY, last_used bigint NOT NULL)`.execute(
      db,
    );
    await sql`
      CREATE TABLE session_codes (hash text PRIMARY KEY, token_id bigint NOT NULL, expires bigint NOT NULL)`.execute(
      db,
    );
    // Cookies know neither ports nor paths: each installation names its own by this.
    await sql`
      CREATE TABLE installation (one boolean PRIMARY KEY DEFAULT true CHECK (one), id text NOT NULL)`.execute(
      db,
    );
    await sql`
      INSERT INTO installation (id) VALUES (left(replace(gen_random_uuid()::text, '-', ''), 16))`.execute(db);
    await sql`CREATE INDEX audit_correlation_id ON audit (correlation_id, time, id)`.execute(db);
  },
};
