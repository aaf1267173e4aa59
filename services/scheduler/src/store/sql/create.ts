import {
  APPEND_CTES,
  APPEND_PARAMETERS,
  appendParameters,
  type MetaAppend,
  numbers,
} from '@rigel/event-store';
import { prepared } from '@rigel/runtime/database';
import { type TaskEvent, taskEventTypes } from '../../task/events.js';
import { spellingsOf } from '../../task/projection.js';
import type { TaskState } from '../../task/state.js';
import { INSERT_PARAMETERS, insertCtes, insertParameters, RUN_NODES, RUN_TASKS } from './insert-tasks.js';
import { statement } from './statement.js';

interface Parameters {
  streams: readonly MetaAppend<TaskEvent>[];
  tasks: readonly TaskState[];
  /** Milliseconds since 1970. */
  now: number;
}

const parameter = (n: number): string => `$${APPEND_PARAMETERS + n}`;

const TEXT = prepared(`
  WITH ${APPEND_CTES},
  ${insertCtes('head,', APPEND_PARAMETERS)},
  taken AS (
    INSERT INTO node_holds AS h (node_id, task_id, expires_at)
    SELECT r.node, r.task, NULL FROM head, unnest(${parameter(RUN_NODES)}::bigint[] || ${parameter(INSERT_PARAMETERS + 2)}::bigint[],
      ${parameter(RUN_TASKS)}::bigint[] || ${parameter(INSERT_PARAMETERS + 3)}::bigint[]) AS r(node, task)
    ON CONFLICT (node_id) DO UPDATE SET task_id = excluded.task_id, expires_at = NULL
    WHERE h.expires_at < ${parameter(INSERT_PARAMETERS + 1)}
    RETURNING node_id
  )
  SELECT base, (SELECT count(*)::int FROM taken) AS taken FROM head`);

/**
 * Records new tasks with their rows and takes their nodes. Returns the position behind which the events stand, and how many nodes were
 * taken: those that no other task holds. A reservation that is over does not count. A node that is named twice is an error: each lies
 * in one pool, and tasks that are made together in different ones.
 */
export const CREATE = statement<Parameters, { base: number; taken: number }>(
  TEXT,
  ({ streams, tasks, now }) => {
    const spellings = tasks.flatMap((task) =>
      task.runs.flatMap((run) => spellingsOf(task, run).map((node) => ({ node, task: task.id }))),
    );
    return [
      ...appendParameters(taskEventTypes, streams, now),
      ...insertParameters(tasks),
      now,
      numbers(spellings.map(({ node }) => node)),
      numbers(spellings.map(({ task }) => task)),
    ];
  },
);
