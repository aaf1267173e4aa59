import { PARTITIONS, ServiceError, show } from '@rigel/contracts';
import {
  APPEND_CTES,
  APPEND_PARAMETERS,
  appendParameters,
  asVersionConflict,
  chunksOfStream,
  keepAnswer,
  lines,
  lockHistory,
  type MetaAppend,
  numbers,
  type RecordedEvent,
  recordedAs,
} from '@rigel/event-store';
import type { AskedOnce } from '@rigel/messaging';
import { isDataRefused } from '@rigel/runtime';
import { createPool, prepared } from '@rigel/runtime/database';
import { CompiledQuery, Kysely, PostgresDialect, type Transaction } from 'kysely';
import type { Logger } from 'pino';
import type { EngineStore } from '../engine/engine.js';
import { streamOf, type TaskCreated, type TaskEvent, taskEventTypes } from '../task/events.js';
import type { GateDependency, GateProgress } from '../task/gate.js';
import { heldNodes, spellingsOf } from '../task/projection.js';
import {
  type Changes,
  type Commit,
  changesOf,
  longestPieces,
  type OutputPiece,
  type TaskAppend,
  Unstorable,
} from '../task/read-model.js';
import { nameOf, type TaskState } from '../task/state.js';
import { foldTask } from './fold-task.js';
import { describeHolders, type Holder, readHolders } from './holders.js';
import { INSERT_PARAMETERS, insertCtes, insertParameters, RUN_NODES, RUN_TASKS } from './sql/insert-tasks.js';
import type { Tables } from './tables.js';

const parameter = (n: number): string => `$${APPEND_PARAMETERS + n}`;

// After the parameters of the append: the rows of runs, column by column, the other Changes, and the outputs, column by
// column. Every part joins `head`, so that its lock comes first.
export const COMMIT = prepared(`
  WITH ${APPEND_CTES},
  changed_tasks AS (
    UPDATE tasks t SET state = r.state, end_reason = r.end_reason, stat = r.stat, ignored = r.ignored, active = r.active,
      version = r.version, updated_at = r.updated_at
    FROM head, json_to_recordset(${parameter(8)}::json->'tasks') AS r(id bigint, state smallint, end_reason text,
      stat int[], ignored int, active boolean, version int, updated_at bigint)
    WHERE t.id = r.id
  ),
  changed_runs AS (
    UPDATE runs t SET state = r.state, step = r.step, steps = r.steps::jsonb, updated_at = r.updated_at,
      ip = coalesce(r.ip, t.ip), vm_id = coalesce(r.vm_id, t.vm_id)
    FROM head, unnest(${parameter(1)}::bigint[], ${parameter(2)}::smallint[], ${parameter(3)}::int[],
      string_to_array(${parameter(4)}, E'\\n'), ${parameter(5)}::bigint[], ${parameter(6)}::text[], ${parameter(7)}::text[])
      AS r(id, state, step, steps, updated_at, ip, vm_id)
    WHERE t.id = r.id
  ),
  pinned AS (
    INSERT INTO host_keys (node_id, host_key)
    SELECT r.node_id, r.host_key
    FROM head, json_to_recordset(${parameter(8)}::json->'host_keys') AS r(node_id bigint, host_key text)
    ON CONFLICT DO NOTHING
  ),
  held AS (
    UPDATE node_holds h SET expires_at = NULL
    FROM head, json_to_recordset(${parameter(8)}::json->'holding') AS r(task_id bigint, nodes bigint[])
    WHERE h.task_id = r.task_id AND h.node_id = ANY (r.nodes)
  ),
  released AS (
    DELETE FROM node_holds h
    USING head, json_to_recordset(${parameter(8)}::json->'ended') AS r(task_id bigint, nodes bigint[])
    WHERE h.task_id = r.task_id AND h.node_id <> ALL (r.nodes)
  ),
  stored AS (
    INSERT INTO attempt_output (run_id, step, attempt, start_byte, data)
    SELECT o.* FROM head, unnest(${parameter(9)}::bigint[], ${parameter(10)}::int[], ${parameter(11)}::int[],
      ${parameter(12)}::bigint[], ${parameter(13)}::bytea[]) AS o(run_id, step, attempt, start_byte, data)
    ON CONFLICT (run_id, step, attempt, start_byte) DO UPDATE SET data = excluded.data
    WHERE length(excluded.data) > length(attempt_output.data)
  )
  SELECT base FROM head`);

