import { noSuch } from '@rigel/contracts';
import type { RecordedEvent } from '@rigel/event-store';
import { type Kysely, sql } from 'kysely';
import { streamOf, type TaskCreated, type TaskEvent, taskEventTypes } from '../../task/events.js';

/** Where a node run stands in the tables. */
export interface RunPlace {
  id: number;
  task_id: number;
  index: number;
  batch: number;
  created_at: number;
}

/** An event that concerns one run, as if its task had no other one: the run's index is 0. */
export interface RunEvent {
  version: number;
  at: number;
  event: TaskEvent;
}

/** Events of the whole task that may move a run. */
const OF_TASK = [
  'TaskStarted',
  'BatchStarted',
  'RunsHalted',
  'GateOpened',
  'TaskStopped',
  'TaskTimedOut',
  'TaskFinished',
];

interface Row {
  version: number;
  type: TaskEvent['type'];
  schema: number;
  data: Record<string, unknown>;
  recorded_at: number;
  /** The event names this run in a list. */
  named: boolean;
}

/** @throws ServiceError `not_found` */
export async function readRunPlace(db: Kysely<unknown>, id: number): Promise<RunPlace> {
  const { rows } = await sql<RunPlace>`
    SELECT id, task_id, index, batch, created_at FROM runs WHERE id = ${id}`.execute(db);
  const [run] = rows;
  if (!run) throw noSuch('node_run', id, `there is no node run ${id}`);
  return run;
}

/**
 * The events after a version that concern a run, with the run as the only one of its task, so that the task's own fold
 * applies to them. Lists of thousands of other runs stay in the database.
 */
export async function readRunEvents(db: Kysely<unknown>, run: RunPlace, after: number): Promise<RunEvent[]> {
  const stream = streamOf(run.task_id);
  const { rows } = await sql<Row>`
    SELECT version, type, schema, recorded_at,
      CASE WHEN version = 1 THEN data - 'nodes' || jsonb_build_object('nodes', jsonb_build_array(data->'nodes'->${run.index}::int))
        WHEN type = ANY(${OF_TASK}) AND data->'runs' <> 'null' THEN data - 'runs' - 'nodes' ELSE data END AS data,
      coalesce(data->'runs' @> to_jsonb(${run.index}::int), false) AS named
    FROM events
    WHERE stream = ${stream} AND version > ${after}
      AND (data->>'run' = ${String(run.index)} OR version = 1 OR type = ANY(${OF_TASK}))
    ORDER BY version`.execute(db);
  return rows.flatMap((row) => {
    const event = asOnlyRun(row, run, stream);
    return event ? [{ version: row.version, at: row.recorded_at, event }] : [];
  });
}

function asOnlyRun(row: Row, run: RunPlace, stream: string): TaskEvent | undefined {
  const { type, version, schema, recorded_at } = row;
  const stored: RecordedEvent<TaskEvent> = {
    position: 0,
    stream,
    version,
    type,
    schema,
    data: OF_TASK.includes(type) && !('runs' in row.data) ? { ...row.data, runs: [], nodes: [] } : row.data,
    meta: { correlationId: '', actor: '' },
    recordedAt: recorded_at,
  } as unknown as RecordedEvent<TaskEvent>;
  const { data } = taskEventTypes.upcast(stored);
  const own = { type, data } as TaskEvent;
  switch (own.type) {
    case 'TaskCreated':
      return {
        type: 'TaskCreated',
        data: { ...(own.data as TaskCreated), firstRunId: run.id, batchSize: 1 },
      };
    case 'TaskStarted': {
      const { runs } = own.data;
      if (runs !== null && !row.named) return undefined;
      return { type: own.type, data: { ...own.data, runs: runs === null ? null : [0] } };
    }
    case 'BatchStarted':
      return row.named ? { type: own.type, data: { ...own.data, batch: 0, runs: [0] } } : undefined;
    case 'RunsHalted':
    case 'GateOpened':
      return row.named ? ({ type: own.type, data: { ...own.data, runs: [0] } } as TaskEvent) : undefined;
    case 'TaskStopped':
    case 'TaskTimedOut':
    case 'TaskFinished':
      return own;
    default:
      return { type, data: { ...(data as object), run: 0 } } as TaskEvent;
  }
}
