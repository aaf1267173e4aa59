import type { RpcRequest, RpcResponse, RunOfNode, tasks } from '@rigel/contracts';
import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely } from 'kysely';
import type { RunTable, Tables } from '../store/tables.js';

/*
 * What a page about a pool or a node asks: a task is over nodes of one pool, and a node stays in its pool. So the tasks
 * of the pool lead to the runs of a node, for which there is no index: it would cost every task that is made.
 */

/** Runs that one call looks through at most, unless a single task has more; a look at 100,000 takes about 40 ms. */
const MOST_RUNS = 100_000;
/** The state of a failed run. */
const FAILED = 3;
/** Tasks that one call looks through at most. */
const MOST_TASKS = 500;

type Holding = RpcResponse<typeof tasks.ofPool>['holding'];

const HOLDING = prepared(`
  SELECT t.id, t.name, t.operator, t.created_at, t.end_reason <> '' AS ended, held.nodes
  FROM tasks t CROSS JOIN LATERAL (
    SELECT count(*)::int AS nodes FROM node_holds WHERE task_id = t.id AND expires_at IS NULL
  ) AS held
  WHERE t.active AND t.pool_id = $1 AND held.nodes > 0 ORDER BY t.id`);

/** The tasks that hold nodes of a pool, oldest first. */
export async function holdingTasksOf(db: Kysely<Tables>, pool: number): Promise<Holding> {
  const { rows } = await db.executeQuery<{
    id: number;
    name: string;
    operator: string;
    created_at: number;
    ended: boolean;
    nodes: number;
  }>(CompiledQuery.raw(HOLDING, [pool]));
  return rows.map(({ id, name, operator, created_at, ended, nodes }) => ({
    held_by: { task_id: id, name, opr_user: operator, since: created_at, ending: ended },
    nodes,
  }));
}

const HELD_BY = prepared('SELECT node_id FROM node_holds WHERE task_id = $1 AND expires_at IS NULL');

/** The nodes that a task holds, in the order of their ids. */
export async function nodesHeldBy(db: Kysely<Tables>, task: number): Promise<number[]> {
  const { rows } = await db.executeQuery<{ node_id: number }>(CompiledQuery.raw(HELD_BY, [task]));
  return rows.map(({ node_id }) => node_id).sort((a, b) => a - b);
}

const TASKS_BEFORE = prepared(`
  SELECT id, (SELECT sum(n) FROM unnest(stat) AS n)::int AS runs
  FROM tasks WHERE pool_id = $1 AND id < $2 ORDER BY pool_id DESC, id DESC LIMIT $3`);

const RUNS_IN = prepared(`
  SELECT r.id, r.task_id, r.batch, r.state, r.step, r.steps, r.created_at, r.updated_at,
    t.name, t.template_name, t.operator, t.options
  FROM unnest($1::bigint[]) AS wanted(task)
    CROSS JOIN LATERAL (SELECT * FROM runs WHERE task_id = wanted.task AND node_id = $2 OFFSET 0) AS r
    JOIN tasks t ON t.id = wanted.task
  ORDER BY r.task_id DESC LIMIT $3`);

type FoundRun = Pick<
  RunTable,
  'id' | 'task_id' | 'batch' | 'state' | 'step' | 'steps' | 'created_at' | 'updated_at'
> & {
  name: string;
  template_name: string;
  operator: string;
  options: { name: string }[];
};

/** A node's runs, newest first; see `tasks.runsOfNode`. */
export async function runsOfNode(
  db: Kysely<Tables>,
  { node_id, pool_id, before = Number.MAX_SAFE_INTEGER, limit }: RpcRequest<typeof tasks.runsOfNode>,
): Promise<RpcResponse<typeof tasks.runsOfNode>> {
  const { rows: candidates } = await db.executeQuery<{ id: number; runs: number }>(
    CompiledQuery.raw(TASKS_BEFORE, [pool_id, before, MOST_TASKS + 1]),
  );
  const looked = withinLimit(candidates.slice(0, MOST_TASKS));
  if (looked.length === 0) return { runs: [], before: null };
  // One more than asked for says whether there are more.
  const { rows } = await db.executeQuery<FoundRun>(CompiledQuery.raw(RUNS_IN, [looked, node_id, limit + 1]));
  const runs = rows.slice(0, limit).map(toRunOfNode);
  if (rows.length > limit) return { runs, before: runs.at(-1)?.task_id ?? null };
  return { runs, before: looked.length < candidates.length ? (looked.at(-1) ?? null) : null };
}

/** The first tasks that have no more runs together than one call looks through; one at least. */
function withinLimit(candidates: readonly { id: number; runs: number }[]): number[] {
  let runs = 0;
  const end = candidates.findIndex((task, index) => {
    runs += task.runs;
    return index > 0 && runs > MOST_RUNS;
  });
  return candidates.slice(0, end < 0 ? candidates.length : end).map(({ id }) => id);
}

function toRunOfNode(row: FoundRun): RunOfNode {
  const reached = row.steps.at(-1);
  return {
    id: row.id,
    task_id: row.task_id,
    task_name: row.name,
    template_name: row.template_name,
    opr_user: row.operator,
    batch_id: row.batch + 1,
    state: row.state,
    step: row.options[row.steps.length - 1]?.name ?? '',
    attempts: reached?.attempts ?? 0,
    reason: row.state === FAILED ? (reached?.message ?? '') : '',
    created: row.created_at,
    updated: row.updated_at,
  };
}
