import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A line of the audit may stand for several requests that were the same; those that are there stand for one. */
export const summedRequests: Migration = {
  async up(db) {
    await sql`ALTER TABLE audit ADD COLUMN times integer NOT NULL DEFAULT 1`.execute(db);
  },
};
