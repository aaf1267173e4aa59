import { createPool } from '@rigel/runtime/database';
import { Kysely, PostgresDialect } from 'kysely';
import type { Logger } from 'pino';

/**
 * The connections for commits and for new tasks. Left to itself PostgreSQL plans those statements anew each time, which costs a
 * small commit two thirds of all it costs: it reckons that a plan for these few rows is worth it. So the plans are made once and
 * kept, while the tables are small perhaps, and must suit them when they have millions of rows: they find rows in indexes,
 * whatever PostgreSQL thinks of their number then. Two connections, because one commit is under way at a time and one creation
 * may be beside it.
 */
export function openCommits(url: string, log: Logger): Kysely<unknown> {
  const pool = createPool(url, 'scheduler', log, 2, {
    plan_cache_mode: 'force_generic_plan',
    enable_seqscan: 'off',
    enable_hashjoin: 'off',
    enable_mergejoin: 'off',
  });
  return new Kysely({ dialect: new PostgresDialect({ pool }) });
}
