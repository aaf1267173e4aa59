import { PARTITIONS } from '@rigel/contracts';
import { prepared } from '@rigel/runtime/database';
import type { FirstIds } from '../../operations/task-recorder.js';
import { statement } from './statement.js';

/** Takes ids for new tasks and their runs. */
export const NEXT_IDS = statement<{ tasks: number; runs: number }, FirstIds>(
  prepared(`
  WITH task AS (UPDATE counters SET last = last + $1 WHERE name = 'task' RETURNING last),
    -- One after the other, since two statements must not wait for each other.
    run AS (UPDATE counters c SET last = c.last + $2 FROM task WHERE c.name = 'run' RETURNING c.last)
  SELECT task.last - $1 + 1 AS task, run.last - $2 + 1 AS run FROM task, run`),
  ({ tasks, runs }) => [tasks, runs],
);

/** The pinned host keys of nodes. */
export const HOST_KEYS = statement<{ nodes: readonly number[] }, { node_id: number; host_key: string }>(
  prepared('SELECT node_id, host_key FROM host_keys WHERE node_id = ANY($1)'),
  ({ nodes }) => [nodes],
);

/** The tasks of partitions for which something is still to be done, with their last version. */
export const ACTIVE_TASKS = statement<{ partitions: readonly number[] }, { id: number; version: number }>(
  `SELECT id, version FROM tasks WHERE active AND id % ${PARTITIONS} = ANY($1) ORDER BY id`,
  ({ partitions }) => [partitions],
);

/** Those of these tasks that exist. */
export const EXISTING_TASKS = statement<{ ids: readonly number[] }, { id: number }>(
  'SELECT id FROM tasks WHERE id = ANY($1)',
  ({ ids }) => [ids],
);

/** The task of a node run. */
export const TASK_OF_RUN = statement<{ run: number }, { task_id: number }>(
  'SELECT task_id FROM runs WHERE id = $1',
  ({ run }) => [run],
);
