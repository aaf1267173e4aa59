import { nodeRuns, taskPast } from '@rigel/contracts';
import type { Operations } from '@rigel/runtime';
import type { Kysely } from 'kysely';
import { readOutputGroups } from '../reads/output/output-groups.js';
import { readOutputPieces } from '../reads/output/output-pieces.js';
import { readOutputRange } from '../reads/output/output-range.js';
import { searchAttempt } from '../reads/output/search-attempt.js';
import { searchTask } from '../reads/output/search-task.js';
import { pastOf } from '../reads/past/frames.js';
import { gridOf } from '../reads/past/grid.js';
import { PastTasks } from '../reads/past/past-tasks.js';
import { readTimeline } from '../reads/past/timeline.js';
import { RunAccounts } from '../reads/run/run-accounts.js';

/** Serves close looks at one node's run, at output, and at a task as it was; any replica answers them. */
export function serveLooks(operations: Operations, db: Kysely<unknown>): void {
  const accounts = new RunAccounts(db);
  const past = new PastTasks(db);
  operations.serve(nodeRuns.account, ({ id }) => accounts.account(id));
  operations.serve(nodeRuns.outputRange, (request) => readOutputRange(db, request));
  operations.serve(nodeRuns.searchOutput, (request) => searchAttempt(db, request));
  operations.serve(nodeRuns.searchTask, (request) => searchTask(db, request));
  operations.serve(nodeRuns.outputGroups, (request) => readOutputGroups(db, request));
  operations.serve(nodeRuns.outputPieces, (request) => readOutputPieces(db, request, Date.now()));
  operations.serve(taskPast.at, ({ id, version, time }) =>
    past.at(id, { version, time }, 'grid', (task) => ({ ...pastOf(task), ...gridOf(task) })),
  );
  operations.serve(taskPast.frames, (request) => past.frames(request));
  operations.serve(taskPast.timeline, (request) => readTimeline(db, request));
}
