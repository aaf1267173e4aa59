import type { TaskDetail } from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import type { Tables, TaskTable } from '../store/tables.js';
import { streamOf, type TaskGate } from '../task/events.js';

/** What the row of a task does not tell of it. */
export async function readDetails(
  db: Kysely<Tables>,
  row: TaskTable,
): Promise<NonNullable<TaskDetail['details']>> {
  const [commands_alive, gate] = await Promise.all([commandsAlive(db, row), readGate(db, row)]);
  const sources = row.options.flatMap(({ sources }) => (sources ? [sources] : []));
  const again_of = row.options[0]?.again_of;
  // Of a task of an earlier release nothing is known.
  return {
    ...{ commands_alive, gate },
    ...(again_of === undefined ? {} : { again_of }),
    ...(sources.length === row.options.length ? { sources } : {}),
  };
}

/** Of a task that goes on those at work; one that has ended holds just the nodes where a command may be alive. */
async function commandsAlive(
  db: Kysely<Tables>,
  { id, end_reason, active, stat }: TaskTable,
): Promise<number> {
  if (end_reason === '') return stat[1] ?? 0;
  if (!active) return 0;
  const { rows } = await sql<{ count: number }>`
    SELECT count(*)::int AS count FROM node_holds h JOIN runs r ON r.node_id = h.node_id AND r.task_id = h.task_id
    WHERE h.task_id = ${id} AND h.expires_at IS NULL`.execute(db);
  return rows[0]?.count ?? 0;
}

/** Only tasks of schedules wait for others. */
async function readGate(
  db: Kysely<Tables>,
  { id, flow_type, options }: TaskTable,
): Promise<NonNullable<TaskDetail['details']>['gate']> {
  if (flow_type !== 'crontab') return null;
  const stream = streamOf(id);
  const { rows } = await sql<{ gate: TaskGate | null; open: boolean }>`
    SELECT data->'gate' AS gate, EXISTS (SELECT FROM events WHERE stream = ${stream} AND type = 'GateOpened') AS open
    FROM events WHERE stream = ${stream} AND version = 1 AND data ? 'gate'`.execute(db);
  const [found] = rows;
  if (!found?.gate) return null;
  return {
    before: options[found.gate.before]?.name ?? '',
    open: found.open,
    waits_for: found.gate.waitsFor.map(({ task, pool, stepName }) => ({
      task_id: task,
      pool_id: pool.id,
      pool_name: pool.name,
      step: stepName,
    })),
  };
}
