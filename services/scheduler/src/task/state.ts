import type { EndReason, Placement } from '@rigel/contracts';
import { NO_ADDRESS } from '@rigel/contracts';
import type { TaskCreated } from './events.js';
import type { RunPhase, RunStanding, RunVerdict } from './phase.js';

/** How far one step got on one node. */
export interface StepRecord {
  standing: RunStanding;
  attempts: number;
  message: string;
  /** A remark about its last attempt, however that ends. */
  note?: string | undefined;
}

/** Where the current attempt of a run was begun, when that is not at home. */
export interface Placed extends Placement {
  /** What the home folder could not take, and why. */
  why: string;
}

/** A command that no executor could end on its node. */
export interface Drain {
  reason: string;
  /** Looks in vain. */
  tries: number;
  /** When the first of them was, and when the next one is due. */
  since: number;
  lookAt: number;
  /** The step's message before. */
  message: string;
}

/** One node inside the task. */
export interface Run {
  readonly index: number;
  readonly id: number;
  readonly node: number;
  /** `-` while the node has no address. */
  ip: string;
  /** Its machine at the VM provider; empty when there is none. */
  vm: string;
  readonly batch: number;
  phase: RunPhase;
  /** Set while it is draining or ended. */
  verdict: RunVerdict | null;
  /** It has no verdict, and an executor has had it since it was opened. */
  begun: boolean;
  /** Step it stands at; the number of steps once all are done. */
  step: number;
  /** Number of the current (or next) attempt at that step; goes up after every known outcome, never down. */
  attempt: number;
  /** Failed attempts at that step since the run was last opened: what the retry option counts. */
  failures: number;
  /** Number of the last lease given. */
  lease: number;
  /** Executor that has the lease; null = none. */
  holder: string | null;
  /** Executor that was given the last lease, also when that is over; empty before the first. */
  claimedBy: string;
  /**
   * The current attempt's command may be running on the node: it was authorised, and its outcome is not known. It follows from the
   * phase, except in a pending run.
   */
  mayRun: boolean;
  /** More than one lease was given for the current attempt: an executor that is gone may have begun it. */
  takenOver?: boolean | undefined;
  /** Where the current attempt is, when it is not at home. */
  placed?: Placed | undefined;
  /** Folders beside the home's in which attempts of this run are or were. */
  folders?: string[];
  /** An earlier attempt at that step may still run: no executor saw its end. Absent: none. */
  leftover?: true;
  /** In a draining run, the command that could not be ended, as the last look found it. Absent: no look was in vain. */
  drain?: Drain;
  /** The task holds the node: no other task may have it. */
  held: boolean;
  /** The next attempt begins no earlier. */
  retryAt: number;
  /** When the current attempt was authorised, or the wait for other pools began. */
  since: number;
  /** Steps reached, in order. */
  steps: StepRecord[];
  updatedAt: number;
}

export type TaskStatus = 'created' | 'running' | 'halting' | 'paused' | 'stopped' | 'finished';

export interface TaskState {
  readonly id: number;
  readonly created: TaskCreated;
  readonly createdAt: number;
  readonly runs: Run[];
  readonly batches: number;
  status: TaskStatus;
  endReason: EndReason;
  /** When it began for the first time, and when it ended; null: it has not. A resumed task has not ended. */
  startedAt: number | null;
  endedAt: number | null;
  deadline: number | null;
  /** Failed nodes that are tolerated; null = no budget. A start may set another one. */
  failureBudget: number | null;
  /** The pools that this task depends on have reached the required step. */
  gateOpen: boolean;
  /** The log has the line about what it waits for. */
  waitTold: boolean;
  /** Batch being worked on, -1 before the first; `batchActive` until it is finished. */
  batch: number;
  batchActive: boolean;
  /** Runs that are open. */
  open: number;
  /** Runs by what the outside sees of them. */
  counts: Record<RunStanding, number>;
  /** Runs that succeeded although a step of theirs failed: its error was ignored. */
  ignored: number;
  /** Last version of the stream that this state contains. */
  version: number;
  updatedAt: number;
}

/** Whether the task has its end; executors may still be ending commands on nodes. */
export function hasEnded(task: TaskState): boolean {
  return task.status === 'finished' || task.status === 'stopped';
}

/** What the outside sees of the task. */
export function standingOfTask({ status, endReason }: TaskState): RunStanding {
  switch (status) {
    case 'created':
      return 'waiting';
    case 'running':
    case 'halting':
      return 'running';
    case 'paused':
    case 'stopped':
      return 'stopped';
    case 'finished':
      return endReason === 'completed' ? 'succeeded' : 'failed';
  }
}

/** How people call a run's node: by its address, or by its id while it has none. */
export function nameOf({ ip, node }: Run): string {
  return ip === NO_ADDRESS ? `node ${node}` : ip;
}

/** The run at an index; events and commands were checked against the task before. */
export function runAt(task: TaskState, index: number): Run {
  const run = task.runs[index];
  if (!run) throw new RangeError(`task ${task.id} has no run ${index}`);
  return run;
}

/** Whether the run waits for an executor: to be worked on, or to have its command ended. */
export function needsExecutor({ phase, holder }: Run): boolean {
  return phase === 'ready' || phase === 'orphaned' || (phase === 'draining' && holder === null);
}
