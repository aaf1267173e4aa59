import { createEventTables } from '@rigel/event-store';
import { type Kysely, sql } from 'kysely';

/**
 * - `tasks`, `runs`: read tables, one row for each task and each node run, written from the folded state.
 * - `node_holds`: a node is held by at most one unfinished task. A hold with an expiry is a reservation: for removing the
 *   node (no task), or for a task that is about to be resumed.
 * - `host_keys`: SSH host keys accepted at first sight.
 * - `attempt_output`: what commands printed, in pieces by byte offset. Beside the events because it is bulk data that no
 *   decision depends on.
 * - `counters`: ids given so far.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createEventTables(db);
  await sql`
    CREATE TABLE tasks (
      id bigint PRIMARY KEY,
      name text NOT NULL,
      template_id bigint NOT NULL,
      template_name text NOT NULL,
      pool_id bigint NOT NULL,
      pool_name text NOT NULL,
      options jsonb NOT NULL,
      batch_size integer NOT NULL,
      operator text NOT NULL,
      flow_type text NOT NULL,
      state smallint NOT NULL,
      end_reason text NOT NULL,
      stat integer[] NOT NULL,
      active boolean NOT NULL,
      version integer NOT NULL,
      created_at bigint NOT NULL,
      updated_at bigint NOT NULL
    )`.execute(db);
  await sql`CREATE INDEX tasks_active ON tasks (id) WHERE active`.execute(db);
  await sql`
    CREATE TABLE runs (
      id bigint PRIMARY KEY,
      task_id bigint NOT NULL REFERENCES tasks,
      index integer NOT NULL,
      batch integer NOT NULL,
      node_id bigint NOT NULL,
      ip text NOT NULL,
      vm_id text NOT NULL,
      state smallint NOT NULL,
      step integer NOT NULL,
      steps jsonb NOT NULL,
      created_at bigint NOT NULL,
      updated_at bigint NOT NULL,
      UNIQUE (task_id, index)
    )`.execute(db);
  await sql`
    CREATE TABLE node_holds (
      node_id bigint PRIMARY KEY,
      task_id bigint,
      expires_at bigint
    )`.execute(db);
  await sql`CREATE INDEX node_holds_task ON node_holds (task_id)`.execute(db);
  await sql`CREATE TABLE host_keys (node_id bigint PRIMARY KEY, host_key text NOT NULL)`.execute(db);
  await sql`
    CREATE TABLE attempt_output (
      run_id bigint NOT NULL,
      step integer NOT NULL,
      attempt integer NOT NULL,
      start_byte bigint NOT NULL,
      data bytea NOT NULL,
      PRIMARY KEY (run_id, step, attempt, start_byte)
    )`.execute(db);
  await sql`CREATE TABLE counters (name text PRIMARY KEY, last bigint NOT NULL)`.execute(db);
  await sql`INSERT INTO counters (name, last) VALUES ('task', 0), ('run', 0)`.execute(db);
}
