import type { Capability, HeldBy } from '@rigel/contracts';
import type { TaskEvent } from '../task/events.js';

/** An executor as its last heartbeat describes it. */
export interface ExecutorSeen {
  name: string;
  capabilities: readonly Capability[];
  freeSlots: number;
}

/** What is known of a task beside its history, at one time. */
export interface LiveFacts {
  /** Milliseconds since 1970. */
  now: number;
  /** A scheduler owns the task's partition; when none does, nothing is known of leases, offers and executors. */
  owned: boolean;
  /** The lease of a run, and for how long no heartbeat has named it. */
  lease(run: number): { executor: string; silentMs: number } | undefined;
  /** The offer of a run that no executor holds; `waiting`: others of the task are offered before it. */
  offer(run: number): { madeAt: number; repeatAt: number; tries: number } | 'waiting' | undefined;
  /** What the run's executor waits for, as its heartbeat says. */
  waitsFor(runId: number): { what: string; since: number } | undefined;
  /** Executors whose last heartbeat is no older than a lease lasts. */
  executors: readonly ExecutorSeen[];
  /** The last pause, stop, exceeded budget or end in the task's history. */
  lastControl: { event: TaskEvent; at: number } | undefined;
  /** Tasks that hold nodes which this task does not hold (any more), by the id of the node. */
  heldByOthers: ReadonlyMap<number, HeldBy>;
  /** Last lines that a failed run's last attempt printed, by run id. */
  lastOutput: ReadonlyMap<number, string>;
}
