import type { Clock } from '@rigel/clock';
import { inventory } from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';
import type { Preparation } from '../task/commands.js';
import { runsToResume } from '../task/decide.js';
import { describeHolder } from '../task/holders.js';
import { spellingsOf } from '../task/projection.js';
import { nameOf, type Run, type TaskState } from '../task/state.js';
import type { TaskRecorder } from './task-recorder.js';

/** How long a node is reserved for a task that is being resumed; recording the start makes it a hold. */
const RESERVE_MS = 60_000;
/** How long a start may rely on it: what it decides may take a while to be recorded. */
const RELY_MS = 20_000;

/**
 * Before a task is resumed: which of the nodes that it does not hold any more it cannot have again, because they left
 * the pool or another task holds them. The others are reserved for it.
 */
export async function reserveForResume(
  task: TaskState,
  context: RequestContext,
  { bus, store, clock }: { bus: Bus; store: TaskRecorder; clock: Clock },
): Promise<Preparation> {
  const now = clock.now();
  const nothing = { unavailable: [], reserved: [], reservedUntil: now };
  if (task.status !== 'finished' && task.status !== 'paused') return nothing;
  const runs = runsToResume(task).filter(({ held }) => !held);
  if (runs.length === 0) return nothing;
  const { targets } = await bus.call(inventory.targetsById, { ids: runs.map(({ node }) => node) }, context);
  const found = new Map(targets.map((target) => [target.node_id, target]));
  const poolOf = ({ node }: Run) => found.get(node)?.pool_id;
  const gone = runs.filter((run) => poolOf(run) !== task.created.pool.id);
  const there = runs.filter((run) => poolOf(run) === task.created.pool.id);
  // Which nodes are the same machine may have changed: what is so now is reserved as well, and what was so is held again.
  const wanted = there.map((run) => ({
    node: run.node,
    same: [
      ...spellingsOf(task, run),
      ...(found.get(run.node)?.same_machine ?? []).map(({ node_id }) => node_id),
    ],
  }));
  const held = await store.reserve(wanted, task.id, RESERVE_MS, now);
  const lacking = new Set(held.map(({ node }) => node));
  const unavailable = [
    ...gone.map((run) => ({
      node: run.node,
      reason: `${nameOf(run)} is not a node of pool ${task.created.pool.name} any more`,
    })),
    ...held.map((holder) => ({ node: holder.node, reason: `it is held by ${describeHolder(holder.task)}` })),
  ];
  return {
    unavailable,
    reserved: wanted.map(({ node }) => node).filter((node) => !lacking.has(node)),
    reservedUntil: now + RELY_MS,
  };
}
