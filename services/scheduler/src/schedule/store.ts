import { type DependItem, PARTITIONS, type RunState, type ScheduleType } from '@rigel/contracts';
import {
  append,
  chunksOfStream,
  type EventMeta,
  isDatabaseError,
  lockHistory,
  type RecordedEvent,
  VersionConflict,
} from '@rigel/event-store';
import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import { readHolders } from '../store/holders.js';
import type { Tables } from '../store/tables.js';
import type { Holder } from '../task/holders.js';
import { type OccurrenceKey, type ScheduleEvent, scheduleEventTypes, scheduleStreamOf } from './events.js';
import { projectSchedules } from './projection.js';
import { evolveSchedule, type ScheduleState } from './state.js';

/** What became of a task, as far as it matters for the next occurrence of its schedule. */
export interface TaskStanding {
  id: number;
  standing: 'running' | 'paused' | 'ended';
}

/** What the runner needs of the store. */
export interface ScheduleLedger {
  /** The scheduled tasks of these partitions: the last version of each. */
  versions(partitions: readonly number[]): Promise<Map<number, number>>;
  load(id: number): Promise<ScheduleState | undefined>;
  /** Makes facts durable. @throws VersionConflict when another replica was faster. */
  record(state: ScheduleState, events: readonly ScheduleEvent[], meta: EventMeta, now: number): Promise<void>;
  /** The tasks that an occurrence has led to. */
  tasksOf(id: number, key: OccurrenceKey): Promise<number[]>;
  standings(tasks: readonly number[]): Promise<TaskStanding[]>;
  /** Notes what an occurrence without an outcome waits for, for people who ask. */
  noteWait(id: number, key: OccurrenceKey, waitsFor: string): Promise<void>;
}

/** A node as the last task that had it left it. */
export interface NodeStanding {
  node_id: number;
  state: RunState;
  /** Its machine was given back: it leaves the pool, or has left it. */
  returned: boolean;
}

/** SQL condition of a task that goes on only when an operator starts it. */
const STANDING = `(state = 0 OR (state = 4 AND end_reason = ''))`;

/** The rows and events of scheduled tasks in the scheduler's schema. */
export class ScheduleStore implements ScheduleLedger {
  private readonly raw: Kysely<unknown>;

  constructor(
    readonly db: Kysely<Tables>,
    private readonly onRecorded: () => void,
  ) {
    this.raw = db as unknown as Kysely<unknown>;
  }

  async versions(partitions: readonly number[]): Promise<Map<number, number>> {
    const rows = await this.query<{ id: number; version: number }>(
      `SELECT id, version FROM schedules WHERE id % ${PARTITIONS} = ANY($1) ORDER BY id`,
      [partitions],
    );
    return new Map(rows.map(({ id, version }) => [id, version]));
  }

  async load(id: number, from?: ScheduleState): Promise<ScheduleState | undefined> {
    return foldSchedule(this.raw, id, from);
  }

  async record(
    state: ScheduleState,
    events: readonly ScheduleEvent[],
    meta: EventMeta,
    now: number,
  ): Promise<void> {
    await this.append(state.id, state.version, events, meta, now);
  }

  /**
   * Appends to a scheduled task's stream and writes its rows.
   * @param check looks at the rows under the lock of the history, before they change; what it throws undoes all.
   * @throws VersionConflict when another writer was faster, or has made a task for an occurrence whose
   *   outcome would name none.
   */
  async append(
    id: number,
    expectedVersion: number,
    events: readonly ScheduleEvent[],
    meta: EventMeta,
    now: number,
    check: (trx: Transaction<Tables>) => Promise<void> = async () => undefined,
  ): Promise<void> {
    await this.raw.transaction().execute(async (trx) => {
      await lockHistory(trx);
      await check(trx as unknown as Transaction<Tables>);
      const stream = scheduleStreamOf(id);
      const recorded = await append<ScheduleEvent>(
        trx,
        scheduleEventTypes,
        [{ stream, expectedVersion, events, meta }],
        now,
      );
      await assertNoTask(trx, id, events);
      try {
        await projectSchedules(trx, recorded as RecordedEvent<ScheduleEvent>[]);
      } catch (error) {
        const taken = isDatabaseError(error) && error.code === '23505';
        throw taken ? new VersionConflict(`${stream}: its occurrence has an outcome already`) : error;
      }
    });
    this.onRecorded();
  }

  /** An id that was never given before. */
  async nextId(): Promise<number> {
    const [row] = await this.query<{ last: number }>(
      `UPDATE counters SET last = last + 1 WHERE name = 'schedule' RETURNING last`,
      [],
    );
    if (!row) throw new Error('there is no counter schedule');
    return row.last;
  }

  async tasksOf(id: number, { cause, due }: OccurrenceKey): Promise<number[]> {
    const rows = await this.query<{ task_id: number }>(
      `SELECT task_id FROM occurrence_tasks WHERE schedule_id = $1 AND cause = $2 AND due = $3 ORDER BY task_id`,
      [id, cause, due],
    );
    return rows.map(({ task_id }) => task_id);
  }

