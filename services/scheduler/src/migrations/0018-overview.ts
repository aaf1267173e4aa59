import { type Kysely, sql } from 'kysely';

/**
 * What an overview asks of the tasks: those of the last day, and those that went wrong. Both by what never changes while a
 * task is at work, so that its updates touch no index as before.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE INDEX tasks_made ON tasks (created_at)`.execute(db);
  await sql`CREATE INDEX tasks_gone_wrong ON tasks (id) WHERE end_reason IN ('failed', 'partial', 'timeout')`.execute(
    db,
  );
}
