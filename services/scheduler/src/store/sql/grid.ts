import { GRID_DIGITS } from '@rigel/contracts';
import { streamOf, type TaskEvent } from '../../task/events.js';
import { statement } from './statement.js';

/** The record of the step that a run stands at, or of its last one. */
export const CURRENT_STEP = 'r.steps->least(r.step, jsonb_array_length(r.steps) - 1)';

const digit = (number: string): string =>
  `substr('${GRID_DIGITS}', least(${number}, ${GRID_DIGITS.length - 1}) + 1, 1)`;

/** Columns `index`, `state`, `step`, `attempts` and the marks of runs `r`. */
const CELLS = `
  r.index, r.state, r.step, coalesce((${CURRENT_STEP}->>'attempts')::int, 0) AS attempts,
  r.state < 2 AND r.steps->r.step->>'state' = '0' AND r.steps->r.step->>'message' <> '' AS gate,
  r.state = 1 AND (r.steps->r.step->>'state' = '3' OR (r.steps->r.step->>'attempts')::int > 1) AS retrying`;

/** Indexes of the runs whose node an ended task `t` still holds. */
const DRAINING = `
  coalesce((
    SELECT json_agg(r.index ORDER BY r.index) FROM node_holds h JOIN runs r ON r.node_id = h.node_id AND r.task_id = h.task_id
    WHERE t.end_reason <> '' AND h.task_id = t.id AND h.expires_at IS NULL
  ), '[]') AS draining`;

export interface WholeGrid {
  version: number;
  batch_size: number;
  first_nsid: number;
  /** One after the other, with a line feed or a comma between them. */
  ips: string;
  node_ids: string;
  changed: string;
  state: string;
  step: string;
  attempts: string;
  gate: number[];
  retrying: number[];
  draining: number[];
}

/** A task's runs as columns, from one look at the tables. The rows come in order, so the aggregates need no sort. */
export const WHOLE_GRID = statement<{ id: number }, WholeGrid>(
  `
  SELECT t.version, t.batch_size, g.*, ${DRAINING}
  FROM tasks t CROSS JOIN LATERAL (
    SELECT min(c.id) AS first_nsid, string_agg(c.ip, E'\\n') AS ips, string_agg(c.node_id::text, ',') AS node_ids,
      string_agg(greatest(0, (c.updated_at - t.created_at) / 1000)::text, ',') AS changed,
      string_agg(c.state::text, '') AS state, string_agg(${digit('c.step')}, '') AS step,
      string_agg(${digit('c.attempts')}, '') AS attempts,
      coalesce(json_agg(c.index) FILTER (WHERE c.gate), '[]') AS gate,
      coalesce(json_agg(c.index) FILTER (WHERE c.retrying), '[]') AS retrying
    FROM (
      SELECT r.id, r.ip, r.node_id, r.updated_at, ${CELLS} FROM runs r WHERE r.task_id = t.id ORDER BY r.index
    ) AS c
  ) AS g
  WHERE t.id = $1`,
  ({ id }) => [id],
);

/**
 * Events that may change any run. The others name the runs that they change as `run` or `runs`, see `touchedRuns`; a test
 * compares.
 */
export const WHOLE_TASK: readonly TaskEvent['type'][] = [
  'TaskCreated',
  'TaskStopped',
  'TaskTimedOut',
  'TaskFinished',
];

export interface GridChanges {
  version: number;
  /** The changes are not all: the whole grid must be read. */
  whole: boolean;
  changes: [index: number, state: number, step: number, attempts: number][];
  gate: number[];
  retrying: number[];
  draining: number[];
}

/** The runs that the events after a version changed, as they are now. `most`: of more events none is read. */
export const GRID_CHANGES = statement<{ id: number; after: number; most: number }, GridChanges>(
  `
  WITH t AS (SELECT id, version, end_reason FROM tasks WHERE id = $1),
  recorded AS (
    SELECT e.type, e.data->'run' AS run, e.data->'runs' AS runs FROM t JOIN events e
      ON e.stream = $2 AND e.version > $3 AND e.version <= t.version
    WHERE t.version - $3 <= $4
  ),
  touched AS (
    SELECT run::int AS index FROM recorded WHERE run IS NOT NULL
    UNION
    SELECT one::int FROM recorded CROSS JOIN LATERAL jsonb_array_elements(runs) AS one WHERE jsonb_typeof(runs) = 'array'
  )
  SELECT t.version, $3 > t.version OR t.version - $3 > $4 OR EXISTS (SELECT FROM recorded WHERE type = ANY ($5)) AS whole,
    c.*, ${DRAINING}
  FROM t CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(json_build_array(c.index, c.state, c.step, c.attempts)), '[]') AS changes,
      coalesce(json_agg(c.index) FILTER (WHERE c.gate), '[]') AS gate,
      coalesce(json_agg(c.index) FILTER (WHERE c.retrying), '[]') AS retrying
    FROM (
      SELECT ${CELLS} FROM touched JOIN runs r ON r.task_id = t.id AND r.index = touched.index ORDER BY r.index
    ) AS c
  ) AS c`,
  ({ id, after, most }) => [id, streamOf(id), after, most, WHOLE_TASK],
);
