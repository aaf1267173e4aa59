import { assertConfirmed, inventory, type Pool, ServiceError } from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';
import type { Logger } from 'pino';
import type { TaskState } from '../task/state.js';

/** A stop must not wait long for another service. */
const ASK_MS = 1_000;

/**
 * Refuses to stop a task of a protected pool without the pool's name. If the inventory does not answer, the stop goes
 * on: who stops a task while parts of the system are down must not be held up.
 * @throws ServiceError `invalid` (field `confirm`).
 */
export async function assertStopConfirmed(
  task: TaskState,
  confirm: string | undefined,
  { correlationId, actor, client }: RequestContext,
  { bus, log }: { bus: Bus; log: Logger },
): Promise<void> {
  const { id, name } = task.created.pool;
  let pool: Pool;
  try {
    pool = await bus.call(inventory.getPool, { id }, { correlationId, actor, client, timeoutMs: ASK_MS });
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    // The pool of an unfinished task exists: its nodes are held.
    log.warn(
      { task: task.id, pool: name, reason: error.message },
      'a task is stopped without asking whether its pool is protected: the inventory does not answer',
    );
    return;
  }
  assertConfirmed(pool, confirm);
}
