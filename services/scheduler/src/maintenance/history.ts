import type { ServiceHistory } from '@rigel/event-store/maintenance';
import { schedulerEventTypes } from '../event-types.js';
import { migrations } from '../migrations/index.js';
import { isScheduleStream, type ScheduleEvent, scheduleIdOf } from '../schedule/events.js';
import { evolveSchedule, type ScheduleState } from '../schedule/state.js';
import { type TaskEvent, taskIdOf } from '../task/events.js';
import { evolve } from '../task/evolve.js';
import type { TaskState } from '../task/state.js';
import { rebuildTasks } from './rebuild.js';
import { rebuildSchedules } from './rebuild-schedules.js';
import { replayStreams } from './replay.js';

/**
 * The scheduler's history, for programs that check and restore it. Beside the events stay the output of attempts, the
 * counters, which say what ids were given, and the reservations of nodes, which end by themselves.
 */
export const schedulerHistory: ServiceHistory = {
  service: 'scheduler',
  types: schedulerEventTypes,
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
    {
      name: 'occurrence_tasks',
      key: ['schedule_id', 'due', 'cause', 'pool_id'],
      stream: { prefix: 'task-', column: 'task_id' },
    },
    { name: 'schedules', key: ['id'], stream: { prefix: 'schedule-', column: 'id' } },
    {
      name: 'schedule_occurrences',
      key: ['schedule_id', 'due', 'cause'],
      stream: { prefix: 'schedule-', column: 'schedule_id' },
    },
  ],
  replay: replayStreams,
  rebuild: async (db, progress) => {
    await rebuildTasks(db, progress);
    await rebuildSchedules(db);
  },
  evolve: (state, event) => {
    const { stream, recordedAt } = event;
    const told = event as unknown;
    return isScheduleStream(stream)
      ? evolveSchedule(state as ScheduleState | undefined, told as ScheduleEvent, scheduleIdOf(stream))
      : evolve(state as TaskState | undefined, told as TaskEvent, taskIdOf(stream), recordedAt);
  },
};
