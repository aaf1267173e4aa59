import {
  APPEND_CTES,
  APPEND_PARAMETERS,
  appendParameters,
  lines,
  type MetaAppend,
  numbers,
} from '@rigel/event-store';
import { prepared } from '@rigel/runtime/database';
import type { OutputPiece } from '../../engine/ports.js';
import { type TaskEvent, taskEventTypes } from '../../task/events.js';
import type { Changes } from '../../task/projection.js';
import { statement } from './statement.js';

/** A group of decisions. */
interface Parameters {
  streams: readonly MetaAppend<TaskEvent>[];
  /** Milliseconds since 1970. */
  now: number;
  changes: Changes;
  pieces: readonly OutputPiece[];
}

const parameter = (n: number): string => `$${APPEND_PARAMETERS + n}`;

// After the parameters of the append: the rows of runs, column by column, the other Changes, and the outputs, column by
// column. Every part joins `head`, so that its lock comes first.
const TEXT = prepared(`
  WITH ${APPEND_CTES},
  changed_tasks AS (
    UPDATE tasks t SET state = r.state, end_reason = r.end_reason, stat = r.stat, ignored = r.ignored, active = r.active,
      version = r.version, updated_at = r.updated_at, started_at = r.started_at, ended_at = r.ended_at,
      deadline = r.deadline, batch = r.batch, budget = r.budget
    FROM head, json_to_recordset(${parameter(8)}::json->'tasks') AS r(id bigint, state smallint, end_reason text,
      stat int[], ignored int, active boolean, version int, updated_at bigint, started_at bigint,
      ended_at bigint, deadline bigint, batch int, budget int)
    WHERE t.id = r.id
  ),
  changed_runs AS (
    UPDATE runs t SET state = r.state, step = r.step, steps = r.steps::jsonb, updated_at = r.updated_at,
      ip = coalesce(r.ip, t.ip), vm_id = coalesce(r.vm_id, t.vm_id)
    FROM head, unnest(${parameter(1)}::bigint[], ${parameter(2)}::smallint[], ${parameter(3)}::int[],
      string_to_array(${parameter(4)}, E'\\n'), ${parameter(5)}::bigint[], ${parameter(6)}::text[], ${parameter(7)}::text[])
      AS r(id, state, step, steps, updated_at, ip, vm_id)
    WHERE t.id = r.id
  ),
  pinned AS (
    INSERT INTO host_keys (node_id, host_key)
    SELECT r.node_id, r.host_key
    FROM head, json_to_recordset(${parameter(8)}::json->'host_keys') AS r(node_id bigint, host_key text)
    ON CONFLICT DO NOTHING
  ),
  held AS (
    UPDATE node_holds h SET expires_at = NULL
    FROM head, json_to_recordset(${parameter(8)}::json->'holding') AS r(task_id bigint, nodes bigint[])
    WHERE h.task_id = r.task_id AND h.node_id = ANY (r.nodes)
  ),
  released AS (
    DELETE FROM node_holds h
    USING head, json_to_recordset(${parameter(8)}::json->'ended') AS r(task_id bigint, nodes bigint[])
    WHERE h.task_id = r.task_id AND h.node_id <> ALL (r.nodes)
  ),
  stored AS (
    INSERT INTO attempt_output (run_id, step, attempt, start_byte, data)
    SELECT o.* FROM head, unnest(${parameter(9)}::bigint[], ${parameter(10)}::int[], ${parameter(11)}::int[],
      ${parameter(12)}::bigint[], ${parameter(13)}::bytea[]) AS o(run_id, step, attempt, start_byte, data)
    ON CONFLICT (run_id, step, attempt, start_byte) DO UPDATE SET data = excluded.data
    WHERE length(excluded.data) > length(attempt_output.data)
  )
  SELECT base FROM head`);

/** The parameters of the rows of runs. */
function runColumns(rows: Changes['runs']): unknown[] {
  const moved = rows.some(({ ip, vm_id }) => ip !== undefined || vm_id !== undefined);
  return [
    numbers(rows.map(({ id }) => id)),
    numbers(rows.map(({ state }) => state)),
    numbers(rows.map(({ step }) => step)),
    lines(rows.map(({ steps }) => JSON.stringify(steps))),
    numbers(rows.map(({ updated_at }) => updated_at)),
    moved ? rows.map(({ ip }) => ip ?? null) : null,
    moved ? rows.map(({ vm_id }) => vm_id ?? null) : null,
  ];
}

/** Makes a group of decisions durable. Returns the position behind which its events stand. */
export const COMMIT = statement<Parameters, { base: number }>(
  TEXT,
  ({ streams, now, changes: { runs, ...others }, pieces }) => [
    ...appendParameters(taskEventTypes, streams, now),
    ...runColumns(runs),
    JSON.stringify(others),
    numbers(pieces.map(({ runId }) => runId)),
    numbers(pieces.map(({ step }) => step)),
    numbers(pieces.map(({ attempt }) => attempt)),
    numbers(pieces.map(({ start }) => start)),
    pieces.map(({ data }) => data),
  ],
);
