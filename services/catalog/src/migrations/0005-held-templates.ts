import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Templates that pools are coming to name: they are not deleted meanwhile. The times are the database's. */
export const heldTemplates: Migration = {
  async up(db) {
    await sql`
      CREATE TABLE held_templates (
        hold text NOT NULL,
        template_id bigint NOT NULL,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (hold, template_id)
      )`.execute(db);
    await sql`CREATE INDEX held_templates_template ON held_templates (template_id)`.execute(db);
  },
};
