import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Whether a token may run one-off commands although its role could not; none could so far. */
export const mayRun: Migration = {
  async up(db) {
    await sql`ALTER TABLE tokens ADD COLUMN may_run boolean NOT NULL DEFAULT false`.execute(db);
  },
};
