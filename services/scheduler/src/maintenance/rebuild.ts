import { holdWriters, readAll, readHead } from '@rigel/event-store';
import { HistoryDamaged, type Progress, STATEMENT_TIMEOUT } from '@rigel/event-store/maintenance';
import { CompiledQuery, type Kysely, sql, type Transaction } from 'kysely';
import { schedulerEventTypes } from '../event-types.js';
import { foldTask } from '../store/fold-task.js';
import { insertTasks } from '../store/sql/insert-tasks.js';
import { type TaskEvent, taskIdOf } from '../task/events.js';
import { heldNodes } from '../task/projection.js';
import type { TaskState } from '../task/state.js';
import { addPins, createPins, dropPins, insertHostKeys } from './host-keys.js';

/** Runs whose rows are replaced in one transaction; a task is never divided. */
const GROUP_RUNS = 1_000;
const IDS = 500;
const CHUNK = 5_000;

/**
 * Replaces the rows of all tasks by what their events say, while the scheduler runs: a group of tasks at a time is folded
 * beside it, and writers wait while the group's last events are added and its rows are put in place. A reader sees the
 * old rows of a group, or the new ones.
 */
export async function rebuildTasks(db: Kysely<unknown>, progress: Progress): Promise<void> {
  await db.connection().execute(async (connection) => {
    await sql`SET statement_timeout = ${sql.lit(STATEMENT_TIMEOUT)}`.execute(connection);
    const unheld = await rebuildAll(connection, await taskIds(connection), progress);
    // A hold may have been kept from its task by a wrong one of a task that came later, and is gone by now.
    const left = unheld.length === 0 ? [] : await rebuildAll(connection, unheld, progress);
    await removeStrangers(connection);
    await rebuildHostKeys(connection);
    if (left.length > 0) {
      throw new HistoryDamaged(
        `by the events these tasks hold nodes that other tasks hold too: ${left.join(', ')}`,
      );
    }
  });
}

async function* taskIds(db: Kysely<unknown>): AsyncGenerator<number> {
  for (let last = ''; ; ) {
    const { rows } = await sql<{ stream: string }>`
      SELECT stream FROM events WHERE version = 1 AND stream > ${last} AND starts_with(stream, 'task-')
      ORDER BY stream LIMIT ${IDS}`.execute(db);
    for (const { stream } of rows) yield taskIdOf(stream);
    if (rows.length < IDS) return;
    last = rows.at(-1)?.stream ?? last;
  }
}

/** @returns tasks that could not be given a node that they hold, because another task's hold is in the way. */
async function rebuildAll(
  db: Kysely<unknown>,
  ids: AsyncIterable<number> | Iterable<number>,
  progress: Progress,
): Promise<number[]> {
  const unheld: number[] = [];
  let group: TaskState[] = [];
  let events = 0;
  const flush = async (): Promise<void> => {
    unheld.push(...(await replaceRows(db, group)));
    for (const { version } of group) events += version;
    progress(events);
    group = [];
  };
  for await (const id of ids) {
    const task = await foldTask(db, id);
    if (!task) continue;
    group.push(task);
    if (group.reduce((runs, { runs: more }) => runs + more.length, 0) >= GROUP_RUNS) await flush();
  }
  if (group.length > 0) await flush();
  return unheld;
}

async function replaceRows(db: Kysely<unknown>, folded: readonly TaskState[]): Promise<number[]> {
  return db.transaction().execute(async (trx) => {
    await holdWriters(trx);
    const tasks: TaskState[] = [];
    for (const task of folded) tasks.push((await foldTask(trx, task.id, task)) ?? task);
    const ids = tasks.map(({ id }) => id);
    const runIds = tasks.flatMap(({ runs }) => runs.map(({ id }) => id));
    await run(trx, 'DELETE FROM runs WHERE task_id = ANY ($1) OR id = ANY ($2)', [ids, runIds]);
    await run(trx, 'DELETE FROM tasks WHERE id = ANY ($1)', [ids]);
    await deleteOccurrences(trx, tasks);
    await insertTasks(trx, tasks);
    return replaceHolds(trx, tasks);
  });
}

