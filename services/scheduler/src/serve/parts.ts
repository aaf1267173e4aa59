import type { Clock } from '@rigel/clock';
import type { Bus } from '@rigel/messaging';
import type { Operations } from '@rigel/runtime';
import type { Logger } from 'pino';
import type { TaskEngine } from '../engine/engine.js';
import type { CreateTaskSettings } from '../operations/create-tasks.js';
import type { PlanReads } from '../operations/plan-reads.js';
import type { TaskRecorder } from '../operations/task-recorder.js';
import type { TaskQueries } from '../reads/task-queries.js';
import type { TaskStore } from '../store/task-store.js';
import type { Executors } from '../why/executors.js';
import type { WhyStore } from '../why/serve.js';

/** What the operations of a replica need. */
export interface Parts {
  bus: Bus;
  operations: Operations;
  engine: TaskEngine;
  store: TaskRecorder;
  settings: CreateTaskSettings;
  clock: Clock;
  log: Logger;
  /** Executors as their heartbeats describe them. */
  executors: Executors;
  /** What explanations of tasks need of the store; without it the replica gives none. */
  why?: WhyStore | undefined;
  /** Reads how tasks stand, for clients that wait for an end; without it the replica lets none wait. */
  outcomes?: Pick<TaskQueries, 'outcome'> | undefined;
  /** What plans read; without it the replica makes none. */
  planning?: PlanReads | undefined;
  /** Keeps stored output within its limit; without it all output stays. */
  outputs?: Pick<TaskStore, 'dropOutput'> | undefined;
}
