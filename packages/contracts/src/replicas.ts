/*
 * Subjects that the replicas of the scheduler use among themselves. What goes over them is theirs alone; the names stand here
 * because NATS is told who may use them.
 */

/** To the owner of a task's partition: start, pause or stop it. An operation, see `defineRpc`. */
export const TASK_CONTROL_OPERATION = 'scheduler.{partition}.control';
/** To the owner of a task's partition: why the task waits or failed. An operation. */
export const TASK_WHY_OF_OWNER_OPERATION = 'scheduler.{partition}.why';
/** A task was created: its owner looks for it. */
export const TASK_CREATED_SUBJECT = 'rigel.scheduler.created';
/** A schedule was saved: its owner looks whether it is due. */
export const SCHEDULE_SAVED_SUBJECT = 'rigel.scheduler.schedule_saved';
