import type { Capability, ExecutorControl, WorkOffer } from '@rigel/contracts';
import type { EventMeta } from '@rigel/event-store';
import type { GateDependency, TaskEvent } from '../task/events.js';
import type { GateProgress } from '../task/gate.js';
import type { TaskState } from '../task/state.js';

/*
 * What the engine needs of the store and of the wire. The simulation puts its own in their place.
 */

/** What the engine needs of the store. */
export interface EngineStore {
  load(taskId: number): Promise<TaskState | undefined>;
  hostKeys(task: TaskState): Promise<Map<number, string>>;
  /** Tasks of these partitions for which something is still to be done: the last version of each. */
  activeTasks(partitions: readonly number[]): Promise<Map<number, number>>;
  /** Which of these tasks there are, ended ones too. */
  existing(taskIds: readonly number[]): Promise<Set<number>>;
  outputSize(runId: number, step: number, attempt: number): Promise<number>;
  /** How far the runs of other tasks are, whoever runs those. */
  progressOf(dependencies: readonly GateDependency[]): Promise<GateProgress[]>;
  commit(commit: Commit): Promise<void>;
}

/** How the engine reaches the executors. Both may lose what they are given. */
export interface EngineWire {
  offer(capability: Capability, offers: WorkOffer[], options: { repeated: boolean }): Promise<void>;
  control(executor: string, control: ExecutorControl): void;
}

/** Facts of one task that one request led to. The state contains them already. */
export interface TaskAppend {
  task: TaskState;
  events: TaskEvent[];
  /** Version of the stream before these events. */
  expectedVersion: number;
  meta: EventMeta;
}

/** A piece of an attempt's output. */
export interface OutputPiece {
  runId: number;
  step: number;
  attempt: number;
  start: number;
  data: Buffer;
}

/** Everything that was decided in one go, made durable in one transaction. */
export interface Commit {
  appends: TaskAppend[];
  outputs: OutputPiece[];
  now: number;
}

/** The database cannot keep what it was given (a NUL in a text, a number out of range): given again, it would refuse it again. */
export class Unstorable extends Error {
  override readonly name = 'Unstorable';
}