/**
 * Records new tasks with their rows and takes their nodes; `taken` is how many nobody else holds. A reservation that is over is
 * nobody's. A node that is named twice is an error: each lies in one pool, and tasks that are made together in different ones.
 * After the parameters of the append: those of the rows, the time, and the nodes that are held as other spellings, with their tasks.
 */
export const CREATE = prepared(`
  WITH ${APPEND_CTES},
  ${insertCtes('head,', APPEND_PARAMETERS)},
  taken AS (
    INSERT INTO node_holds AS h (node_id, task_id, expires_at)
    SELECT r.node, r.task, NULL FROM head, unnest(${parameter(RUN_NODES)}::bigint[] || ${parameter(INSERT_PARAMETERS + 2)}::bigint[],
      ${parameter(RUN_TASKS)}::bigint[] || ${parameter(INSERT_PARAMETERS + 3)}::bigint[]) AS r(node, task)
    ON CONFLICT (node_id) DO UPDATE SET task_id = excluded.task_id, expires_at = NULL
    WHERE h.expires_at < ${parameter(INSERT_PARAMETERS + 1)}
    RETURNING node_id
  )
  SELECT base, (SELECT count(*)::int FROM taken) AS taken FROM head`);

const NEXT_IDS = prepared(`
  WITH task AS (UPDATE counters SET last = last + $1 WHERE name = 'task' RETURNING last),
    -- One after the other, since two statements must not wait for each other.
    run AS (UPDATE counters c SET last = c.last + $2 FROM task WHERE c.name = 'run' RETURNING c.last)
  SELECT task.last - $1 + 1 AS task, run.last - $2 + 1 AS run FROM task, run`);

const HOST_KEYS = prepared('SELECT node_id, host_key FROM host_keys WHERE node_id = ANY($1)');

/** The parameters of the rows of runs. */
function runColumns(rows: Changes['runs']): unknown[] {
  const moved = rows.some(({ ip, vm_id }) => ip !== undefined || vm_id !== undefined);
  return [
    numbers(rows.map(({ id }) => id)),
    numbers(rows.map(({ state }) => state)),
    numbers(rows.map(({ step }) => step)),
    lines(rows.map(({ steps }) => JSON.stringify(steps))),
    numbers(rows.map(({ updated_at }) => updated_at)),
    moved ? rows.map(({ ip }) => ip ?? null) : null,
    moved ? rows.map(({ vm_id }) => vm_id ?? null) : null,
  ];
}

/**
 * The connections for commits and for new tasks. Left to itself PostgreSQL plans those statements anew each time, which costs a
 * small commit two thirds of all it costs: it reckons that a plan for these few rows is worth it. So the plans are made once and
 * kept, while the tables are small perhaps, and must suit them when they have millions of rows: they find rows in indexes,
 * whatever PostgreSQL thinks of their number then. Two connections, because one commit is under way at a time and one creation
 * may be beside it.
 */
export function openCommits(url: string, log: Logger): Kysely<unknown> {
  const pool = createPool(url, 'scheduler', log, 2, {
    plan_cache_mode: 'force_generic_plan',
    enable_seqscan: 'off',
    enable_hashjoin: 'off',
    enable_mergejoin: 'off',
  });
  return new Kysely({ dialect: new PostgresDialect({ pool }) });
}

// A node that failed may have passed the step in a later task, or have been given back by one.
const PROGRESS = `
  SELECT task, count(*) FILTER (WHERE NOT passed AND NOT failed)::int AS behind,
    coalesce(json_agg(json_build_object('node', node_id, 'ip', ip) ORDER BY node_id) FILTER (WHERE failed AND NOT passed),
      '[]') AS failed,
    CASE WHEN end_reason <> '' THEN 'ended' WHEN task_state = 4 THEN 'paused' ELSE 'running' END AS standing
  FROM (
    SELECT f.*, step > needed OR (failed AND EXISTS (
      SELECT FROM runs l JOIN tasks lt ON lt.id = l.task_id
        CROSS JOIN LATERAL jsonb_array_elements(lt.options) WITH ORDINALITY AS o(option, place)
      WHERE l.node_id = f.node_id AND l.id > f.id AND o.place <= l.step AND o.option->>'name' IN (f.step_name, 'return_vm')
    )) AS passed
    FROM (
      SELECT d.task, d.step AS needed, d.step_name, r.id, r.node_id, r.ip, r.step, t.end_reason, t.state AS task_state,
        r.step <= d.step AND (r.state = 3 OR t.end_reason <> '') AS failed
      FROM unnest($1::bigint[], $2::int[], $3::text[]) AS d(task, step, step_name)
        JOIN tasks t ON t.id = d.task JOIN runs r ON r.task_id = d.task
    ) AS f
  ) AS p
  GROUP BY task, end_reason, task_state`;

