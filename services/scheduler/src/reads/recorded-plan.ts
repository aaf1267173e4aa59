import { noSuch } from '@rigel/contracts';
import type { RecordedEvent } from '@rigel/event-store';
import { type Kysely, sql } from 'kysely';
import { streamOf, type TaskCreated, type TaskEvent, taskEventTypes } from '../task/events.js';

/**
 * What a task was recorded with, but for its nodes: they stay in the database.
 * @throws ServiceError `not_found`
 */
export async function readRecordedPlan(db: Kysely<unknown>, id: number): Promise<Omit<TaskCreated, 'nodes'>> {
  const stream = streamOf(id);
  const { rows } = await sql<{ schema: number; data: Record<string, unknown> }>`
    SELECT schema, data - 'nodes' || '{"nodes": []}' AS data FROM events WHERE stream = ${stream} AND version = 1`.execute(
    db,
  );
  const [row] = rows;
  if (!row) throw noSuch('task', id, `there is no task ${id}`);
  const stored = {
    ...{ position: 0, stream, version: 1, type: 'TaskCreated' as const, ...row },
    ...{ meta: { correlationId: '', actor: '' }, recordedAt: 0 },
  } as unknown as RecordedEvent<TaskEvent>;
  return taskEventTypes.upcast(stored).data as TaskCreated;
}
