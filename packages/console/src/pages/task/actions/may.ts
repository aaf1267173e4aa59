import type { TaskInfo } from '@rigel/api-client';

/** What somebody wants to do with the task of the page; each opens the dialog that asks before. */
export type Ask =
  | {
      kind: 'start';
      /** The runs that are to go on, and how they are called: "38 nodes that failed at start_service". Absent: to be chosen. */
      chosen?: { runs: () => Promise<number[]>; words: string };
      /** The field of the new budget is what it is about. */
      budget?: boolean;
    }
  | { kind: 'again' }
  | { kind: 'stop' }
  | { kind: 'pause' }
  | { kind: 'release'; nsid: number; ip: string };

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

export const hasEnded = ({ end_reason }: TaskInfo): boolean => end_reason !== '';
