import { EventTypes } from '@rigel/event-store';
import { type ScheduleEvent, scheduleEventVersions } from './schedule/events.js';
import { type TaskEvent, taskEventVersions } from './task/events.js';

/** All types of events in the scheduler's history. */
export const schedulerEventTypes = new EventTypes<TaskEvent | ScheduleEvent>({
  ...taskEventVersions,
  ...scheduleEventVersions,
});
