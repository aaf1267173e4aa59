import type { Clock } from '@rigel/clock';
import { type OrphanResult, orphans } from '@rigel/contracts';
import { KeptCheck } from '@rigel/event-store';
import type { Bus } from '@rigel/messaging';
import type { Operations } from '@rigel/runtime';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import { lookForOrphans } from './look.js';
import { unknownCreations } from './makers.js';

/** Each provider may take two minutes, twice. */
const LIMIT_MS = 30 * 60_000;

/**
 * Serves the look for machines that no node has. The scheduler keeps the result: it knows which run asked for a machine, and
 * whether that run is done. @returns the check, which ends with the service.
 */
export function serveOrphans(
  operations: Operations,
  { bus, db, clock, log }: { bus: Bus; db: Kysely<unknown>; clock: Clock; log: Logger },
): Pick<KeptCheck<OrphanResult>, 'stop'> {
  const check = new KeptCheck<OrphanResult>({
    db,
    name: 'orphans',
    limitMs: LIMIT_MS,
    clock,
    log,
    run: (signal, progress) => lookForOrphans({ bus, db, signal, progress }),
  });
  operations.serve(orphans.read, async () => {
    const [state, { unknown, total }] = await Promise.all([check.read(), unknownCreations(db)]);
    return { ...state, unknown, unknown_total: total };
  });
  operations.serve(orphans.check, async (_request, { actor }) => ({ begun: await check.begin(actor) }));
  return check;
}
