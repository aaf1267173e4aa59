import type { Project } from '@rigel/event-store';
import type { Transaction } from 'kysely';
import type { AccessTables } from './tables.js';
import type { TokenEvent } from './token/decider.js';

/** Applies events to the read tables, in their order. */
export const project: Project = async (trx, events) => {
  const tables = trx as Transaction<AccessTables>;
  for (const recorded of events) {
    const event = { type: recorded.type, data: recorded.data } as TokenEvent;
    if (event.type === 'TokenCreated') {
      const { id, name, role, hash, expires, by, at } = event.data;
      const never = { revoked: null, revoked_by: '' };
      await tables
        .insertInto('tokens')
        .values({ id, name, role, hash, expires, created: at, created_by: by, ...never })
        .execute();
    } else {
      const { id, by, at } = event.data;
      await tables.updateTable('tokens').set({ revoked: at, revoked_by: by }).where('id', '=', id).execute();
    }
  }
};
