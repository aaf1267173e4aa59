import {
  evolveByKind,
  projectAll,
  rebuildByProjection,
  type ServiceHistory,
} from '@rigel/event-store/maintenance';
import { eventTypes } from './event-types.js';
import { migrations } from './migrations/index.js';
import { project } from './projection.js';
import { sessionDecider } from './session/decider.js';
import { tokenDecider } from './token/decider.js';

export { ACTIONS, CONSEQUENCES } from './audit/audited-events.js';
export type { AccessTables } from './tables.js';
export { checkTokenName } from './token/name.js';
export { createToken, revokeToken, tokenRows } from './token/tokens.js';

/**
 * The access service's history, for programs that verify and rebuild it. A rebuild keeps what does not follow from its
 * events: the sequences, the last uses of tokens and sessions, one-time codes, the id of the installation, and the audit,
 * which follows from the events of all services and the reports of gateways.
 */
export const accessHistory: ServiceHistory = {
  service: 'access',
  types: eventTypes,
  migrations,
  tables: [
    { name: 'tokens', key: ['id'], stream: { prefix: 'token-', column: 'id' }, hidden: ['hash'] },
    {
      name: 'sessions',
      key: ['id'],
      stream: { prefix: 'session-', column: 'id' },
      hidden: ['hash', 'client'],
    },
  ],
  async replay(trx, { progress }) {
    await projectAll(trx, accessHistory, project, progress);
    return [];
  },
  rebuild: (db, progress) => rebuildByProjection(db, accessHistory, project, progress),
  evolve: evolveByKind({ token: tokenDecider, session: sessionDecider }),
};
