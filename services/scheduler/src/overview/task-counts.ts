import type { EndReason, RunState, TaskOverview } from '@rigel/contracts';
import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely } from 'kysely';

const DAY_MS = 86_400_000;
const TASK_STATES = [0, 1, 2, 3, 4] as const;
/** Unfinished tasks that are looked at; those made last count. */
const MOST_ACTIVE = 2_000;
/** Tasks of the last day that are counted. */
const MOST_OF_DAY = 20_000;
/** Tasks that have gone wrong lately that are looked at. */
const MOST_WRONG = 100;
/** Tasks at work that are named. */
const MOST_NAMED = 12;

/** A task as it stands in its row. */
export interface TaskLine {
  id: number;
  name: string;
  pool_id: number;
  pool_name: string;
  state: RunState;
  end_reason: EndReason;
  stat: number[];
  version: number;
  created_at: number;
  updated_at: number;
}

const LINE = 'id, name, pool_id, pool_name, state, end_reason, stat, version, created_at, updated_at';
/** By the index of active tasks, which has few rows. */
const ACTIVE = prepared(`SELECT ${LINE} FROM tasks WHERE active ORDER BY id DESC LIMIT ${MOST_ACTIVE}`);
/** The newest of each kind, by the index of how tasks ended. */
const WRONG = prepared(
  ['failed', 'partial', 'timeout']
    .map(
      (how) => `(SELECT ${LINE} FROM tasks WHERE end_reason = '${how}' ORDER BY id DESC LIMIT ${MOST_WRONG})`,
    )
    .join(' UNION ALL '),
);
const OF_DAY = prepared(`
  SELECT state, end_reason, count(*)::int AS tasks
  FROM (SELECT state, end_reason FROM tasks WHERE created_at >= $1 ORDER BY created_at DESC LIMIT ${MOST_OF_DAY}) AS made
  GROUP BY state, end_reason`);
const ANY = prepared(`SELECT last > 0 AS any FROM counters WHERE name = 'task'`);

export interface TaskCounts extends Pick<TaskOverview, 'unfinished' | 'runs' | 'any' | 'now' | 'day'> {
  /** Unfinished tasks, and those that have gone wrong in the last day. */
  lines: TaskLine[];
}

/** Counts tasks: those at work, those of the last day, and those that went wrong. */
export async function countTasks(db: Kysely<unknown>, now: number): Promise<TaskCounts> {
  const run = async <Row>(text: string, values: unknown[] = []) =>
    (await db.executeQuery<Row>(CompiledQuery.raw(text, values))).rows;
  const [active, wrong, ofDay, [counter]] = await Promise.all([
    run<TaskLine>(ACTIVE),
    run<TaskLine>(WRONG),
    run<{ state: RunState; end_reason: EndReason; tasks: number }>(OF_DAY, [now - DAY_MS]),
    run<{ any: boolean }>(ANY),
  ]);
  const unfinished = active.filter(({ end_reason }) => end_reason === '');
  const byState = (tasks: readonly { state: RunState; tasks: number }[]) =>
    TASK_STATES.map((state) => sum(tasks.filter((one) => one.state === state).map((one) => one.tasks)));
  const ended = new Map<EndReason, number>();
  for (const { end_reason, tasks } of ofDay) {
    if (end_reason !== '') ended.set(end_reason, (ended.get(end_reason) ?? 0) + tasks);
  }
  const atWork = unfinished
    .filter(({ state }) => state === 1)
    .sort((a, b) => (b.stat[1] ?? 0) - (a.stat[1] ?? 0) || a.id - b.id);
  const lately = wrong.filter(
    ({ id, updated_at }) => updated_at >= now - DAY_MS && !active.some((one) => one.id === id),
  );
  return {
    unfinished: byState(unfinished.map(({ state }) => ({ state, tasks: 1 }))),
    runs: TASK_STATES.map((state) => sum(unfinished.map(({ stat }) => stat[state] ?? 0))),
    any: counter?.any ?? false,
    now: atWork.slice(0, MOST_NAMED).map(({ id, name, pool_id, pool_name, state, stat, created_at }) => ({
      id,
      name,
      pool_id,
      pool_name,
      state,
      stat,
      created: created_at,
    })),
    day: {
      tasks: sum(ofDay.map(({ tasks }) => tasks)),
      states: byState(ofDay),
      ended: [...ended].map(([reason, tasks]) => ({ reason, tasks })),
    },
    lines: [...active, ...lately],
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
