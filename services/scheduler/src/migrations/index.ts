import type { Migration } from 'kysely/migration';
import * as initial from './0001-initial.js';
import * as roomInRunRows from './0002-room-in-run-rows.js';
import * as schedules from './0003-schedules.js';
import * as poolsBeingDeleted from './0004-pools-being-deleted.js';

/** Applied in the order of their names; never edited once released. */
export const migrations: Record<string, Migration> = {
  '0001-initial': initial,
  '0002-room-in-run-rows': roomInRunRows,
  '0003-schedules': schedules,
  '0004-pools-being-deleted': poolsBeingDeleted,
};
