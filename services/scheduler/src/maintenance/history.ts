import type { ServiceHistory } from '@rigel/event-store/maintenance';
import { migrations } from '../migrations/index.js';
import { type TaskEvent, taskEventTypes, taskIdOf } from '../task/events.js';
import { evolve, type TaskState } from '../task/state.js';
import { rebuildTasks } from './rebuild.js';
import { replayTasks } from './replay.js';

/**
 * The scheduler's history, for programs that check and restore it. Beside the events stay the output of attempts, the
 * counters, which say what ids were given, and the reservations of nodes, which end by themselves.
 */
export const schedulerHistory: ServiceHistory = {
  service: 'scheduler',
  types: taskEventTypes,
  migrations,
  tables: [
    { name: 'tasks', key: ['id'], stream: { prefix: 'task-', column: 'id' } },
    { name: 'runs', key: ['task_id', 'index'], stream: { prefix: 'task-', column: 'task_id' } },
    {
      name: 'node_holds',
      key: ['node_id', 'task_id'],
      stream: { prefix: 'task-', column: 'task_id' },
      derived: 'expires_at IS NULL',
    },
    { name: 'host_keys', key: ['node_id'] },
  ],
  replay: replayTasks,
  rebuild: rebuildTasks,
  evolve: (state, event) =>
    evolve(
      state as TaskState | undefined,
      event as unknown as TaskEvent,
      taskIdOf(event.stream),
      event.recordedAt,
    ),
};
