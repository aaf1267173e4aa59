import type pg from 'pg';
import { sampled } from '../metrics.js';

/** The pools of this process: a service may have more than one. */
const pools = new Set<pg.Pool>();

const sum = (of: (pool: pg.Pool) => number): number => {
  for (const pool of pools) if (pool.ended) pools.delete(pool);
  return [...pools].reduce((total, pool) => total + of(pool), 0);
};

/** What waits because all connections are taken. A statement stands in line for a moment also where one is free. */
function waitingFor(pool: pg.Pool): number {
  const { idleCount, options, totalCount, waitingCount } = pool;
  return idleCount === 0 && totalCount >= options.max ? waitingCount : 0;
}

/** Tells how many connections a pool has, together with the other ones of this process, and what waits for one. */
export function measurePool(pool: pg.Pool): void {
  pools.add(pool);
  sampled({ name: 'rigel_db_connections', help: 'Open connections to PostgreSQL.' }, () =>
    sum(({ totalCount }) => totalCount),
  );
  sampled(
    {
      name: 'rigel_db_waiting',
      help: 'Statements and transactions that wait for a connection to PostgreSQL, because all are taken.',
    },
    () => sum(waitingFor),
  );
}
