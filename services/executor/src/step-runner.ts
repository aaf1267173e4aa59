import type { AttemptResult, Instruction, OutputPiece, TaskPlan } from '@rigel/contracts';

export type RunInstruction = Extract<Instruction, { do: 'run' }>;
export type StopInstruction = Extract<Instruction, { do: 'stop' }>;

/** What one attempt came to. */
export interface AttemptReport {
  result: AttemptResult;
  /** The node's host key, when it was seen for the first time. */
  hostKey?: string;
}

/**
 * Output of the attempt under way; offsets count its bytes from 0. It comes in order; behind its beginning bytes may be left
 * out, and its end may come once more.
 * @param kept how much is kept of its beginning and of its end, once it is longer than both together.
 */
export type OnOutput = (offset: number, data: Buffer, kept?: KeptOutput) => void;
export type KeptOutput = NonNullable<OutputPiece['kept']>;

/** The run that a runner works for. */
export interface ClaimedRun {
  runId: number;
  plan: TaskPlan;
  node: ClaimedNode;
}

/** A node as the scheduler gave it; a create_vm of the same claim fills in what it learns. */
export interface ClaimedNode {
  ip: string;
  /** The provider's id of the machine; empty = none. */
  vmId: string;
  hostKey: string | null;
}

/** How an attempt is told to end early, and says what it waits for. */
export interface RunSignals {
  /** Aborted when somebody else has the run now: leave the node as it is and reject. */
  abandon: AbortSignal;
  /** Aborted when the command is to be ended; the attempt then ends as `stopped`. */
  stop: AbortSignal;
  /** Told what the attempt stands still at, in words; undefined = it goes on. */
  onWait?: (what: string | undefined) => void;
}

/** Does the steps of one node run; one object for each claim. What differs between kinds of executors is behind it. */
export interface StepRunner {
  /**
   * Runs an attempt to its end, or finds it again. Never throws for what happens on the node: that is the result.
   */
  run(instruction: RunInstruction, onOutput: OnOutput, signals: RunSignals): Promise<AttemptReport>;
  /**
   * Ends the command of an attempt.
   * @param begun whether somebody may have begun it. Default true.
   */
  stop(instruction: StopInstruction, abandon: AbortSignal, begun?: boolean): Promise<AttemptReport>;
  /** @param released whether the run is over: nothing of it is under way, and every outcome is recorded. */
  close(released: boolean): void;
}
