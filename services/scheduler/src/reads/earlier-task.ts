import { type Kysely, sql } from 'kysely';
import type { EarlierRun, EarlierTaskPlan } from '../operations/plan-reads.js';
import { readRecordedPlan } from './recorded-plan.js';

/**
 * What a task was recorded with, and how each of its nodes ended.
 * @throws ServiceError `not_found`
 */
export async function readEarlierTask(db: Kysely<unknown>, id: number): Promise<EarlierTaskPlan> {
  const created = await readRecordedPlan(db, id);
  const [task, runs] = await Promise.all([
    sql<{ end_reason: string }>`SELECT end_reason FROM tasks WHERE id = ${id}`.execute(db),
    sql<EarlierRun>`SELECT node_id, ip, state FROM runs WHERE task_id = ${id} ORDER BY index`.execute(db),
  ]);
  return { created, ended: (task.rows[0]?.end_reason ?? '') !== '', runs: runs.rows };
}
