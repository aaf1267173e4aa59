import type { AttemptResult, Instruction, OutputPiece, Placement, TaskPlan } from '@rigel/contracts';

export type RunInstruction = Extract<Instruction, { do: 'run' }>;
export type StopInstruction = Extract<Instruction, { do: 'stop' }>;

/** How an attempt ended, before its report adds the times. */
export type UntimedResult = Omit<AttemptResult, 'started_at' | 'finished_at'>;

/** How an attempt ended, for the scheduler. */
export interface AttemptReport {
  result: AttemptResult;
  /** The node's host key, if this attempt is the first to see it. */
  hostKey?: string;
}

/**
 * Takes output of the running attempt; offsets count its bytes from 0. Pieces come in order. After the beginning, bytes
 * may be missing between two pieces, and the last bytes may come twice.
 * @param kept how many bytes of the beginning and of the end are kept, once the output is longer than both together.
 */
export type OnOutput = (offset: number, data: Buffer, kept?: KeptOutput) => void;
export type KeptOutput = NonNullable<OutputPiece['kept']>;

/** The folders outside of the home folder that an instruction names; see node-scripts/places.sh of remote-attempt. */
export type RecordedFolders = Pick<StopInstruction, 'folders'>;

/** The run that a runner works for. */
export interface ClaimedRun {
  runId: number;
  plan: TaskPlan;
  node: ClaimedNode;
}

/** A node as the scheduler gave it. A create_vm of the same claim adds what it learns. */
export interface ClaimedNode {
  ip: string;
  /** The provider's id of the machine; empty = none. */
  vmId: string;
  hostKey: string | null;
}

/** @throws Error when the plan has no such step: the scheduler never names one */
export function plannedStep({ task_id, steps }: TaskPlan, step: number): TaskPlan['steps'][number] {
  const planned = steps[step];
  if (!planned) throw new Error(`the plan of task ${task_id} has no step ${step}`);
  return planned;
}

/** The ways to end an attempt early, and the calls by which it speaks to the worker. */
export interface RunSignals {
  /** Aborted when another executor has the run now: the runner leaves the node as it is and rejects. */
  abandon: AbortSignal;
  /** Aborted when the command has to end; the attempt then ends as `stopped`. */
  stop: AbortSignal;
  /** Gets a text that says what the attempt waits for; undefined = the attempt goes on. */
  onWait?: (what: string | undefined) => void;
  /**
   * Records that the attempt begins in another folder, because the home folder of its node cannot take it. Before that,
   * nothing of the attempt may begin there. Resolves with undefined once it is recorded, else with why the attempt must
   * not begin there.
   */
  onPlace?: (placement: Placement, why: string) => Promise<string | undefined>;
}

/** Does the steps of one node run; one object for each claim. Each kind of step has its own implementation. */
export interface StepRunner {
  /**
   * Runs an attempt to its end, or finds it again. What goes wrong on the node is part of the report; the call rejects
   * only when the run is abandoned.
   */
  run(instruction: RunInstruction, onOutput: OnOutput, signals: RunSignals): Promise<AttemptReport>;
  /**
   * Ends the command of an attempt.
   * @param begun whether any executor may have begun it. Default true.
   */
  stop(instruction: StopInstruction, abandon: AbortSignal, begun?: boolean): Promise<AttemptReport>;
  /** @param released whether the run is over: none of it is in progress, and every result is recorded. */
  close(released: boolean): void;
}
