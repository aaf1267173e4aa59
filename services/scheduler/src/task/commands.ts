import type { AttemptResult, Capability, Placement } from '@rigel/contracts';

/*
 * What a task can be asked to do: by operators, by executors under their lease, and by the scheduler itself.
 */

export type TaskCommand =
  | ({ do: 'start'; operator: string } & Choice & Preparation)
  | { do: 'pause'; operator: string; reason?: string | undefined }
  | { do: 'stop'; operator: string; reason?: string | undefined }
  | { do: 'timeOut' }
  | ExecutorCommand
  | { do: 'expireLease'; run: number; lease: number }
  /** A person's word that nothing runs any more on the node of a run that has ended. */
  | { do: 'release'; run: number; operator: string; reason: string }
  /** The node is being removed from its pool. */
  | { do: 'nodeRemoved'; run: number; operator: string }
  /** The other pools are where the runs wait for them to be. */
  | { do: 'openGate' }
  /** They will not be, or `overdue`: those have waited long enough. */
  | { do: 'failGate'; reason: string; overdue: boolean };

/** What executors ask for. */
export type ExecutorCommand = ClaimCommand | LeasedCommand;

/** What executors ask for under a lease that they name. */
export type LeasedCommand = PlaceCommand | ReportCommand | HandBackCommand;

export interface ClaimCommand {
  do: 'claim';
  run: number;
  executor: string;
  /** The executor never begins an attempt that is recorded to be elsewhere. */
  knowsPlaces?: boolean;
}

export interface HandBackCommand {
  do: 'handBack';
  run: number;
  lease: number;
  /** Between two steps: nothing of the run is under way on its node. */
  idle: boolean;
}

/** What an operator chooses for a start. */
export interface Choice {
  /**
   * Indexes of the runs that go on alone: whatever else is not done stays as it is. `halted`: all that were halted or have not
   * begun, so that those that failed stay. Absent: all.
   */
  only?: readonly number[] | 'halted' | undefined;
  /** Failed nodes that are tolerated from here on. Absent: as before. */
  budget?: number | undefined;
  /** What the operator was shown: the start is refused when other runs would go on, or fail because they lack their node. */
  shown?: { runs: readonly number[]; unavailable: readonly number[] } | undefined;
}

/** What was found out about the nodes that a task to be resumed does not hold any more. */
export interface Preparation {
  unavailable: readonly UnavailableNode[];
  /** Nodes that are reserved for the task. */
  reserved: readonly number[];
  /** The reservation is relied on until then. */
  reservedUntil: number;
}

/** A node that a resumed run cannot have: it left the pool, or another task holds it. */
export interface UnavailableNode {
  node: number;
  reason: string;
}

export interface ReportCommand {
  do: 'report';
  run: number;
  lease: number;
  step: number;
  attempt: number;
  result: AttemptResult;
  hostKey?: string;
  /** Why no step may run on the machine that it tells of: its address is another node's. */
  takenAddress?: string;
  /** What the executor can do: decides whether it goes on with the next step itself. */
  capabilities: readonly Capability[];
}

export interface PlaceCommand {
  do: 'place';
  run: number;
  lease: number;
  step: number;
  attempt: number;
  placement: Placement;
  why: string;
}
