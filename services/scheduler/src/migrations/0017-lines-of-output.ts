import { type Kysely, sql } from 'kysely';

/**
 * Of each piece of output how many line ends it has, and when it was stored: so the last lines of an output are found,
 * with their numbers, without reading what comes before them. NULL: a process of an earlier release stored the piece.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE attempt_output ADD COLUMN lines integer, ADD COLUMN stored_at bigint`.execute(db);
}
