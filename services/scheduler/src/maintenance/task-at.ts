import { chunksOfStream, type RecordedEvent } from '@rigel/event-store';
import type { Kysely } from 'kysely';
import { streamOf, type TaskEvent, taskEventTypes } from '../task/events.js';
import { evolve } from '../task/evolve.js';
import type { TaskState } from '../task/state.js';

/** A moment in a task's life: after a version of its stream, at a time (milliseconds since 1970), or now. */
export type Moment = { version: number } | { time: number } | 'now';

/** A task as it was. */
export interface PastTask {
  /** Contains the events up to the moment. */
  task: TaskState;
  /** The last events that it contains, oldest first. */
  events: RecordedEvent<TaskEvent>[];
  /** Versions that its stream has by now. */
  versions: number;
}

/**
 * Folds a task's events up to a moment.
 * @param recent how many of the last events are returned with it at most.
 * @throws RangeError naming what is there instead: no such task, not created yet, fewer versions.
 */
export async function taskAt(
  db: Kysely<unknown>,
  id: number,
  moment: Moment,
  recent: number,
): Promise<PastTask> {
  let task: TaskState | undefined;
  let events: RecordedEvent<TaskEvent>[] = [];
  let first: RecordedEvent<TaskEvent> | undefined;
  let versions = 0;
  let past = false;
  for await (const chunk of chunksOfStream(db, taskEventTypes, streamOf(id))) {
    first ??= chunk[0];
    versions = chunk.at(-1)?.version ?? versions;
    const end = chunk.findIndex((event) => isAfter(event, moment));
    const upTo = past ? [] : chunk.slice(0, end < 0 ? chunk.length : end);
    past ||= end >= 0;
    events = [...events, ...upTo.slice(Math.max(0, upTo.length - recent))];
    events = events.slice(Math.max(0, events.length - recent));
    for (const event of upTo) task = evolve(task, event as TaskEvent, id, event.recordedAt);
  }
  if (!first) throw new RangeError(`there is no task ${id}`);
  if (moment !== 'now' && 'version' in moment && moment.version > versions) {
    throw new RangeError(`task ${id} has ${versions} versions by now, not ${moment.version}`);
  }
  if (!task) {
    throw new RangeError(
      `task ${id} did not exist then: it was created at ${new Date(first.recordedAt).toISOString()}, by version 1`,
    );
  }
  return { task, events, versions };
}

function isAfter({ version, recordedAt }: RecordedEvent, moment: Moment): boolean {
  if (moment === 'now') return false;
  return 'version' in moment ? version > moment.version : recordedAt > moment.time;
}
