import {
  type BatchStarted,
  type ClusterRef,
  type MachineAssigned,
  type MachineReturned,
  type OccurrenceCause,
  publishedTaskEvents,
  type RunFailed,
  type RunSucceeded,
  type RunsHalted,
  type Selection,
  type TaskPlan,
  type TaskStopped,
  type TaskTimedOut,
  taskStream,
  type ValueSource,
} from '@rigel/contracts';
import { EventTypes, type EventVersions } from '@rigel/event-store';

/*
 * The facts of a task's life, all in one stream `task-<id>`. Runs (one node inside the task) are named by their index;
 * batches are counted from 0. Times that a decision was based on stand in the events; when an event happened is in its
 * record.
 */

export type PlannedStep = TaskPlan['steps'][number];

/** A node as it was when the task was made. */
export interface TaskNode {
  node: number;
  ip: string;
  vm: string;
  /** Other nodes that are the same machine under another spelling of its address: they are held with it. Absent: none. */
  same?: { node: number; ip: string }[];
}

/** The task as it will run whatever happens to the catalog later. Batch membership never changes. */
export interface TaskCreated {
  uuid: string;
  /** Of the request that made the task: goes along to the commands on the nodes. */
  correlationId: string;
  /** W3C traceparent of that request, when it was traced: what executors do for the task belongs to it. */
  traceparent?: string;
  name: string;
  template: { id: number; name: string };
  pool: { id: number; name: string };
  /** The pool's cluster then; absent in tasks of earlier releases. */
  cluster?: ClusterRef;
  /** The pool's VM provider then; absent: none, or not known. */
  vmType?: number;
  steps: PlannedStep[];
  nodes: TaskNode[];
  /** Id of the first node run; the others follow it without gaps. */
  firstRunId: number;
  batchSize: number;
  /** Limit for the whole run in milliseconds, 0 = none. */
  timeoutMs: number;
  /** Failed nodes that are tolerated; null = no budget. */
  failureBudget: number | null;
  /** Pause between the attempts of a step. */
  retryDelayMs: number;
  operator: string;
  flowType: 'manual' | 'crontab';
  /** Parameter overrides of the request that no step uses. */
  unusedParams: string[];
  /**
   * Where the values of each step come from, by parameter; one that is not there has the template's value. Absent: not known, a
   * task of an earlier release.
   */
  sources?: readonly Readonly<Record<string, ValueSource>>[];
  /**
   * Who lets its steps take the secrets that they name: the template, or (for at least one) the admin who asked for the task.
   * Absent: they name none, or a release made it that let every caller name any.
   */
  secretsBy?: 'template' | 'admin';
  /** What chose its nodes when it was made; absent: they were named, or the operation took those of its pool. */
  select?: Selection;
  /** The occurrence of a scheduled task that made it; an occurrence leads to one task in a pool. Absent: an operator made it. */
  occurrence?: TaskOccurrence;
  /** What its runs wait for in other pools; absent: nothing. */
  gate?: TaskGate;
  /** The ended task that it runs again; absent: none. */
  againOf?: number;
}

/** What a task's runs wait for. */
export interface TaskGate {
  /** Index of the step before which each run waits. */
  before: number;
  /** Milliseconds after which a run that still waits fails. */
  limitMs: number;
  /** Never empty. */
  waitsFor: GateDependency[];
}

/** A task of another pool, and the step that its runs must have passed. */
export interface GateDependency {
  task: number;
  pool: { id: number; name: string };
  /** Index into that task's steps, and the step's name. */
  step: number;
  stepName: string;
}

/** An occurrence of a scheduled task. */
export interface TaskOccurrence {
  schedule: number;
  cause: OccurrenceCause;
  /** Milliseconds since 1970. */
  due: number;
}

/** The task begins, or goes on after a pause or a failure. */
export interface TaskStarted {
  operator: string;
  /** When the task's time is up; null = never. */
  deadline: number | null;
  /** Runs that are open again, from the step they stand at; null = all, from the beginning. */
  runs: number[] | null;
  /** The operator chose these runs: the others stay as they are. Absent: all that could go on do. */
  chosen?: true;
  /** Failed nodes that are tolerated from now on, those that stay failed included. Absent: as before. */
  failureBudget?: number;
}

export interface RunClaimed {
  run: number;
  executor: string;
  lease: number;
}

/** No heartbeat named the lease any more: the run is offered to other executors, which find the attempt again on the node. */
export interface LeaseExpired {
  run: number;
  lease: number;
  executor: string;
}

/** The executor gave the run back. `idle`: it was between two steps, and no command of the run is alive on the node. */
export interface RunHandedBack {
  run: number;
  lease: number;
  idle: boolean;
  /**
   * The run has ended, and the executor could not end its command on the node: why, and when (milliseconds since 1970) an executor
   * looks again. The node stays held.
   */
  stillRuns?: { reason: string; lookAt: number };
}

/** The node's SSH host key, accepted at first sight; from now on it must stay the same. */
export interface HostKeyPinned {
  node: number;
  hostKey: string;
}

/** The attempt is about to begin outside of its node's home folder, which cannot take it. No other executor begins it. */
export interface AttemptPlaced {
  run: number;
  step: number;
  attempt: number;
  folder: string;
  /** Of the node then. */
  bootId: string;
  /** The folder is in the node's memory: after a restart there is no trace of the attempt. */
  memory: boolean;
  why: string;
}

