import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely } from 'kysely';
import type { EarlierTask } from '../operations/plan-reads.js';

/** Earlier tasks that an estimate is made from. */
const LAST = 5;
/** Tasks of the template that are looked through for them, the newest first. */
const LOOKED_THROUGH = 100;

const DURATIONS = prepared(`
  SELECT id, ended_at - coalesce(started_at, created_at) AS ms, ceil(nodes::numeric / batch_size)::int AS batches
  FROM (
    SELECT id, end_reason, created_at, started_at, ended_at, batch_size, (SELECT sum(n) FROM unnest(stat) AS n) AS nodes
    FROM tasks WHERE template_id = $1 ORDER BY id DESC LIMIT ${LOOKED_THROUGH}
  ) AS newest
  WHERE end_reason = 'completed' ORDER BY id DESC LIMIT ${LAST}`);

/** The last tasks of a template that completed. */
export async function readDurations(db: Kysely<unknown>, templateId: number): Promise<EarlierTask[]> {
  const { rows } = await db.executeQuery<EarlierTask>(CompiledQuery.raw(DURATIONS, [templateId]));
  return rows.map(({ id, ms, batches }) => ({ id, ms: Number(ms), batches: Math.max(1, batches) }));
}
