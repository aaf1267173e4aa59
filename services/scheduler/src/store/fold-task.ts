import { chunksOfStream } from '@rigel/event-store';
import type { Kysely } from 'kysely';
import { streamOf, type TaskEvent, taskEventTypes } from '../task/events.js';
import { evolve } from '../task/evolve.js';
import type { TaskState } from '../task/state.js';

/**
 * Folds the events of a task, or those that a state does not contain yet (which it then does).
 * @returns undefined when there are none.
 */
export async function foldTask(
  db: Kysely<unknown>,
  taskId: number,
  from?: TaskState,
): Promise<TaskState | undefined> {
  let task = from;
  for await (const events of chunksOfStream(db, taskEventTypes, streamOf(taskId), from?.version)) {
    for (const event of events) task = evolve(task, event as TaskEvent, taskId, event.recordedAt);
  }
  return task;
}
