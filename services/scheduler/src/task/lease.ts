import { hasKey, speaksFor } from '@rigel/contracts';
import type { Run } from './state.js';

/** What whoever speaks under a lease shows of itself. */
export interface Sender {
  /** Its key; executors of the release before have none. */
  key?: string | undefined;
  /** The task that it means. That this is another one than is here is found before. */
  uuid?: string | undefined;
}

/**
 * Why whoever names a lease may not speak for it, also where that is over: somebody else has claimed it. Undefined when it may; whether the
 * lease is still valid is another question, and a number that was not given by now is nobody's. Pure.
 */
export function whyNotTheirs(run: Run, lease: number, { key, uuid }: Sender): string | undefined {
  // A lease of an executor of the release before is known by its number alone.
  if (lease !== run.lease || !hasKey(run.claimedBy)) return undefined;
  if (speaksFor(run.claimedBy, key) && uuid !== undefined) return undefined;
  const missing = uuid === undefined ? 'the uuid of the task' : 'the key of that executor';
  return `lease ${lease} of run ${run.id} is ${run.claimedBy}'s, and it was named without ${missing}`;
}
