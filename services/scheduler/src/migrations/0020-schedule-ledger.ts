import { type Kysely, sql } from 'kysely';

/**
 * For the calendar over all scheduled tasks and the ledger of one.
 *
 * - `zone`: the deployment's time zone in which an occurrence was due, so that the ledger is right when the setting changes.
 * - `schedule_decisions`: what operators decided about a scheduled task, among the many events of its occurrences.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE schedule_occurrences ADD COLUMN zone text NOT NULL DEFAULT ''`.execute(db);
  await sql`CREATE INDEX schedule_occurrences_due ON schedule_occurrences (due, schedule_id, cause)`.execute(
    db,
  );
  await sql`
    CREATE INDEX schedule_occurrences_open ON schedule_occurrences (schedule_id, due)
    WHERE outcome IN ('waiting', 'firing')`.execute(db);
  await sql`
    CREATE INDEX schedule_decisions ON events (stream, version)
    WHERE type IN ('ScheduleSaved', 'MomentLeftOut', 'MomentTakenBack')`.execute(db);
}
