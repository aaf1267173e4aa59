import { Id, listOf, TASK_CREATED_SUBJECT } from '@rigel/contracts';
import { Type } from 'typebox';
import type { TaskRecorder } from '../operations/task-recorder.js';
import type { Parts } from './parts.js';

/** To all replicas: these tasks are new, and their owner takes them up. */
export const TaskAnnounced = Type.Object({ ids: listOf(Id) });

/** A recorder whose tasks are taken up at once: here if this replica owns them, else by the replicas to which it announces them. */
export function announcing({
  store,
  engine,
  bus,
  log,
}: Pick<Parts, 'store' | 'engine' | 'bus' | 'log'>): TaskRecorder {
  return {
    create: async (wanted, now) => {
      const tasks = await store.create(wanted, now);
      for (const task of tasks) {
        // A task that is missed here is found at the next look into the table.
        engine
          .take(task)
          .catch((error: unknown) =>
            log.warn({ err: error, task: task.id }, 'the scheduler could not take up a new task yet'),
          );
      }
      const ofOthers = tasks.map(({ id }) => id).filter((id) => !engine.owns(id));
      if (ofOthers.length > 0) bus.publish(TASK_CREATED_SUBJECT, { ids: ofOthers });
      return tasks;
    },
    reserve: (...request) => store.reserve(...request),
    reserveForRemoval: (...request) => store.reserveForRemoval(...request),
    taskOfRun: (id) => store.taskOfRun(id),
    heldRuns: (nodes) => store.heldRuns(nodes),
  };
}

/** Takes up the tasks that other replicas announce. */
export function followAnnouncements({ bus, engine }: Pick<Parts, 'bus' | 'engine'>): void {
  bus.subscribe(TASK_CREATED_SUBJECT, TaskAnnounced, ({ ids }) => {
    // A replica that misses this finds the task at its next look into the table.
    if (ids.some((id) => engine.lacks(id))) engine.adopt().catch(() => undefined);
  });
}
