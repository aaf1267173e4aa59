import { prepared } from '@rigel/runtime/database';
import type { HeldRun } from '../../operations/task-recorder.js';
import { statement } from './statement.js';

/** The task that holds a node. */
export interface HoldingTask {
  name: string;
  operator: string;
  created_at: number;
  ended: boolean;
}

/** Which task, or removal (`task_id` is null), has each of these nodes. `now`: a reservation that is over by then does not count. */
export const HOLDERS = statement<
  { nodes: readonly number[]; now: number },
  HoldingTask & { node_id: number; task_id: number | null; ip: string | null }
>(
  prepared(`
  SELECT h.node_id, h.task_id, t.name, t.operator, t.created_at, t.end_reason <> '' AS ended,
    (SELECT r.ip FROM runs r WHERE r.node_id = h.node_id AND r.task_id = h.task_id LIMIT 1) AS ip
  FROM unnest($1::bigint[]) AS wanted(node)
    CROSS JOIN LATERAL (
      SELECT node_id, task_id FROM node_holds
      WHERE node_id = wanted.node AND (expires_at IS NULL OR expires_at >= $2) OFFSET 0
    ) AS h
    LEFT JOIN tasks t ON t.id = h.task_id
  ORDER BY h.task_id, h.node_id`),
  ({ nodes, now }) => [nodes, now],
);

/**
 * The tasks that hold these nodes, each with its nodes. Without the addresses: those of ten thousand nodes in a list are there already.
 * OFFSET 0 keeps each node a lookup of its own.
 */
export const TASKS_OF_NODES = statement<
  { nodes: readonly number[] },
  HoldingTask & { task_id: number; nodes: number[] }
>(
  prepared(`
  SELECT h.task_id, h.nodes, t.name, t.operator, t.created_at, t.end_reason <> '' AS ended
  FROM (
    SELECT held.task_id, json_agg(held.node_id) AS nodes
    FROM unnest($1::bigint[]) AS wanted(node)
      CROSS JOIN LATERAL (
        SELECT node_id, task_id FROM node_holds WHERE node_id = wanted.node AND expires_at IS NULL OFFSET 0
      ) AS held
    WHERE held.task_id IS NOT NULL
    GROUP BY held.task_id
  ) AS h JOIN tasks t ON t.id = h.task_id`),
  ({ nodes }) => [nodes],
);

/** Those of these nodes that tasks hold, with their runs. */
export const HELD_RUNS = statement<{ nodes: readonly number[] }, HeldRun>(
  `SELECT h.node_id AS node, t.id AS task, r.id AS run, t.end_reason <> '' AS ended
   FROM node_holds h JOIN tasks t ON t.id = h.task_id JOIN runs r ON r.task_id = t.id AND r.node_id = h.node_id
   WHERE h.node_id = ANY($1) AND h.expires_at IS NULL ORDER BY h.node_id`,
  ({ nodes }) => [nodes],
);

/**
 * Takes nodes for a while: for a task, or for a removal (`task` is null). Returns those that no other has. To be run under the lock of
 * the history: rows are taken in the order of their nodes here and in any order by a commit that releases them, which could deadlock.
 */
export const HOLD = statement<
  { nodes: readonly number[]; task: number | null; expiresAt: number; now: number },
  { node_id: number }
>(
  `INSERT INTO node_holds AS h (node_id, task_id, expires_at)
   SELECT n, $2, $3 FROM unnest($1::bigint[]) AS n ORDER BY n
   ON CONFLICT (node_id) DO UPDATE SET task_id = excluded.task_id,
     -- A hold for good that the same task has already stays one.
     expires_at = CASE WHEN h.task_id = excluded.task_id AND h.expires_at IS NULL THEN NULL
       -- Of two removals of the same node the one that may take longer.
       WHEN h.task_id IS NULL AND excluded.task_id IS NULL THEN greatest(h.expires_at, excluded.expires_at)
       ELSE excluded.expires_at END
   WHERE h.expires_at < $4 OR h.task_id = excluded.task_id OR (h.task_id IS NULL AND excluded.task_id IS NULL)
   RETURNING node_id`,
  ({ nodes, task, expiresAt, now }) => [nodes, task, expiresAt, now],
);
