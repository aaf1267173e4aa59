export {
  readGivenSecrets,
  readScheduleUses,
  type ScheduleUse,
  schedulesUsing,
} from '../catalog-check/read.js';
export {
  describeGivenSecret,
  type GivenSecret,
  refusalsOf,
  secretsToAllow,
} from '../catalog-check/refusals.js';
export { makersOf, unknownCreations } from '../machines/makers.js';
export type { TaskEvent } from '../task/events.js';
export { schedulerHistory } from './history.js';
export { type Moment, type PastTask, taskAt } from './task-at.js';
