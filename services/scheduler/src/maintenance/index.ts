export { schedulerHistory } from './history.js';
export { type PastTask, taskAt } from './task-at.js';
