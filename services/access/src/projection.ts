import type { Project } from '@rigel/event-store';
import type { Transaction } from 'kysely';
import type { SessionEvent } from './session/decider.js';
import type { AccessTables } from './tables.js';
import type { TokenEvent } from './token/decider.js';

/** Applies events to the read tables, in their order. */
export const project: Project = async (trx, events) => {
  const tables = trx as Transaction<AccessTables>;
  for (const recorded of events) {
    const event = { type: recorded.type, data: recorded.data } as TokenEvent | SessionEvent;
    switch (event.type) {
      case 'TokenCreated': {
        const { id, name, role, mayRun = false, hash, expires, by, at } = event.data;
        const never = { revoked: null, revoked_by: '' };
        await tables
          .insertInto('tokens')
          .values({ id, name, role, may_run: mayRun, hash, expires, created: at, created_by: by, ...never })
          .execute();
        break;
      }
      case 'TokenRevoked': {
        const { id, by, at } = event.data;
        await tables
          .updateTable('tokens')
          .set({ revoked: at, revoked_by: by })
          .where('id', '=', id)
          .execute();
        break;
      }
      case 'SessionStarted': {
        const { id, token, hash, with: startedWith, expires, at } = event.data;
        const never = { ended: null, end_why: null, ended_by: '' };
        await tables
          .insertInto('sessions')
          .values({
            id,
            token_id: token,
            hash,
            started_with: startedWith,
            client: recorded.meta.client ?? '',
            started: at,
            expires,
            ...never,
          })
          .execute();
        break;
      }
      case 'SessionEnded':
      case 'SessionRevoked': {
        const { id, by, at } = event.data;
        const end_why = event.type === 'SessionEnded' ? event.data.why : 'revoked';
        await tables
          .updateTable('sessions')
          .set({ ended: at, end_why, ended_by: by })
          .where('id', '=', id)
          .execute();
        break;
      }
    }
  }
};
