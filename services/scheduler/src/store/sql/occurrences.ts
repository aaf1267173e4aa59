import type { TaskOccurrence } from '../../task/events.js';
import { statement } from './statement.js';

/** What became of an occurrence of a schedule that has made no task in a pool. */
export const OCCURRENCE_WITHOUT_TASK = statement<TaskOccurrence & { pool: number }, { outcome: string }>(
  `SELECT outcome FROM schedule_occurrences o WHERE schedule_id = $1 AND cause = $2 AND due = $3
     AND NOT EXISTS (SELECT FROM occurrence_tasks t
       WHERE t.schedule_id = o.schedule_id AND t.cause = o.cause AND t.due = o.due AND t.pool_id = $4)`,
  ({ schedule, cause, due, pool }) => [schedule, cause, due, pool],
);

/** Unfinished tasks in a pool of scheduled tasks that are of the same type as this one. */
export const UNFINISHED_OF_SCHEDULES = statement<{ pool: number; schedule: number }, { id: number }>(
  `SELECT t.id FROM tasks t JOIN occurrence_tasks o ON o.task_id = t.id JOIN schedules s ON s.id = o.schedule_id
   WHERE t.active AND t.end_reason = '' AND t.pool_id = $1
     AND s.type = (SELECT type FROM schedules WHERE id = $2)`,
  ({ pool, schedule }) => [pool, schedule],
);
