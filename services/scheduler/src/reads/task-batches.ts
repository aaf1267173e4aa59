import {
  type BatchLine,
  noSuch,
  type RpcRequest,
  type RpcResponse,
  type taskBatches,
} from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import type { Tables } from '../store/tables.js';
import { streamOf } from '../task/events.js';
import { cursorAfter, INTEGER, pageOfRows, placeIn } from './cursors.js';

/** Runs of a batch that have not ended and are named. */
const OPEN_NAMED = 5;

interface Row extends Omit<BatchLine, 'batch_id' | 'last' | 'started' | 'ended'> {
  batch: number;
  last: (NonNullable<BatchLine['last']> & { ended: number }) | null;
  started: number | null;
  ended: number | null;
}

/**
 * The batches of a task, in order, with their runs by state. Only the runs of the page are read: a batch is a range of
 * indexes.
 * @throws ServiceError `not_found`; `invalid` for a cursor of another list.
 */
export async function readBatches(
  db: Kysely<Tables>,
  { id, cursor, limit }: RpcRequest<typeof taskBatches>,
): Promise<RpcResponse<typeof taskBatches>> {
  const place = cursor === undefined ? [] : placeIn('batches', cursor, [INTEGER]);
  const first = Math.max(0, Number(place[0] ?? 0));
  const { rows } = await sql<Row>`
    WITH t AS (SELECT id, batch_size FROM tasks WHERE id = ${id}),
    moments AS (
      SELECT (e.data->>'batch')::int AS batch, min(e.recorded_at) FILTER (WHERE e.type = 'BatchStarted') AS started,
        -- One that a resume began again has not ended.
        CASE WHEN max(e.version) FILTER (WHERE e.type = 'BatchFinished') > max(e.version) FILTER (WHERE e.type = 'BatchStarted')
          THEN max(e.recorded_at) FILTER (WHERE e.type = 'BatchFinished') END AS ended
      FROM events e WHERE e.stream = ${streamOf(id)} AND e.type IN ('BatchStarted', 'BatchFinished')
      GROUP BY 1
    )
    SELECT b.batch, b.stat, m.started, m.ended, b.last, b.open
    FROM (
      SELECT r.batch,
        ARRAY[count(*) FILTER (WHERE r.state = 0), count(*) FILTER (WHERE r.state = 1), count(*) FILTER (WHERE r.state = 2),
          count(*) FILTER (WHERE r.state = 3), count(*) FILTER (WHERE r.state = 4)]::int[] AS stat,
        (array_agg(json_build_object('id', r.id, 'node_id', r.node_id, 'ip', r.ip, 'ended', r.updated_at)
          ORDER BY r.updated_at DESC, r.index) FILTER (WHERE r.state > 1))[1] AS last,
        coalesce(to_json((array_agg(json_build_object('id', r.id, 'node_id', r.node_id, 'ip', r.ip)
          ORDER BY r.state DESC, r.updated_at, r.index) FILTER (WHERE r.state < 2))[1:${sql.lit(OPEN_NAMED)}]), '[]') AS open
      FROM t JOIN runs r ON r.task_id = t.id
        AND r.index >= ${first}::bigint * t.batch_size AND r.index < (${first}::bigint + ${limit + 1}) * t.batch_size
      GROUP BY r.batch
    ) AS b LEFT JOIN moments m ON m.batch = b.batch
    ORDER BY b.batch`.execute(db);
  if (rows.length === 0) {
    const task = await db.selectFrom('tasks').select('id').where('id', '=', id).executeTakeFirst();
    if (!task) throw noSuch('task', id, `there is no task ${id}`);
  }
  const page = pageOfRows(rows, limit, ({ batch }) => cursorAfter('batches', [batch + 1]));
  return {
    rows: page.rows.map(({ batch, last, ...row }) => ({
      batch_id: batch + 1,
      ...row,
      ...(last ? { last } : {}),
    })),
    next: page.next,
  };
}
