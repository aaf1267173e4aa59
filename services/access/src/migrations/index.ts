import type { Migration } from 'kysely/migration';
import { accessTables } from './0001-access-tables.js';
import { followedEvent } from './0002-followed-event.js';
import { followedPosition } from './0003-followed-position.js';
import { keptAnswers } from './0004-kept-answers.js';
import { summedRequests } from './0005-summed-requests.js';
import { sessions } from './0006-sessions.js';
import { checks } from './0007-checks.js';
import { auditByAction } from './0008-audit-by-action.js';
import { mayRun } from './0009-may-run.js';

/** By name, applied in the order of their names; an applied one is never edited. */
export const migrations: Record<string, Migration> = {
  '0001-access-tables': accessTables,
  '0002-followed-event': followedEvent,
  '0003-followed-position': followedPosition,
  '0004-kept-answers': keptAnswers,
  '0005-summed-requests': summedRequests,
  '0006-sessions': sessions,
  '0007-checks': checks,
  '0008-audit-by-action': auditByAction,
  '0009-may-run': mayRun,
};
