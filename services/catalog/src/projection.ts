import type { Project } from '@rigel/event-store';
import type { Transaction } from 'kysely';
import { actionImplProjection } from './actimpl/projection.js';
import { actionProjection } from './action/projection.js';
import { remoteStepProjection } from './remote-step/projection.js';
import type { CatalogTables } from './tables.js';
import { templateProjection } from './template/projection.js';

const PROJECTIONS = new Map<string, (trx: Transaction<CatalogTables>, data: never) => Promise<unknown>>(
  Object.entries({
    ...actionProjection,
    ...actionImplProjection,
    ...remoteStepProjection,
    ...templateProjection,
  }),
);

/** Applies events to the read tables, in their order. */
export const project: Project = async (trx, events) => {
  for (const { type, data } of events) {
    const apply = PROJECTIONS.get(type);
    if (!apply) throw new Error(`no projection for events of type ${type}`);
    await apply(trx as Transaction<CatalogTables>, data as never);
  }
};
