import { isDeepStrictEqual } from 'node:util';
import type { Kysely } from 'kysely';
import type { Tables } from './tables.js';
import { heldNodes, runRows, taskRow } from './task/projection.js';
import type { TaskStore } from './task-store.js';

/**
 * Folds a task's events anew and compares what comes out with the read tables.
 * @returns each difference in words; none when they agree.
 */
export async function verifyTask(db: Kysely<Tables>, store: TaskStore, taskId: number): Promise<string[]> {
  const task = await store.load(taskId);
  const row = await db.selectFrom('tasks').selectAll().where('id', '=', taskId).executeTakeFirst();
  if (!task) return row ? [`task ${taskId}: there is a row, but no events`] : [];
  if (!row) return [`task ${taskId}: there are events, but no row`];
  const differences = compare(`task ${taskId}`, taskRow(task), row);
  const runs = await db
    .selectFrom('runs')
    .selectAll()
    .where('task_id', '=', taskId)
    .orderBy('index')
    .execute();
  const expected = runRows(task, task.runs.keys());
  if (runs.length !== expected.length) {
    differences.push(`task ${taskId}: ${runs.length} rows of runs, ${expected.length} in the events`);
  }
  expected.forEach((run, index) => {
    const actual = runs[index];
    if (actual) differences.push(...compare(`run ${run.id}`, run, actual));
  });
  const holds = await db
    .selectFrom('node_holds')
    .select('node_id')
    .where('task_id', '=', taskId)
    .where('expires_at', 'is', null)
    .orderBy('node_id')
    .execute();
  const shouldHold = heldNodes(task).sort((a, b) => a - b);
  const holding = holds.map(({ node_id }) => node_id);
  if (!isDeepStrictEqual(holding, shouldHold)) {
    differences.push(
      `task ${taskId}: holds nodes ${holding.join(', ')}, by the events ${shouldHold.join(', ')}`,
    );
  }
  return differences;
}

/** Fields of `expected` that are different in a row; the row may have more. */
function compare(what: string, expected: object, row: object): string[] {
  const actual = row as Record<string, unknown>;
  return Object.entries(expected).flatMap(([field, value]) =>
    isDeepStrictEqual(value, actual[field])
      ? []
      : [`${what}: ${field} is ${JSON.stringify(actual[field])}, by the events ${JSON.stringify(value)}`],
  );
}
