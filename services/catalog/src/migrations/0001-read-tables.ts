import { createEventTables } from '@rigel/event-store';
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * The event store, the sequences that give ids, and the read tables. refusals.ts says what the constraints mean to a
 * caller. Nothing ties the actions that a remote step names to the table of actions, because they need not exist yet;
 * references.ts keeps those that do exist.
 */
export const readTables: Migration = {
  async up(db) {
    await createEventTables(db);
    for (const kind of ['action', 'actimpl', 'remote_step', 'template']) {
      await sql`CREATE SEQUENCE ${sql.id(`${kind}_ids`)} AS bigint`.execute(db);
    }
    await sql`
      CREATE TABLE actions (
        id bigint PRIMARY KEY,
        name text NOT NULL CONSTRAINT actions_name UNIQUE,
        "desc" text NOT NULL,
        params jsonb NOT NULL
      )`.execute(db);
    // The cascade is for replaying the history: there an action's deletion stands before that of its implementations.
    await sql`
      CREATE TABLE actimpls (
        id bigint PRIMARY KEY,
        action_id bigint NOT NULL CONSTRAINT actimpls_action REFERENCES actions ON DELETE CASCADE,
        type text NOT NULL,
        template jsonb NOT NULL,
        CONSTRAINT actimpls_action_type UNIQUE (action_id, type)
      )`.execute(db);
    await sql`
      CREATE TABLE remote_steps (
        id bigint PRIMARY KEY,
        name text NOT NULL CONSTRAINT remote_steps_name UNIQUE,
        "desc" text NOT NULL,
        actions text[] NOT NULL
      )`.execute(db);
    await sql`CREATE INDEX remote_steps_actions ON remote_steps USING gin (actions)`.execute(db);
    await sql`
      CREATE TABLE templates (
        id bigint PRIMARY KEY,
        name text NOT NULL CONSTRAINT templates_name UNIQUE,
        "desc" text NOT NULL,
        steps jsonb NOT NULL
      )`.execute(db);
    await sql`
      CREATE TABLE template_steps (
        template_id bigint NOT NULL REFERENCES templates ON DELETE CASCADE,
        remote_step text NOT NULL REFERENCES remote_steps (name) ON UPDATE RESTRICT ON DELETE RESTRICT,
        PRIMARY KEY (template_id, remote_step)
      )`.execute(db);
    await sql`CREATE INDEX template_steps_remote_step ON template_steps (remote_step)`.execute(db);
  },
};
