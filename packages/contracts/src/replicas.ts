/*
 * Subjects that the replicas of the scheduler use among themselves. The shapes of these messages are in the scheduler;
 * the names are here for the permissions of NATS users.
 */

/** To the owner of a task's partition: start, pause or stop the task. An operation, see `defineRpc`. */
export const TASK_CONTROL_OPERATION = 'scheduler.{partition}.control';
/** To the owner of a task's partition: why the task waits or failed. An operation. */
export const TASK_WHY_OF_OWNER_OPERATION = 'scheduler.{partition}.why';
/** A task was created: the owner of its partition loads it. */
export const TASK_CREATED_SUBJECT = 'rigel.scheduler.created';
/** A schedule was saved: its owner checks whether it is due. */
export const SCHEDULE_SAVED_SUBJECT = 'rigel.scheduler.schedule_saved';