/** Also where one is said to have led to another task. */
async function deleteOccurrences(trx: Transaction<unknown>, tasks: readonly TaskState[]): Promise<void> {
  const occurrences = tasks.flatMap(({ created: { occurrence, pool } }) =>
    occurrence ? [{ ...occurrence, pool: pool.id }] : [],
  );
  await run(trx, 'DELETE FROM occurrence_tasks WHERE task_id = ANY ($1)', [tasks.map(({ id }) => id)]);
  await run(
    trx,
    `DELETE FROM occurrence_tasks t USING json_to_recordset($1::json)
       AS o(schedule bigint, cause text, due bigint, pool bigint)
     WHERE t.schedule_id = o.schedule AND t.cause = o.cause AND t.due = o.due AND t.pool_id = o.pool`,
    [JSON.stringify(occurrences)],
  );
}

/** Reservations stay, unless a hold takes their node. @returns tasks that lack a hold. */
async function replaceHolds(trx: Transaction<unknown>, tasks: readonly TaskState[]): Promise<number[]> {
  const holds = tasks.flatMap((task) => heldNodes(task).map((node_id) => ({ node_id, task_id: task.id })));
  await run(trx, 'DELETE FROM node_holds WHERE task_id = ANY ($1) AND expires_at IS NULL', [
    tasks.map(({ id }) => id),
  ]);
  const taken = await trx.executeQuery<{ node_id: number; task_id: number }>(
    CompiledQuery.raw(
      `INSERT INTO node_holds AS h (node_id, task_id)
       SELECT r.* FROM json_to_recordset($1::json) AS r(node_id bigint, task_id bigint) ORDER BY r.node_id
       ON CONFLICT (node_id) DO UPDATE SET task_id = excluded.task_id, expires_at = NULL
       WHERE h.expires_at IS NOT NULL
       RETURNING node_id, task_id`,
      [JSON.stringify(holds)],
    ),
  );
  const held = new Set(taken.rows.map(({ node_id, task_id }) => `${node_id} ${task_id}`));
  const lacking = holds.filter(({ node_id, task_id }) => !held.has(`${node_id} ${task_id}`));
  return [...new Set(lacking.map(({ task_id }) => task_id))];
}

/** Rows of tasks that no event knows. */
async function removeStrangers(db: Kysely<unknown>): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await holdWriters(trx);
    const unknown = (column: string) =>
      `NOT EXISTS (SELECT FROM events WHERE stream = 'task-' || ${column} AND version = 1)`;
    await run(trx, `DELETE FROM runs WHERE ${unknown('task_id')}`, []);
    await run(trx, `DELETE FROM tasks WHERE ${unknown('id')}`, []);
    await run(trx, `DELETE FROM occurrence_tasks WHERE ${unknown('task_id')}`, []);
    await run(
      trx,
      `DELETE FROM node_holds WHERE expires_at IS NULL AND (task_id IS NULL OR ${unknown('task_id')})`,
      [],
    );
  });
}

async function rebuildHostKeys(db: Kysely<unknown>): Promise<void> {
  await createPins(db, { keep: true });
  try {
    const head = await readHead(db);
    await collectPins(db, 0);
    await db.transaction().execute(async (trx) => {
      await holdWriters(trx);
      await collectPins(trx, head);
      await run(trx, 'DELETE FROM host_keys', []);
      await insertHostKeys(trx);
    });
  } finally {
    await dropPins(db);
  }
}

async function collectPins(db: Kysely<unknown>, after: number): Promise<void> {
  for (let position = after; ; ) {
    const events = await readAll(db, schedulerEventTypes, position, CHUNK);
    await addPins(
      db,
      events.flatMap((event) => {
        const { type, data } = event as unknown as TaskEvent;
        if (type !== 'HostKeyPinned') return [];
        return [{ node_id: data.node, host_key: data.hostKey, position: event.position }];
      }),
    );
    if (events.length < CHUNK) return;
    position = events.at(-1)?.position ?? position;
  }
}

async function run(trx: Transaction<unknown>, text: string, parameters: unknown[]): Promise<void> {
  await trx.executeQuery(CompiledQuery.raw(text, parameters));
}
