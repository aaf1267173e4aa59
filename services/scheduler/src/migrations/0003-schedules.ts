import { type Kysely, sql } from 'kysely';

/**
 * - `schedules`: read table, one row for each scheduled task.
 * - `schedule_occurrences`: read table, what became of every moment at which one was to act. Its key makes sure that a
 *   moment has one outcome.
 * - `occurrence_tasks`: read table, the task that a moment led to in a pool. Its key makes sure that it led to one.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE schedules (
      id bigint PRIMARY KEY,
      pool_id bigint NOT NULL,
      type text NOT NULL,
      exec_type text NOT NULL,
      time_zone text NOT NULL,
      cron_items jsonb NOT NULL,
      depend_items jsonb NOT NULL,
      version integer NOT NULL,
      created_at bigint NOT NULL,
      updated_at bigint NOT NULL,
      CONSTRAINT schedules_one_of_a_type UNIQUE (pool_id, type)
    )`.execute(db);
  await sql`
    CREATE TABLE schedule_occurrences (
      schedule_id bigint NOT NULL,
      cause text NOT NULL,
      due bigint NOT NULL,
      item jsonb NOT NULL,
      outcome text NOT NULL,
      reason text NOT NULL,
      tasks jsonb NOT NULL,
      updated_at bigint NOT NULL,
      PRIMARY KEY (schedule_id, due, cause)
    )`.execute(db);
  await sql`
    CREATE TABLE occurrence_tasks (
      schedule_id bigint NOT NULL,
      cause text NOT NULL,
      due bigint NOT NULL,
      pool_id bigint NOT NULL,
      task_id bigint NOT NULL,
      CONSTRAINT occurrence_tasks_once PRIMARY KEY (schedule_id, due, cause, pool_id)
    )`.execute(db);
  await sql`CREATE INDEX occurrence_tasks_task ON occurrence_tasks (task_id)`.execute(db);
  // Which state a node's last run left it in decides what a scheduled expand does with it.
  await sql`CREATE INDEX runs_node ON runs (node_id, id)`.execute(db);
  await sql`INSERT INTO counters (name, last) VALUES ('schedule', 0)`.execute(db);
}
