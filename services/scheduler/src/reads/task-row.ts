import type { Task, TaskProgress } from '@rigel/contracts';
import type { Kysely } from 'kysely';
import type { Tables, TaskTable } from '../store/tables.js';

type Occurrence = TaskProgress['occurrence'];

function toTask(row: TaskTable, occurrence: Occurrence): Task {
  const nodes = row.stat.reduce((sum, count) => sum + count, 0);
  return {
    id: row.id,
    template_id: row.template_id,
    template_name: row.template_name,
    task_name: row.name,
    pool_id: row.pool_id,
    pool_name: row.pool_name,
    state: row.state,
    end_reason: row.end_reason,
    options: row.options.map(({ sources: _, again_of: __, ...option }) => option),
    step_len: row.batch_size,
    opr_user: row.operator,
    flow_type: row.flow_type,
    stat: row.stat,
    ignored: row.ignored,
    created: row.created_at,
    updated: row.updated_at,
    progress: {
      version: row.version,
      started: row.started_at,
      ended: row.ended_at,
      deadline: row.deadline,
      batch: row.batch,
      batches: Math.ceil(nodes / row.batch_size),
      nodes,
      budget: row.budget,
      occurrence,
    },
  };
}

/** Tasks in the form of the API, in the order of their rows. */
export async function toTasks(db: Kysely<Tables>, rows: readonly TaskTable[]): Promise<Task[]> {
  const scheduled = rows.filter(({ flow_type }) => flow_type === 'crontab').map(({ id }) => id);
  const occurrences = new Map<number, NonNullable<Occurrence>>();
  if (scheduled.length > 0) {
    const found = await db
      .selectFrom('occurrence_tasks')
      .select(['task_id', 'schedule_id', 'cause', 'due'])
      .where('task_id', 'in', scheduled)
      .execute();
    for (const { task_id, ...occurrence } of found) occurrences.set(task_id, occurrence);
  }
  return rows.map((row) => toTask(row, occurrences.get(row.id) ?? null));
}
