import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The implementations that an action ever had, for its history: those that came to it, made or moved. */
export const implementationsOfActions: Migration = {
  async up(db) {
    await sql`
      CREATE INDEX events_of_action_impls ON events ((data->>'action_id'), stream)
        WHERE type IN ('ActionImplCreated', 'ActionImplChanged')`.execute(db);
  },
};
