import type pg from 'pg';
import { sampled } from '../metrics.js';

/** The pools of this process: a service may have more than one. */
const pools = new Set<pg.Pool>();

const sum = (of: (pool: pg.Pool) => number): number => {
  for (const pool of pools) if (pool.ended) pools.delete(pool);
  return [...pools].reduce((total, pool) => total + of(pool), 0);
};

/** Statements that wait because all connections are taken. A statement waits for a moment even if one is free. */
function waitingFor(pool: pg.Pool): number {
  const { idleCount, options, totalCount, waitingCount } = pool;
  return idleCount === 0 && totalCount >= options.max ? waitingCount : 0;
}

/** Measures the connections of all pools of this process, and the statements that wait for one. */
export function measurePool(pool: pg.Pool): void {
  pools.add(pool);
  sampled({ name: 'rigel_db_connections', help: 'Open connections to PostgreSQL.' }, () =>
    sum(({ totalCount }) => totalCount),
  );
  sampled(
    {
      name: 'rigel_db_waiting',
      help: 'Statements and transactions that wait for a connection to PostgreSQL because all are in use.',
    },
    () => sum(waitingFor),
  );
}
