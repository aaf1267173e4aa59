import type { TaskInfo } from '@rigel/api-client';

export interface DialogProps {
  task: TaskInfo;
  onClose: () => void;
  /** Reads again what the action changed. */
  onDone: () => Promise<void>;
}

export const isPaused = ({ state, end_reason }: TaskInfo): boolean => state === 4 && end_reason === '';

/** Whether something is left that a start could begin, and the task is one that can be started. */
export function mayStart(task: TaskInfo): boolean {
  return task.state === 0 || task.state === 3 || isPaused(task);
}

export function mayStop(task: TaskInfo): boolean {
  return task.state === 0 || task.state === 1 || isPaused(task);
}

/** Characters of a reason, as the API takes them. */
export const MOST_REASON = 500;
