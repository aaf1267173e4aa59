import type { Migration } from 'kysely/migration';
import * as initial from './0001-initial.js';
import * as roomInRunRows from './0002-room-in-run-rows.js';
import * as schedules from './0003-schedules.js';
import * as poolsBeingDeleted from './0004-pools-being-deleted.js';
import * as followedEvent from './0005-followed-event.js';
import * as scheduleWaits from './0006-schedule-waits.js';
import * as followedPosition from './0007-followed-position.js';
import * as runsWithoutReference from './0008-runs-without-reference.js';
import * as noStatisticsOfPayloads from './0009-no-statistics-of-payloads.js';
import * as keptAnswers from './0013-kept-answers.js';
import * as ignoredErrors from './0015-ignored-errors.js';
import * as taskProgress from './0016-task-progress.js';
import * as linesOfOutput from './0017-lines-of-output.js';
import * as scheduleLedger from './0020-schedule-ledger.js';
import * as checks from './0021-checks.js';

/** Applied in the order of their names; never edited once released. */
export const migrations: Record<string, Migration> = {
  '0001-initial': initial,
  '0002-room-in-run-rows': roomInRunRows,
  '0003-schedules': schedules,
  '0004-pools-being-deleted': poolsBeingDeleted,
  '0005-followed-event': followedEvent,
  '0006-schedule-waits': scheduleWaits,
  '0007-followed-position': followedPosition,
  '0008-runs-without-reference': runsWithoutReference,
  '0009-no-statistics-of-payloads': noStatisticsOfPayloads,
  '0013-kept-answers': keptAnswers,
  '0015-ignored-errors': ignoredErrors,
  '0016-task-progress': taskProgress,
  '0017-lines-of-output': linesOfOutput,
  '0020-schedule-ledger': scheduleLedger,
  '0021-checks': checks,
};
