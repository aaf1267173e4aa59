import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PastTask } from '@rigel/contracts';
import { noSuch } from '@rigel/contracts';
import { chunksOfStream, type RecordedEvent } from '@rigel/event-store';
import type { Kysely } from 'kysely';
import { streamOf, type TaskEvent, taskEventTypes } from '../../task/events.js';
import { evolve } from '../../task/evolve.js';
import { NUMBER, standingOf } from '../../task/phase.js';
import { statOf } from '../../task/projection.js';
import { standingOfTask, type TaskState } from '../../task/state.js';

/** Events that are folded in one turn of the event loop: a millisecond's work. */
const TURN = 500;

/** How a task stood, in numbers. */
export function pastOf(task: TaskState): PastTask {
  return {
    version: task.version,
    at: task.updatedAt,
    state: NUMBER[standingOfTask(task)],
    end_reason: task.endReason,
    stat: statOf(task),
    ignored: task.ignored,
    batch: task.batch + 1,
    batches: task.batches,
  };
}

/** The state of each run as a character, in the order of the task's nodes. */
export function statesOf({ runs }: TaskState): string {
  return runs.map((run) => NUMBER[standingOf(run)]).join('');
}

/**
 * Folds a task's events, and lets others have their turn all the time.
 * @param from a state to go on from, which is changed; undefined: from the beginning.
 * @param onEvent is called after each event with the state so far; `false` ends the fold.
 * @throws ServiceError `not_found` when there is no such task.
 */
export async function foldGently(
  db: Kysely<unknown>,
  id: number,
  from: TaskState | undefined,
  onEvent: (event: RecordedEvent<TaskEvent>, task: TaskState) => boolean,
  isWanted: (event: RecordedEvent<TaskEvent>) => boolean = () => true,
): Promise<TaskState> {
  let task = from;
  let folded = 0;
  for await (const chunk of chunksOfStream(db, taskEventTypes, streamOf(id), from?.version)) {
    for (const event of chunk) {
      if (!isWanted(event)) return found(task, id);
      task = evolve(task, event as TaskEvent, id, event.recordedAt);
      if (!onEvent(event, task)) return task;
      if (++folded % TURN === 0) await nextTurn();
    }
  }
  return found(task, id);
}

function found(task: TaskState | undefined, id: number): TaskState {
  if (!task) throw noSuch('task', id, `there is no task ${id}`);
  return task;
}
