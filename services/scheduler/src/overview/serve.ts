import type { Clock } from '@rigel/clock';
import { overview, PARTITIONS, type RpcResponse, schedulerSystem, search } from '@rigel/contracts';
import type { Operations } from '@rigel/runtime';
import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely } from 'kysely';
import { MEMBERS, OWNERS } from '../engine/ownership.js';
import type { Executors } from '../why/executors.js';
import type { Overview } from './overview.js';
import { searchTasks } from './search.js';

type System = RpcResponse<typeof schedulerSystem>;

/** The schedulers as PostgreSQL's table of locks has them, see Ownership. */
const SCHEDULERS = prepared(`
  SELECT l.pid AS session, (extract(epoch FROM min(a.backend_start)) * 1000)::bigint AS since,
    coalesce(array_agg(l.objid::int ORDER BY l.objid::int) FILTER (WHERE l.classid = $2::int), '{}') AS partitions
  FROM pg_locks l JOIN pg_stat_activity a USING (pid)
  WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted AND l.classid IN ($1::int, $2::int)
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND a.usename = current_user
  GROUP BY l.pid ORDER BY l.pid`);

/** Serves how tasks stand, the search for tasks, and which processes there are. Any replica answers. */
export function serveOverview(
  operations: Operations,
  {
    db,
    all,
    executors,
    depth,
    clock,
  }: {
    db: Kysely<unknown>;
    all: Overview;
    executors: Executors;
    /** Offers that no executor has taken, by capability. */
    depth: () => Promise<[capability: string, offers: number][]>;
    clock: Clock;
  },
): void {
  operations.serve(overview.tasks, () => all.read());
  operations.serve(search.scheduler, async ({ q, kinds }) => ({
    found: kinds.includes('task') ? await searchTasks(db, q) : [],
  }));
  operations.serve(schedulerSystem, async () => {
    const [{ rows }, offers] = await Promise.all([
      db.executeQuery<System['schedulers'][number]>(CompiledQuery.raw(SCHEDULERS, [MEMBERS, OWNERS])),
      depth().catch(() => undefined),
    ]);
    return {
      executors: executors.all(clock.now()),
      schedulers: rows.map(({ partitions, ...row }) => ({
        ...row,
        partitions: partitions.filter((partition) => partition < PARTITIONS),
      })),
      offers: offers ? offers.map(([capability, offers]) => ({ capability, offers })) : null,
    };
  });
}
