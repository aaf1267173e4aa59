import type { Migration } from 'kysely/migration';
import { readTables } from './0001-read-tables.js';
import { followedEvent } from './0002-followed-event.js';
import { followedPosition } from './0003-followed-position.js';
import { keptAnswers } from './0004-kept-answers.js';
import { heldTemplates } from './0005-held-templates.js';
import { implementationsOfActions } from './0006-implementations-of-actions.js';
import { checks } from './0007-checks.js';
import { managedBy } from './0008-managed-by.js';

/** By name, applied in the order of their names; an applied one is never edited. */
export const migrations: Record<string, Migration> = {
  '0001-read-tables': readTables,
  '0002-followed-event': followedEvent,
  '0003-followed-position': followedPosition,
  '0004-kept-answers': keptAnswers,
  '0005-held-templates': heldTemplates,
  '0006-implementations-of-actions': implementationsOfActions,
  '0007-checks': checks,
  '0008-managed-by': managedBy,
};