interface AttemptEnded {
  run: number;
  step: number;
  attempt: number;
  startedAt: number;
  finishedAt: number;
  exitCode?: number;
  /** The provider may have made a machine whose id is not known. */
  unknownMachine?: boolean;
  /** What an operator should know of it although it succeeded. */
  note?: string;
}

export type AttemptSucceeded = AttemptEnded;

export interface AttemptFailed extends AttemptEnded {
  reason: string;
  /** What follows: another attempt (not before `retryAt`), the next step all the same, or the end of the run. */
  next: 'retry' | 'ignore' | 'fail';
  retryAt: number | null;
  /** The command may still be running on the node. A next attempt ends it before it begins. */
  mayRun?: boolean;
}

/** The executor ended the attempt's command on the node because the task had ended. `reason`: why that may have failed. */
export interface AttemptStopped extends AttemptEnded {
  reason: string;
}

/** A run of an earlier batch goes first after a resume: this one waits for its batch. */
export interface RunDeferred {
  run: number;
}

/** The run has come to the step before which it waits for other pools. Its executor is free for other runs. */
export interface RunWaiting {
  run: number;
  lease: number;
  step: number;
}

/** The pools that this task depends on have reached the required step. Its runs never wait for them again. */
export interface GateOpened {
  /** Runs that waited. */
  runs: number[];
}

/** No command of an ended run is left on the node: the node is free. */
export interface RunDrained {
  run: number;
  node: number;
  /**
   * Executors could not reach the node for so long that they stopped trying: its command may still run. Only the first release
   * recorded this; today executors never give up.
   */
  givenUp: boolean;
  /** Why it counts as drained, when no executor saw that on the node: the node was removed from its pool, for example. */
  reason?: string;
}

/** An operator says that no command of an ended run is left on the node, where no executor can look: the node is free. */
export interface NodeReleased {
  run: number;
  node: number;
  ip: string;
  operator: string;
  reason: string;
}

export interface BatchFinished {
  batch: number;
  succeeded: number;
  failed: number;
}

export interface TaskPaused {
  operator: string;
  /** Why, in the operator's words; absent: they gave none. */
  reason?: string;
}

/** More nodes failed than the budget allows: no further step begins. */
export interface FailureBudgetExceeded {
  failed: number;
  budget: number;
}

export interface TaskFinished {
  state: 2 | 3;
  reason: 'completed' | 'partial' | 'failed';
}

export type TaskEvent =
  | { type: 'TaskCreated'; data: TaskCreated }
  | { type: 'TaskStarted'; data: TaskStarted }
  | { type: 'BatchStarted'; data: BatchStarted }
  | { type: 'RunClaimed'; data: RunClaimed }
  | { type: 'LeaseExpired'; data: LeaseExpired }
  | { type: 'RunHandedBack'; data: RunHandedBack }
  | { type: 'HostKeyPinned'; data: HostKeyPinned }
  | { type: 'MachineAssigned'; data: MachineAssigned }
  | { type: 'MachineReturned'; data: MachineReturned }
  | { type: 'AttemptPlaced'; data: AttemptPlaced }
  | { type: 'AttemptSucceeded'; data: AttemptSucceeded }
  | { type: 'AttemptFailed'; data: AttemptFailed }
  | { type: 'AttemptStopped'; data: AttemptStopped }
  | { type: 'RunSucceeded'; data: RunSucceeded }
  | { type: 'RunFailed'; data: RunFailed }
  | { type: 'RunsHalted'; data: RunsHalted }
  | { type: 'RunDeferred'; data: RunDeferred }
  | { type: 'RunWaiting'; data: RunWaiting }
  | { type: 'GateOpened'; data: GateOpened }
  | { type: 'RunDrained'; data: RunDrained }
  | { type: 'NodeReleased'; data: NodeReleased }
  | { type: 'BatchFinished'; data: BatchFinished }
  | { type: 'TaskPaused'; data: TaskPaused }
  | { type: 'TaskStopped'; data: TaskStopped }
  | { type: 'TaskTimedOut'; data: TaskTimedOut }
  | { type: 'FailureBudgetExceeded'; data: FailureBudgetExceeded }
  | { type: 'TaskFinished'; data: TaskFinished };

/** The types and their versions. A changed shape gets an upcaster from the last one here, and nothing else changes. */
export const taskEventVersions: EventVersions<TaskEvent> = {
  ...publishedTaskEvents,
  TaskCreated: [],
  TaskStarted: [],
  RunClaimed: [],
  LeaseExpired: [],
  RunHandedBack: [],
  HostKeyPinned: [],
  AttemptPlaced: [],
  AttemptSucceeded: [],
  AttemptFailed: [],
  AttemptStopped: [],
  RunDeferred: [],
  RunWaiting: [],
  GateOpened: [],
  RunDrained: [],
  NodeReleased: [],
  BatchFinished: [],
  TaskPaused: [],
  FailureBudgetExceeded: [],
  TaskFinished: [],
};

export const taskEventTypes = new EventTypes<TaskEvent>(taskEventVersions);

export const streamOf = taskStream;

/** The task that a stream belongs to. */
export const taskIdOf = (stream: string): number => Number(stream.slice('task-'.length));