  async standings(tasks: readonly number[]): Promise<TaskStanding[]> {
    return this.query<TaskStanding>(
      `SELECT id, CASE WHEN ${STANDING} THEN 'paused' WHEN active THEN 'running' ELSE 'ended' END AS standing
       FROM tasks WHERE id = ANY($1) ORDER BY id`,
      [tasks],
    );
  }

  async noteWait(id: number, { cause, due }: OccurrenceKey, waitsFor: string): Promise<void> {
    await this.query(
      `INSERT INTO schedule_waits (schedule_id, cause, due, waits_for) VALUES ($1, $2, $3, $4)
       ON CONFLICT (schedule_id) DO UPDATE
         SET cause = excluded.cause, due = excluded.due, waits_for = excluded.waits_for`,
      [id, cause, due, waitsFor],
    );
  }

  /** What the scheduled tasks of a type say of their pools' dependencies. */
  async dependenciesOf(type: ScheduleType): Promise<Map<number, DependItem[]>> {
    const rows = await this.query<{ pool_id: number; depend_items: DependItem[] }>(
      `SELECT pool_id, depend_items FROM schedules WHERE type = $1 AND depend_items <> '[]'`,
      [type],
    );
    return new Map(rows.map(({ pool_id, depend_items }) => [pool_id, depend_items]));
  }

  /** Tasks that have not ended, of scheduled tasks of a type, in these pools. */
  async unfinishedTasks(
    pools: readonly number[],
    type: ScheduleType,
  ): Promise<{ id: number; pool_id: number; standing: 'running' | 'paused' }[]> {
    return this.query(
      `SELECT t.id, t.pool_id, CASE WHEN ${STANDING} THEN 'paused' ELSE 'running' END AS standing
       FROM tasks t JOIN occurrence_tasks o ON o.task_id = t.id JOIN schedules s ON s.id = o.schedule_id
       WHERE t.active AND t.end_reason = '' AND t.pool_id = ANY($1) AND s.type = $2 ORDER BY t.id`,
      [pools, type],
    );
  }

  /** Nodes that unfinished tasks hold, and whether those run. */
  async holdsOf(nodes: readonly number[], now: number): Promise<Map<number, 'running' | 'standing'>> {
    const rows = await this.query<{ node_id: number; running: boolean }>(
      `SELECT h.node_id, NOT coalesce(${STANDING}, false) AS running
       FROM node_holds h LEFT JOIN tasks t ON t.id = h.task_id
       WHERE h.node_id = ANY($1) AND (h.expires_at IS NULL OR h.expires_at >= $2)`,
      [nodes, now],
    );
    return new Map(rows.map(({ node_id, running }) => [node_id, running ? 'running' : 'standing']));
  }

  /** Which tasks and removals have these nodes; free nodes are left out. */
  holdersOf(nodes: readonly number[], now: number): Promise<Holder[]> {
    return readHolders(this.db as unknown as Kysely<unknown>, nodes, now);
  }

  /** How the last run of each node stands; nodes that never had one are absent. */
  async nodeStandings(nodes: readonly number[]): Promise<Map<number, NodeStanding>> {
    const rows = await this.query<NodeStanding>(
      `SELECT n.node_id, r.state, r.state = 2 AND t.options->-1->>'name' = 'return_vm' AS returned
       FROM unnest($1::bigint[]) AS n(node_id)
         CROSS JOIN LATERAL (SELECT * FROM runs WHERE runs.node_id = n.node_id ORDER BY id DESC LIMIT 1) AS r
         JOIN tasks t ON t.id = r.task_id`,
      [nodes],
    );
    return new Map(rows.map((row) => [row.node_id, row]));
  }

  private async query<Row>(text: string, parameters: unknown[]): Promise<Row[]> {
    return (await this.raw.executeQuery<Row>(CompiledQuery.raw(text, parameters))).rows;
  }
}

/**
 * Folds the events of a scheduled task, or those that a state does not contain yet.
 * @returns undefined when there are none.
 */
export async function foldSchedule(
  db: Kysely<unknown>,
  id: number,
  from?: ScheduleState,
): Promise<ScheduleState | undefined> {
  let state = from;
  for await (const events of chunksOfStream(db, scheduleEventTypes, scheduleStreamOf(id), from?.version)) {
    for (const event of events) state = evolveSchedule(state, event as ScheduleEvent, id);
  }
  return state;
}

/**
 * An occurrence whose outcome names no task must have made none: a call that makes one may have been given up and still have
 * succeeded.
 */
async function assertNoTask(
  trx: Transaction<unknown>,
  id: number,
  events: readonly ScheduleEvent[],
): Promise<void> {
  for (const { type, data } of events) {
    if (type !== 'OccurrenceResolved' || data.tasks.length > 0) continue;
    const { rows } = await trx.executeQuery<{ task_id: number }>(
      CompiledQuery.raw(
        'SELECT task_id FROM occurrence_tasks WHERE schedule_id = $1 AND cause = $2 AND due = $3',
        [id, data.cause, data.due],
      ),
    );
    if (rows.length > 0) throw new VersionConflict(`${scheduleStreamOf(id)}: a task was made meanwhile`);
  }
}
