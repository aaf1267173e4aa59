import { noSuch } from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';

/** The node runs of a task: their ids follow each other without gaps. */
export interface TaskRuns {
  /** Id of the first. */
  first: number;
  nodes: number;
  /** Names of the steps. */
  steps: string[];
}

/** @throws ServiceError `not_found` */
export async function readTaskRuns(db: Kysely<unknown>, id: number): Promise<TaskRuns> {
  const { rows } = await sql<TaskRuns>`
    SELECT (SELECT id FROM runs WHERE task_id = t.id AND index = 0) AS first,
      (SELECT sum(count)::int FROM unnest(t.stat) count) AS nodes,
      (SELECT coalesce(json_agg(o->>'name' ORDER BY n), '[]') FROM jsonb_array_elements(t.options) WITH ORDINALITY AS x(o, n)) AS steps
    FROM tasks t WHERE t.id = ${id}`.execute(db);
  const [found] = rows;
  if (!found) throw noSuch('task', id, `there is no task ${id}`);
  return found;
}
