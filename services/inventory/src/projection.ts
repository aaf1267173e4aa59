import type { Project } from '@rigel/event-store';
import type { Transaction } from 'kysely';
import { clusterProjection } from './cluster/projection.js';
import { nodeProjection } from './node/projection.js';
import { poolProjection } from './pool/projection.js';
import { serviceProjection } from './service/projection.js';
import type { InventoryTables } from './tables.js';

const PROJECTIONS = new Map<string, (trx: Transaction<InventoryTables>, events: never[]) => Promise<unknown>>(
  Object.entries({ ...clusterProjection, ...serviceProjection, ...poolProjection, ...nodeProjection }),
);

/**
 * Applies events to the read tables, in their order. Neighbours of one type go together, so that ten thousand new nodes
 * are one statement.
 */
export const project: Project = async (trx, events) => {
  let start = 0;
  while (start < events.length) {
    const type = events[start]?.type as string;
    let end = start + 1;
    while (events[end]?.type === type) end++;
    const apply = PROJECTIONS.get(type);
    if (!apply) throw new Error(`no projection for events of type ${type}`);
    await apply(
      trx as Transaction<InventoryTables>,
      events.slice(start, end).map(({ data }) => data as never),
    );
    start = end;
  }
};
