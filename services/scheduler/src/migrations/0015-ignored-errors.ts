import { type Kysely, sql } from 'kysely';

/**
 * How many runs of a task passed with an ignored error, as its events say. Of the runs there are only those are looked
 * through whose task has a step that may ignore one.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE tasks ADD COLUMN ignored integer NOT NULL DEFAULT 0`.execute(db);
  await sql`
    UPDATE tasks t SET ignored = r.ignored
    FROM (
      SELECT task_id, count(*)::int AS ignored FROM runs
      WHERE state = 2 AND steps @? '$[*] ? (@.state == 2 && @.message != "")'
        AND task_id IN (SELECT id FROM tasks WHERE options @> '[{"retry": {"ignore_error": true}}]')
      GROUP BY task_id
    ) AS r
    WHERE t.id = r.task_id`.execute(db);
}
