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
  type TaskPlan,
  type TaskStopped,
  type TaskTimedOut,
  taskStream,
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
   * Who lets its steps take the secrets that they name: the template, or (of at least one) whoever asked for the task, as an
   * admin. Absent: they name none, or it was made by a release that let everybody name any.
   */
  secretsBy?: 'template' | 'admin';
  /** What made it, when a scheduled task did: a moment of that leads to one task in a pool. */
  occurrence?: TaskOccurrence;
  /** Its runs wait for those of other pools; absent: for nobody. */
  gate?: TaskGate;
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

/** A moment of a scheduled task. */
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
}

export interface RunClaimed {
  run: number;
  executor: string;
  lease: number;
}

/** No heartbeat named the lease any more: the run is offered to others, who find the attempt again on the node. */
export interface LeaseExpired {
  run: number;
  lease: number;
  executor: string;
}

/** The executor gave the run back. `idle`: between two steps, nothing of it is running on the node. */
export interface RunHandedBack {
  run: number;
  lease: number;
  idle: boolean;
  /**
   * The run has ended, and what runs on the node could not be ended: why, and when (milliseconds since 1970) it is looked at
   * again. The node stays held.
   */
  stillRuns?: { reason: string; lookAt: number };
}

/** The node's SSH host key, accepted at first sight; from now on it must stay the same. */
export interface HostKeyPinned {
  node: number;
  hostKey: string;
}

/** The attempt is about to begin outside of its node's home folder, which cannot take it: nobody else begins it. */
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
  /** The provider may have made a machine that nobody knows the id of. */
  unknownMachine?: boolean;
  /** What is to be known of it though it succeeded. */
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

/** The attempt's command was ended on the node because the task was. `reason`: why that may not have worked. */
export interface AttemptStopped extends AttemptEnded {
  reason: string;
}

/** A run of an earlier batch goes first after a resume: this one waits for its batch. */
export interface RunDeferred {
  run: number;
}

/** The run has come to the step before which it waits for other pools, and its executor is free for others. */
export interface RunWaiting {
  run: number;
  lease: number;
  step: number;
}

/** The other pools are where this task's runs wait for them to be: nothing holds them back any more, for good. */
export interface GateOpened {
  /** Runs that waited. */
  runs: number[];
}

/** Nothing of a run that has ended is left on the node: the node is free. */
export interface RunDrained {
  run: number;
  node: number;
  /**
   * The node could not be reached for so long that nobody tries any more: its command may still run. Of the first release; today
   * nobody gives up.
   */
  givenUp: boolean;
  /** How that is known, when nobody saw it on the node: it was removed from its pool, say. */
  reason?: string;
}

/** An operator says that nothing of a run that has ended is left on the node, where nobody can see it: the node is free. */
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

/** The task that a stream is about. */
export const taskIdOf = (stream: string): number => Number(stream.slice('task-'.length));