/** The first of the ids for new tasks and for their runs; the others follow it. */
export interface FirstIds {
  task: number;
  run: number;
}

/** New tasks before they have their ids. */
export interface NewAppends {
  tasks: number;
  runs: number;
  /** What is to be recorded, as many tasks and runs as announced. */
  make: (first: FirstIds) => TaskAppend[];
  /** Where they were asked for under a key: it, and what is answered when the tasks have these ids. */
  kept?: { once: AskedOnce; answer: (ids: readonly number[]) => unknown } | undefined;
}

/** A node that a task is to have again. */
export interface WantedNode {
  node: number;
  /** The other nodes that are the same machine. */
  same: readonly number[];
}

/** What making and resuming tasks needs of the store. */
export interface TaskRecorder {
  /** Records new tasks, all or none; see `TaskStore`. */
  create(wanted: NewAppends, now: number): Promise<TaskState[]>;
  reserve(wanted: readonly WantedNode[], taskId: number, ttlMs: number, now: number): Promise<Holder[]>;
  reserveForRemoval(nodes: number[], ttlMs: number, now: number): Promise<void>;
  /** The task of a node run, by the run's id. */
  taskOfRun(runId: number): Promise<number | undefined>;
  /** Those of these nodes that tasks hold, with the runs that do; `ended`: the task has, but for what is being ended there. */
  heldRuns(nodes: number[]): Promise<HeldRun[]>;
}

/** A node that a task holds. */
export interface HeldRun {
  node: number;
  task: number;
  /** Id of the node run. */
  run: number;
  ended: boolean;
}

/** The scheduler's PostgreSQL schema, as the engine needs it. */
export class TaskStore implements EngineStore, TaskRecorder {
  private readonly raw: Kysely<unknown>;

  constructor(
    readonly db: Kysely<Tables>,
    /** For the statements that are run all the time, see openCommits. */
    private readonly commits: Kysely<unknown>,
    /** Gets the events where they are known here; without them it looks for itself. */
    private readonly onRecorded: (events?: readonly RecordedEvent[]) => void,
  ) {
    this.raw = db as unknown as Kysely<unknown>;
  }

  /** Folds a task's stream; undefined when there is none. */
  async load(taskId: number): Promise<TaskState | undefined> {
    return foldTask(this.raw, taskId);
  }

  /** The recorded events of a task. */
  async events(taskId: number): Promise<RecordedEvent<TaskEvent>[]> {
    const events: RecordedEvent<TaskEvent>[] = [];
    for await (const chunk of chunksOfStream(this.raw, taskEventTypes, streamOf(taskId))) {
      for (const event of chunk) events.push(event);
    }
    return events;
  }

  /** Host keys known of a task's nodes. */
  async hostKeys(task: TaskState): Promise<Map<number, string>> {
    const rows = await this.query<{ node_id: number; host_key: string }>(HOST_KEYS, [
      task.runs.map(({ node }) => node),
    ]);
    return new Map(rows.map((row) => [row.node_id, row.host_key]));
  }

  /** Tasks of these partitions for which something is still to be done: the last version of each. */
  async activeTasks(partitions: readonly number[]): Promise<Map<number, number>> {
    const rows = await this.query<{ id: number; version: number }>(
      `SELECT id, version FROM tasks WHERE active AND id % ${PARTITIONS} = ANY($1) ORDER BY id`,
      [partitions],
    );
    return new Map(rows.map(({ id, version }) => [id, version]));
  }

  /** Which of these tasks there are. */
  async existing(ids: readonly number[]): Promise<Set<number>> {
    const rows = await this.query<{ id: number }>('SELECT id FROM tasks WHERE id = ANY($1)', [ids]);
    return new Set(rows.map(({ id }) => id));
  }

