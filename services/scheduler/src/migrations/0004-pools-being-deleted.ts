import { type Kysely, sql } from 'kysely';

/** `pools_being_deleted`: until when no scheduled task may come to need a pool, because it is about to be deleted. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE pools_being_deleted (
      pool_id bigint PRIMARY KEY,
      expires_at bigint NOT NULL
    )`.execute(db);
}
