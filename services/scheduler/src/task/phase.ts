import type { RunState } from '@rigel/contracts';
import type { TaskEvent } from './events.js';

/*
 * Where a run stands in its life.
 *
 * | phase    | meaning                                                               | executor | its command may run |
 * | -------- | --------------------------------------------------------------------- | -------- | ------------------- |
 * | pending  | its batch has not begun                                               | none     | if a resume took the run out of draining |
 * | ready    | it waits for an executor                                              | none     | no                  |
 * | gated    | it waits for other pools before the step it stands at                 | none     | no                  |
 * | leased   | an executor has its lease and works on it                             | one      | yes                 |
 * | orphaned | its executor is gone or gave it back, and its command may go on       | none     | yes                 |
 * | draining | it has its verdict, and its command is being ended on the node        | or none  | yes                 |
 * | ended    | it has its verdict                                                    | none     | no                  |
 *
 * MOVES says which events lead from one phase to another; an event that is not listed for a phase never meets it.
 */

export type RunPhase = 'pending' | 'ready' | 'gated' | 'leased' | 'orphaned' | 'draining' | 'ended';

/** How a run ended. */
export type RunVerdict = 'succeeded' | 'failed' | 'stopped';

type Moves = Partial<Record<TaskEvent['type'], readonly RunPhase[]>>;

/** The phases to which an event may take a run, by the phase it is in. Events that leave all runs where they are, are not listed. */
export const MOVES: Readonly<Record<RunPhase, Moves>> = {
  pending: {
    BatchStarted: ['ready', 'gated', 'orphaned'],
    // The task could not have the node.
    RunFailed: ['ended'],
    // The failure budget is exceeded.
    RunsHalted: ['ended', 'draining'],
    TaskStarted: ['pending'],
    TaskStopped: ['ended', 'draining'],
    TaskTimedOut: ['ended', 'draining'],
  },
  ready: {
    RunClaimed: ['leased'],
    RunsHalted: ['ended'],
    TaskStopped: ['ended'],
    TaskTimedOut: ['ended'],
  },
  gated: {
    GateOpened: ['ready'],
    RunFailed: ['ended'],
    RunsHalted: ['ended'],
    TaskStopped: ['ended'],
    TaskTimedOut: ['ended'],
  },
  leased: {
    // The executor asks again, because the answer to its claim was lost.
    RunClaimed: ['leased'],
    RunWaiting: ['gated'],
    RunDeferred: ['pending'],
    RunHandedBack: ['ready', 'orphaned'],
    LeaseExpired: ['orphaned'],
    RunSucceeded: ['ended'],
    RunFailed: ['ended', 'draining'],
    RunsHalted: ['ended'],
    TaskStopped: ['draining'],
    TaskTimedOut: ['draining'],
  },
  orphaned: {
    RunClaimed: ['leased'],
    TaskStopped: ['draining'],
    TaskTimedOut: ['draining'],
  },
  draining: {
    RunClaimed: ['draining'],
    RunHandedBack: ['draining'],
    LeaseExpired: ['draining'],
    RunDrained: ['ended'],
    NodeReleased: ['ended'],
    TaskStarted: ['pending'],
  },
  ended: {
    TaskStarted: ['pending'],
  },
};

const OPEN: ReadonlySet<RunPhase> = new Set(['ready', 'gated', 'leased', 'orphaned']);

/** Whether the run's batch has begun and the run has no verdict yet. */
export function isOpen({ phase }: { phase: RunPhase }): boolean {
  return OPEN.has(phase);
}

/** What the outside sees of a run, and what the counts of a task count. */
export type RunStanding = 'waiting' | 'running' | RunVerdict;

/** A run without a verdict is running from its first claim since it was opened, also while it changes executors. */
export function standingOf({ verdict, begun }: { verdict: RunVerdict | null; begun: boolean }): RunStanding {
  return verdict ?? (begun ? 'running' : 'waiting');
}

/** The API's numbers of what the outside sees of a run, a step or a task. */
export const NUMBER = {
  waiting: 0,
  running: 1,
  succeeded: 2,
  failed: 3,
  stopped: 4,
} as const satisfies Record<RunStanding, RunState>;

/** The standings in the order of their numbers. */
export const STANDINGS: readonly RunStanding[] = ['waiting', 'running', 'succeeded', 'failed', 'stopped'];