  /** Up to which byte an attempt's output is stored. Pieces are sent one after the other; a gap is what was left out. */
  async outputSize(runId: number, step: number, attempt: number): Promise<number> {
    const [row] = await this.query<{ end: number }>(
      `SELECT coalesce(max(start_byte + length(data)), 0)::bigint AS end FROM attempt_output
       WHERE run_id = $1 AND step = $2 AND attempt = $3`,
      [runId, step, attempt],
    );
    return row?.end ?? 0;
  }

  /** Removes what is stored of an attempt's output between its beginning and its end, as whole pieces. */
  async dropOutput(
    { runId, step, attempt }: Pick<OutputPiece, 'runId' | 'step' | 'attempt'>,
    [from, to]: readonly [from: number, to: number],
  ): Promise<void> {
    await this.query(
      `DELETE FROM attempt_output WHERE run_id = $1 AND step = $2 AND attempt = $3
       AND start_byte >= $4 AND start_byte + length(data) <= $5`,
      [runId, step, attempt, from, to],
    );
  }

  /** How far the runs of these tasks are, as the tables say; a task that there is not is absent. */
  async progressOf(dependencies: readonly GateDependency[]): Promise<GateProgress[]> {
    return this.query<GateProgress>(PROGRESS, [
      dependencies.map(({ task }) => task),
      dependencies.map(({ step }) => step),
      dependencies.map(({ stepName }) => stepName),
    ]);
  }

  /**
   * Makes a group of decisions durable, all of it or nothing: one prepared statement, which is its own transaction.
   * @throws VersionConflict when another writer was faster.
   */
  async commit({ appends, outputs, now }: Commit): Promise<void> {
    const pieces = longestPieces(outputs);
    const { runs, ...others } = changesOf(appends);
    const streams = appends.map(streamAppend);
    let base: number | undefined;
    try {
      const result = await this.commits.executeQuery<{ base: number }>(
        CompiledQuery.raw(COMMIT, [
          ...appendParameters(taskEventTypes, streams, now),
          ...runColumns(runs),
          JSON.stringify(others),
          numbers(pieces.map(({ runId }) => runId)),
          numbers(pieces.map(({ step }) => step)),
          numbers(pieces.map(({ attempt }) => attempt)),
          numbers(pieces.map(({ start }) => start)),
          pieces.map(({ data }) => data),
        ]),
      );
      base = result.rows[0]?.base;
    } catch (error) {
      if (isDataRefused(error)) throw new Unstorable(error.message, { cause: error });
      throw asVersionConflict(error, streams);
    }
    if (appends.length > 0 && base !== undefined)
      this.onRecorded(recordedAs(taskEventTypes, streams, base, now));
  }

  /**
   * Records new tasks, each with its runs and the holds on its nodes, all or none. Their ids rise in the order of commits.
   * @throws ServiceError `in_use` naming nodes that are held; `wrong_state` when the moment of a schedule that leads to
   *   a task has its outcome already; KeyTaken when they were made under the same key meanwhile.
   */
  async create(wanted: NewAppends, now: number): Promise<TaskState[]> {
    const { tasks, streams, base } = await this.commits.transaction().execute(async (trx) => {
      const appends = wanted.make(await nextIds(trx, wanted));
      const tasks = appends.map(({ task }) => task);
      const streams = appends.map(streamAppend);
      const { kept } = wanted;
      // Whoever makes tasks takes ids first, so that one under the same key has come to its end by here.
      if (kept) await keepAnswer(trx, kept.once, kept.answer(tasks.map(({ id }) => id)));
      if (tasks.some(({ created }) => created.occurrence)) await lockHistory(trx);
      for (const { created } of tasks) {
        await assertFiring(trx, created);
        await assertAlone(trx, created);
      }
      const row = await insert(trx, streams, tasks, now);
      const nodes = tasks.flatMap(heldNodes);
      if (row.taken < nodes.length) await refuseHeld(trx, tasks, nodes, now);
      return { tasks, streams, base: row.base };
    });
    this.onRecorded(recordedAs(taskEventTypes, streams, base, now));
    return tasks;
  }

