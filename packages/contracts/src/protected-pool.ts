import { ServiceError, show } from './errors.js';
import type { Pool } from './inventory.js';

/**
 * Refuses a request that takes nodes of a protected pool out of service, unless it repeats the pool's name.
 * @throws ServiceError `invalid` (field `confirm`).
 */
export function assertConfirmed(pool: Pick<Pool, 'name' | 'protected'>, confirm: string | undefined): void {
  if (!pool.protected || confirm === pool.name) return;
  const got = confirm === undefined ? 'confirm is missing' : `got ${show(confirm)}`;
  throw new ServiceError(
    'confirm_name',
    `pool ${show(pool.name)} is protected: confirm must be its name, ${show(pool.name)} (${got})`,
    'confirm',
    { value: confirm, data: { pool: pool.name } },
  );
}
