import { type Kysely, sql } from 'kysely';

/**
 * What the last moment of a scheduled task that is not settled waits for. It is seen by whoever runs the scheduled task, and told by
 * any replica; no event, because nothing is decided on it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE schedule_waits (
      schedule_id bigint PRIMARY KEY,
      cause text NOT NULL,
      due bigint NOT NULL,
      waits_for text NOT NULL
    )`.execute(db);
}
