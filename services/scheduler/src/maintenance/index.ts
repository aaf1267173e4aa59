export type { TaskEvent } from '../task/events.js';
export { schedulerHistory } from './history.js';
export { type Moment, type PastTask, taskAt } from './task-at.js';
