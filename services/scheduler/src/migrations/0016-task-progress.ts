import { type Kysely, sql } from 'kysely';

/**
 * How far a task is, for lists of tasks: when it began and ended, when its time is up, the batch that it works on, and its
 * failure budget. The values of the tasks that are there already follow from their events, in one pass over them.
 *
 * The indexes are for the filters of lists. None has a column that changes with each step of a node: an update of a task's
 * row then needs no new entry in any index (HOT update).
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  // The pass over a long history takes longer than any statement of the service may.
  await sql`SET LOCAL statement_timeout = 0`.execute(db);
  await sql`
    ALTER TABLE tasks ADD COLUMN started_at bigint, ADD COLUMN ended_at bigint, ADD COLUMN deadline bigint,
      ADD COLUMN batch integer NOT NULL DEFAULT 0, ADD COLUMN budget integer`.execute(db);
  await sql`
    UPDATE tasks t SET started_at = e.started[1],
      ended_at = CASE WHEN t.end_reason <> '' THEN e.ended[1] END,
      -- A pause and an end take it away.
      deadline = CASE WHEN t.state = 1 THEN e.deadline[1] END,
      batch = coalesce(e.batch[1], 0), budget = e.budget[1]
    FROM (
      SELECT stream,
        array_agg(recorded_at ORDER BY version) FILTER (WHERE type = 'TaskStarted') AS started,
        array_agg(recorded_at ORDER BY version DESC)
          FILTER (WHERE type IN ('TaskStopped', 'TaskTimedOut', 'TaskFinished')) AS ended,
        array_agg((data->>'deadline')::bigint ORDER BY version DESC) FILTER (WHERE type = 'TaskStarted') AS deadline,
        array_agg((data->>'batch')::int + 1 ORDER BY version DESC) FILTER (WHERE type = 'BatchStarted') AS batch,
        array_agg((data->>'failureBudget')::int) FILTER (WHERE type = 'TaskCreated') AS budget
      FROM events
      WHERE type IN ('TaskCreated', 'TaskStarted', 'BatchStarted', 'TaskStopped', 'TaskTimedOut', 'TaskFinished')
      GROUP BY stream
    ) AS e
    WHERE e.stream = 'task-' || t.id`.execute(db);
  await sql`CREATE INDEX tasks_created ON tasks (created_at, id)`.execute(db);
  await sql`CREATE INDEX tasks_state ON tasks (state, id)`.execute(db);
  await sql`CREATE INDEX tasks_end_reason ON tasks (end_reason, id)`.execute(db);
  await sql`CREATE INDEX tasks_pool ON tasks (pool_id, id)`.execute(db);
  await sql`CREATE INDEX tasks_template ON tasks (template_id, id)`.execute(db);
  await sql`CREATE INDEX tasks_operator ON tasks (operator, id)`.execute(db);
}
