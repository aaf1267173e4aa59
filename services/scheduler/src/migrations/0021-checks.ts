import { createChecks } from '@rigel/event-store';
import { type Kysely, sql } from 'kysely';

/**
 * - `checks`: the last result of each check, and the one that is under way.
 * - `unknown_machines`: the few attempts after which a machine may be there that no node has, among all events.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  // One pass over a long history takes longer than any statement of the service may.
  await sql`SET LOCAL statement_timeout = 0`.execute(db);
  await createChecks(db);
  await sql`
    CREATE INDEX unknown_machines ON events (position)
    WHERE type IN ('AttemptFailed', 'AttemptStopped', 'AttemptSucceeded') AND data ? 'unknownMachine'`.execute(
    db,
  );
}
