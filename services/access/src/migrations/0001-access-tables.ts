import { createEventTables } from '@rigel/event-store';
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The event store, the sequence that gives ids, the tokens, when they were used, and the audit. */
export const accessTables: Migration = {
  async up(db) {
    await createEventTables(db);
    await sql`CREATE SEQUENCE token_ids AS bigint`.execute(db);
    await sql`
      CREATE TABLE tokens (
        id bigint PRIMARY KEY,
        name text NOT NULL,
        role text NOT NULL,
        hash text NOT NULL,
        created bigint NOT NULL,
        created_by text NOT NULL,
        expires bigint,
        revoked bigint,
        revoked_by text NOT NULL
      )`.execute(db);
    // Tasks and the audit name the holder of a token by it.
    await sql`CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE revoked IS NULL`.execute(db);
    // No foreign key to the tokens, because a rebuild replaces their table.
    await sql`CREATE TABLE token_uses (token_id bigint PRIMARY KEY, last_used bigint NOT NULL)`.execute(db);
    await sql`
      CREATE TABLE audit (
        id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        source text NOT NULL,
        position bigint NOT NULL,
        time bigint NOT NULL,
        operator text NOT NULL,
        action text NOT NULL,
        target text NOT NULL,
        name text NOT NULL,
        client text NOT NULL,
        correlation_id text NOT NULL,
        outcome text NOT NULL,
        status integer NOT NULL,
        reason text NOT NULL,
        CONSTRAINT audit_source_position UNIQUE (source, position)
      )`.execute(db);
    await sql`CREATE INDEX audit_time ON audit (time, id)`.execute(db);
    await sql`CREATE INDEX audit_operator ON audit (operator, time, id)`.execute(db);
    await sql`CREATE INDEX audit_target ON audit (target, time, id)`.execute(db);
  },
};
