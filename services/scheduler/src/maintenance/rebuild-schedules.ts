import { chunksOfStream, holdWriters, type RecordedEvent } from '@rigel/event-store';
import { type Kysely, sql } from 'kysely';
import { type ScheduleEvent, scheduleEventTypes, scheduleIdOf } from '../schedule/events.js';
import { projectSchedules } from '../schedule/projection.js';

/**
 * Replaces the rows of all scheduled tasks by what their events say, while the scheduler runs: writers wait while those of
 * one are put in place.
 */
export async function rebuildSchedules(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ stream: string }>`
    SELECT stream FROM events WHERE version = 1 AND starts_with(stream, 'schedule-') ORDER BY position`.execute(
    db,
  );
  await removeStrangers(db);
  for (const { stream } of rows) await rebuildOne(db, stream);
}

async function rebuildOne(db: Kysely<unknown>, stream: string): Promise<void> {
  const id = scheduleIdOf(stream);
  await db.transaction().execute(async (trx) => {
    await holdWriters(trx);
    await sql`DELETE FROM schedule_occurrences WHERE schedule_id = ${id}`.execute(trx);
    await sql`DELETE FROM schedules WHERE id = ${id}`.execute(trx);
    for await (const events of chunksOfStream(trx, scheduleEventTypes, stream)) {
      await projectSchedules(trx, events as RecordedEvent<ScheduleEvent>[]);
    }
  });
}

/** Rows of scheduled tasks that no event knows; they could stand in the way of others. */
async function removeStrangers(db: Kysely<unknown>): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await holdWriters(trx);
    await sql`
      DELETE FROM schedule_occurrences WHERE NOT EXISTS
        (SELECT FROM events WHERE stream = 'schedule-' || schedule_id AND version = 1)`.execute(trx);
    await sql`
      DELETE FROM schedules WHERE NOT EXISTS
        (SELECT FROM events WHERE stream = 'schedule-' || id AND version = 1)`.execute(trx);
  });
}
