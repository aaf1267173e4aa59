import type { GateDependency } from '../../task/events.js';
import type { GateProgress } from '../../task/gate.js';
import { statement } from './statement.js';

/**
 * How far the runs of tasks are that others wait for. A node that failed may have passed the step in a later task, or a later task
 * may have given its machine back: then it keeps no other waiting.
 */
export const PROGRESS = statement<{ dependencies: readonly GateDependency[] }, GateProgress>(
  `
  SELECT task, count(*) FILTER (WHERE NOT passed AND NOT failed)::int AS behind,
    coalesce(json_agg(json_build_object('node', node_id, 'ip', ip) ORDER BY node_id) FILTER (WHERE failed AND NOT passed),
      '[]') AS failed,
    CASE WHEN end_reason <> '' THEN 'ended' WHEN task_state = 4 THEN 'paused' ELSE 'running' END AS standing
  FROM (
    SELECT f.*, step > needed OR (failed AND EXISTS (
      SELECT FROM runs l JOIN tasks lt ON lt.id = l.task_id
        CROSS JOIN LATERAL jsonb_array_elements(lt.options) WITH ORDINALITY AS o(option, place)
      WHERE l.node_id = f.node_id AND l.id > f.id AND o.place <= l.step AND o.option->>'name' IN (f.step_name, 'return_vm')
    )) AS passed
    FROM (
      SELECT d.task, d.step AS needed, d.step_name, r.id, r.node_id, r.ip, r.step, t.end_reason, t.state AS task_state,
        r.step <= d.step AND (r.state = 3 OR t.end_reason <> '') AS failed
      FROM unnest($1::bigint[], $2::int[], $3::text[]) AS d(task, step, step_name)
        JOIN tasks t ON t.id = d.task JOIN runs r ON r.task_id = d.task
    ) AS f
  ) AS p
  GROUP BY task, end_reason, task_state`,
  ({ dependencies }) => [
    dependencies.map(({ task }) => task),
    dependencies.map(({ step }) => step),
    dependencies.map(({ stepName }) => stepName),
  ],
);
