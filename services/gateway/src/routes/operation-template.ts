import {
  catalog,
  inventory,
  type Pool,
  type PoolTasks,
  ServiceError,
  show,
  type Template,
} from '@rigel/contracts';
import type { Invocation } from '../endpoint.js';

/** What a pool can be told to do, each with a template that the pool names. */
export type PoolOperation = keyof PoolTasks;

/**
 * The pool, and the template it names for an operation.
 * @throws ServiceError `not_found`: the pool, or the template; `invalid`: the pool names none, or it has no step.
 */
export async function poolAndTemplate(
  poolId: number,
  operation: PoolOperation,
  { call }: Pick<Invocation, 'call'>,
): Promise<{ pool: Pool; template: Template }> {
  const pool = await call(inventory.getPool, { id: poolId });
  const id = pool.tasks[operation];
  if (!id) {
    throw new ServiceError(
      'invalid',
      `pool ${show(pool.name)} names no template for ${operation} (its tasks.${operation})`,
      'tasks',
    );
  }
  const template = await call(catalog.getTemplate, { id });
  if (template.steps.length === 0) {
    throw new ServiceError('invalid', `template ${show(template.name)} has no step`, 'tasks');
  }
  return { pool, template };
}
