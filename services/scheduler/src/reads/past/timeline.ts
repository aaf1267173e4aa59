import {
  noSuch,
  type RpcRequest,
  type RpcResponse,
  type TimelineMark,
  type taskPast,
} from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import { streamOf, type TaskEvent } from '../../task/events.js';

type Timeline = RpcResponse<typeof taskPast.timeline>;

/** Marks in an answer at most; those of operators come first. */
const MOST_MARKS = 500;
/** Attempts that fail in one part of the time make a mark from here on. */
const BURST = 5;

interface Row {
  bucket: number;
  type: TaskEvent['type'];
  /** The operator or executor that the events name. */
  by: string;
  count: number;
  first: number;
  last: number;
  at: number;
}

/** Events that are worth a mark one by one, with their public names. */
const MARKED: Partial<Record<TaskEvent['type'], [kind: TimelineMark['kind'], event: string]>> = {
  TaskStarted: ['operator', 'task_started'],
  TaskPaused: ['operator', 'task_paused'],
  TaskStopped: ['operator', 'task_stopped'],
  NodeReleased: ['operator', 'node_released'],
  LeaseExpired: ['lost', 'node_lost'],
  TaskTimedOut: ['task', 'task_timed_out'],
  FailureBudgetExceeded: ['task', 'failure_budget_exceeded'],
  TaskFinished: ['task', 'task_finished'],
};

/** The course of a task, see the contract. One statement adds its events up. @throws ServiceError `not_found` */
export async function readTimeline(
  db: Kysely<unknown>,
  { id, buckets }: RpcRequest<typeof taskPast.timeline>,
): Promise<Timeline> {
  const { rows: tasks } = await sql<{ version: number; from: number; to: number }>`
    SELECT version, created_at AS from, updated_at AS to FROM tasks WHERE id = ${id}`.execute(db);
  const [task] = tasks;
  if (!task) throw noSuch('task', id, `there is no task ${id}`);
  const span = Math.max(1, task.to - task.from + 1);
  const { rows } = await sql<Row>`
    SELECT least(${buckets} - 1, (recorded_at - ${task.from}) * ${buckets} / ${span})::int AS bucket, type,
      CASE WHEN type = 'LeaseExpired' THEN data->>'executor'
        WHEN type IN ('TaskStarted', 'TaskPaused', 'TaskStopped', 'NodeReleased') THEN data->>'operator' ELSE '' END AS by,
      count(*)::int AS count, min(version) AS first, max(version) AS last, min(recorded_at) AS at
    FROM events WHERE stream = ${streamOf(id)} AND version <= ${task.version}
    GROUP BY 1, 2, 3 ORDER BY first`.execute(db);
  return {
    version: task.version,
    from: task.from,
    to: task.to,
    ...columnsOf(rows, buckets),
    marks: marksOf(rows),
  };
}

function columnsOf(
  rows: readonly Row[],
  buckets: number,
): Pick<Timeline, 'events' | 'succeeded' | 'failed' | 'versions'> {
  const none = (): number[] => Array.from({ length: buckets }, () => 0);
  const columns = { events: none(), succeeded: none(), failed: none(), versions: none() };
  const add = (column: number[], bucket: number, count: number): void => {
    column[bucket] = (column[bucket] ?? 0) + count;
  };
  for (const { bucket, type, count, last } of rows) {
    add(columns.events, bucket, count);
    if (type === 'AttemptSucceeded') add(columns.succeeded, bucket, count);
    if (type === 'AttemptFailed') add(columns.failed, bucket, count);
    columns.versions[bucket] = Math.max(columns.versions[bucket] ?? 0, last);
  }
  let reached = 0;
  columns.versions = columns.versions.map((version) => (reached = Math.max(reached, version)));
  return columns;
}

function marksOf(rows: readonly Row[]): TimelineMark[] {
  const marks: TimelineMark[] = [];
  for (const { type, by, count, first, at } of rows) {
    const marked = MARKED[type];
    if (marked) marks.push({ version: first, at, kind: marked[0], event: marked[1], by: by ?? '', count });
    else if (type === 'AttemptFailed' && count >= BURST)
      marks.push({ version: first, at, kind: 'failures', event: 'step_failed', by: '', count });
  }
  const weight = { operator: 0, task: 1, lost: 2, failures: 3 };
  const kept =
    marks.length <= MOST_MARKS
      ? marks
      : [...marks].sort((a, b) => weight[a.kind] - weight[b.kind] || b.count - a.count).slice(0, MOST_MARKS);
  return kept.sort((a, b) => a.version - b.version);
}
