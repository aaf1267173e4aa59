import { overview, search } from '@rigel/contracts';
import type { Operations } from '@rigel/runtime';
import type { Kysely } from 'kysely';
import { readFleet } from './fleet.js';
import { searchFleet } from './search.js';

/** Serves how the fleet stands, and the search for its objects. */
export function serveOverview(operations: Operations, db: Kysely<unknown>): void {
  operations.serve(overview.fleet, () => readFleet(db));
  operations.serve(search.inventory, async ({ q, kinds }) => ({ found: await searchFleet(db, q, kinds) }));
}
