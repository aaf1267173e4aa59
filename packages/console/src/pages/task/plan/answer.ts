import type { operations } from '@rigel/api-client';

/** A task's plan as it was recorded, and what has changed since. */
export type RecordedPlan = operations['task.plan']['responses'][200]['content']['application/json']['data'];