  /** Takes nodes for a task for a while; returns those that somebody else holds, under whatever spelling, and who. */
  async reserve(
    wanted: readonly WantedNode[],
    taskId: number,
    ttlMs: number,
    now: number,
  ): Promise<Holder[]> {
    const nodes = [...new Set(wanted.flatMap(({ node, same }) => [node, ...same]))];
    return this.raw.transaction().execute(async (trx) => {
      await lockHistory(trx);
      const held = await hold(trx, { taskId, nodes, expiresAt: now + ttlMs, now });
      if (held.length === 0) return [];
      const holders = new Map((await readHolders(trx, held, now)).map((holder) => [holder.node, holder]));
      return wanted.flatMap(({ node, same }) => {
        const holder = [node, ...same].map((one) => holders.get(one)).find((one) => one !== undefined);
        return holder ? [{ ...holder, node }] : [];
      });
    });
  }

  /**
   * Takes nodes for a while because they are about to be removed, all or none: what is taken for nothing could not be given
   * back, another removal may count on it.
   * @throws ServiceError `in_use` naming nodes that tasks hold, and those.
   */
  async reserveForRemoval(nodes: number[], ttlMs: number, now: number): Promise<void> {
    await this.raw.transaction().execute(async (trx) => {
      await lockHistory(trx);
      const held = await hold(trx, { taskId: null, nodes, expiresAt: now + ttlMs, now });
      if (held.length === 0) return;
      const holders = await readHolders(trx, held, now);
      throw new ServiceError('in_use', `nodes are held: ${describeHolders(holders)}`, 'nodes');
    });
  }

  async taskOfRun(runId: number): Promise<number | undefined> {
    const [row] = await this.query<{ task_id: number }>('SELECT task_id FROM runs WHERE id = $1', [runId]);
    return row?.task_id;
  }

  async heldRuns(nodes: number[]): Promise<HeldRun[]> {
    return this.query<HeldRun>(
      `SELECT h.node_id AS node, t.id AS task, r.id AS run, t.end_reason <> '' AS ended
       FROM node_holds h JOIN tasks t ON t.id = h.task_id JOIN runs r ON r.task_id = t.id AND r.node_id = h.node_id
       WHERE h.node_id = ANY($1) AND h.expires_at IS NULL ORDER BY h.node_id`,
      [nodes],
    );
  }

  private async query<Row>(text: string, parameters: unknown[]): Promise<Row[]> {
    return (await this.raw.executeQuery<Row>(CompiledQuery.raw(text, parameters))).rows;
  }
}

function streamAppend({ task, events, expectedVersion, meta }: TaskAppend): MetaAppend<TaskEvent> {
  return { stream: streamOf(task.id), expectedVersion, events, meta };
}

/** Takes ids. Before the lock of the history, as everybody who takes both. */
async function nextIds(trx: Transaction<unknown>, { tasks, runs }: NewAppends): Promise<FirstIds> {
  const { rows } = await trx.executeQuery<FirstIds>(CompiledQuery.raw(NEXT_IDS, [tasks, runs]));
  if (!rows[0]) throw new Error('the counters of tasks and runs are gone');
  return rows[0];
}

/** @returns the position behind which the events stand, and how many nodes were taken. */
async function insert(
  trx: Transaction<unknown>,
  streams: readonly MetaAppend<TaskEvent>[],
  tasks: readonly TaskState[],
  now: number,
): Promise<{ base: number; taken: number }> {
  const spellings = tasks.flatMap((task) =>
    task.runs.flatMap((run) => spellingsOf(task, run).map((node) => ({ node, task: task.id }))),
  );
  const parameters = [
    ...appendParameters(taskEventTypes, streams, now),
    ...insertParameters(tasks),
    now,
    numbers(spellings.map(({ node }) => node)),
    numbers(spellings.map(({ task }) => task)),
  ];
  try {
    const { rows } = await trx.executeQuery<{ base: number; taken: number }>(
      CompiledQuery.raw(CREATE, parameters),
    );
    return rows[0] as { base: number; taken: number };
  } catch (error) {
    throw asVersionConflict(error, streams);
  }
}

/** @throws ServiceError `in_use` naming the nodes that others than these tasks hold, and who. */
async function refuseHeld(
  trx: Transaction<unknown>,
  tasks: readonly TaskState[],
  nodes: readonly number[],
  now: number,
): Promise<never> {
  const own = new Set(tasks.map(({ id }) => id));
  const others = (await readHolders(trx, nodes, now)).filter(({ task }) => !task || !own.has(task.task_id));
  // A machine that another task holds under two spellings is named once, as that task knows it.
  const known = others.filter(({ ip, task }) => ip !== undefined || !task);
  const holders = known.length > 0 ? known : others;
  const names = namesOf(tasks);
  const held = describeHolders(holders, ({ node }) => names.get(node) ?? `node ${node}`);
  throw new ServiceError('in_use', `nodes are held: ${held}`, 'nodes');
}

