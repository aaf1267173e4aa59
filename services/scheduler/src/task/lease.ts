import { hasKey, speaksFor } from '@rigel/contracts';
import type { Run } from './state.js';

/** What the sender of a message under a lease shows of itself. */
export interface Sender {
  /** Its key; executors of the release before have none. */
  key?: string | undefined;
  /** The task that it means. The service has compared it with the task of this id before. */
  uuid?: string | undefined;
}

/**
 * Why the sender may not speak for the lease that it names, valid or over: another executor claimed it. Undefined when it may; whether the
 * lease is still valid is another question, and a number that no executor was given belongs to none. Pure.
 */
export function whyNotTheirs(run: Run, lease: number, { key, uuid }: Sender): string | undefined {
  // A lease of an executor of the release before is known by its number alone.
  if (lease !== run.lease || !hasKey(run.claimedBy)) return undefined;
  if (speaksFor(run.claimedBy, key) && uuid !== undefined) return undefined;
  const missing = uuid === undefined ? 'the uuid of the task' : 'the key of that executor';
  return `lease ${lease} of run ${run.id} belongs to ${run.claimedBy}, and the message came without ${missing}`;
}