/** What people know the nodes of tasks by, also those that are held as other spellings of a machine. */
function namesOf(tasks: readonly TaskState[]): Map<number, string> {
  const names = new Map<number, string>();
  for (const { runs, created } of tasks) {
    for (const run of runs) {
      names.set(run.node, nameOf(run));
      for (const { node, ip } of created.nodes[run.index]?.same ?? [])
        names.set(node, `${nameOf(run)} (the same machine as node ${node}, ${ip})`);
    }
  }
  return names;
}

/**
 * A task of a schedule is made while its moment fires, and not when that has an outcome: a scheduler that stood still may
 * want to. Under the lock of the history, which whoever records an outcome takes too.
 */
async function assertFiring(trx: Transaction<unknown>, { occurrence, pool }: TaskCreated): Promise<void> {
  if (!occurrence) return;
  const { schedule, cause, due } = occurrence;
  const { rows } = await trx.executeQuery<{ outcome: string }>(
    CompiledQuery.raw(
      `SELECT outcome FROM schedule_occurrences o WHERE schedule_id = $1 AND cause = $2 AND due = $3
         AND NOT EXISTS (SELECT FROM occurrence_tasks t
           WHERE t.schedule_id = o.schedule_id AND t.cause = o.cause AND t.due = o.due AND t.pool_id = $4)`,
      [schedule, cause, due, pool.id],
    ),
  );
  if (rows[0]?.outcome === 'firing') return;
  const moment = new Date(due).toISOString();
  throw new ServiceError(
    'wrong_state',
    `the moment ${moment} of scheduled task ${schedule} is settled already`,
  );
}

/** Of two scheduled tasks that set the same pool at once, the second looks at it anew when the first is done. */
async function assertAlone(trx: Transaction<unknown>, { occurrence, pool }: TaskCreated): Promise<void> {
  if (!occurrence) return;
  const { rows } = await trx.executeQuery<{ id: number }>(
    CompiledQuery.raw(
      `SELECT t.id FROM tasks t JOIN occurrence_tasks o ON o.task_id = t.id JOIN schedules s ON s.id = o.schedule_id
       WHERE t.active AND t.end_reason = '' AND t.pool_id = $1
         AND s.type = (SELECT type FROM schedules WHERE id = $2)`,
      [pool.id, occurrence.schedule],
    ),
  );
  const [other] = rows;
  if (other)
    throw new ServiceError('unavailable', `task ${other.id} of a schedule works on pool ${show(pool.name)}`);
}

/**
 * Holds nodes where nobody does; returns those that somebody else holds. Under the lock of the history: rows are taken in
 * the order of their nodes here and in any order by a commit that releases them, which could deadlock.
 */
async function hold(
  trx: Transaction<unknown>,
  {
    taskId,
    nodes,
    expiresAt,
    now,
  }: { taskId: number | null; nodes: number[]; expiresAt: number; now: number },
): Promise<number[]> {
  const result = await trx.executeQuery<{ node_id: number }>(
    CompiledQuery.raw(
      `INSERT INTO node_holds AS h (node_id, task_id, expires_at)
       SELECT n, $2, $3 FROM unnest($1::bigint[]) AS n ORDER BY n
       ON CONFLICT (node_id) DO UPDATE SET task_id = excluded.task_id,
         -- A hold for good that the same task has already stays one.
         expires_at = CASE WHEN h.task_id = excluded.task_id AND h.expires_at IS NULL THEN NULL
           -- Of two removals of the same node the one that may take longer.
           WHEN h.task_id IS NULL AND excluded.task_id IS NULL THEN greatest(h.expires_at, excluded.expires_at)
           ELSE excluded.expires_at END
       WHERE h.expires_at < $4 OR h.task_id = excluded.task_id OR (h.task_id IS NULL AND excluded.task_id IS NULL)
       RETURNING node_id`,
      [nodes, taskId, expiresAt, now],
    ),
  );
  const taken = new Set(result.rows.map(({ node_id }) => node_id));
  return nodes.filter((node) => !taken.has(node));
}
