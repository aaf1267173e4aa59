import type { Clock } from '@rigel/clock';
import {
  type ChosenRuns,
  inventory,
  type RpcRequest,
  ServiceError,
  show,
  type tasks,
} from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';
import { failureBudgetOf } from '../task/batches.js';
import type { Choice, Preparation, UnavailableNode } from '../task/commands.js';
import { describeHolder, type Holder } from '../task/holders.js';
import { spellingsOf } from '../task/projection.js';
import { runsToResume } from '../task/resume.js';
import { nameOf, type Run, type TaskState } from '../task/state.js';
import type { TaskRecorder, WantedNode } from './task-recorder.js';

/** How long a node is reserved for a task that is being resumed; recording the start makes it a hold. */
const RESERVE_MS = 60_000;
/** How long a start may rely on it: what it decides may take a while to be recorded. */
const RELY_MS = 20_000;
/** Ids named in a refusal at most. */
const NAMED = 5;

/**
 * What a request to start a task chooses, in the terms of the task.
 * @throws ServiceError `invalid` (field `runs`) naming ids that are no node runs of the task.
 */
export function choiceOf(
  task: TaskState,
  { runs, max_fail_num, max_fail_ratio }: Omit<RpcRequest<typeof tasks.start>, 'opr_user'>,
): Choice {
  const budget = failureBudgetOf(task.runs.length, max_fail_num, max_fail_ratio);
  return {
    ...(runs === undefined ? {} : { only: indexesOf(task, runs) }),
    ...(budget === null ? {} : { budget }),
  };
}

function indexesOf(task: TaskState, runs: ChosenRuns): Choice['only'] {
  if (runs === 'halted') return runs;
  const { firstRunId } = task.created;
  const foreign = [...new Set(runs)].filter((id) => !task.runs[id - firstRunId]);
  if (foreign.length === 0) return [...new Set(runs)].map((id) => id - firstRunId);
  const more = foreign.length > NAMED ? ` and ${foreign.length - NAMED} more` : '';
  throw new ServiceError(
    'not_of_task',
    `runs: ${foreign.slice(0, NAMED).map(show).join(', ')}${more}: not a node run of task ${task.id}, whose runs are ${firstRunId} to ` +
      `${firstRunId + task.runs.length - 1}`,
    'runs',
    { value: foreign[0], data: { task: task.id } },
  );
}

/** The nodes that a start needs and the task does not hold any more. */
interface MissingNodes {
  wanted: WantedNode[];
  /** Those that are not in the pool any more. */
  gone: UnavailableNode[];
}

async function missingNodes(
  task: TaskState,
  only: Choice['only'],
  context: RequestContext,
  bus: Bus,
): Promise<MissingNodes> {
  if (task.status !== 'finished' && task.status !== 'paused') return { wanted: [], gone: [] };
  const runs = runsToResume(task, only).filter(({ held }) => !held);
  if (runs.length === 0) return { wanted: [], gone: [] };
  const { targets } = await bus.call(inventory.targetsById, { ids: runs.map(({ node }) => node) }, context);
  const found = new Map(targets.map((target) => [target.node_id, target]));
  const poolOf = ({ node }: Run) => found.get(node)?.pool_id;
  const there = runs.filter((run) => poolOf(run) === task.created.pool.id);
  return {
    gone: runs
      .filter((run) => poolOf(run) !== task.created.pool.id)
      .map((run) => ({
        node: run.node,
        reason: `${nameOf(run)} is not a node of pool ${task.created.pool.name} any more`,
      })),
    // Which nodes are the same machine may have changed: what is so now is reserved as well, and what was so is held again.
    wanted: there.map((run) => ({
      node: run.node,
      same: [
        ...spellingsOf(task, run),
        ...(found.get(run.node)?.same_machine ?? []).map(({ node_id }) => node_id),
      ],
    })),
  };
}

/**
 * Before a task is resumed: which of the nodes that it does not hold any more it cannot have again, because they left
 * the pool or another task holds them. The others are reserved for it.
 */
export async function reserveForResume(
  task: TaskState,
  only: Choice['only'],
  context: RequestContext,
  { bus, store, clock }: { bus: Bus; store: TaskRecorder; clock: Clock },
): Promise<Preparation> {
  const now = clock.now();
  const { wanted, gone } = await missingNodes(task, only, context, bus);
  if (wanted.length === 0) return { unavailable: gone, reserved: [], reservedUntil: now + RELY_MS };
  const held = await store.reserve(wanted, task.id, RESERVE_MS, now);
  const lacking = new Set(held.map(({ node }) => node));
  return {
    unavailable: [...gone, ...held.map(heldByAnother)],
    reserved: wanted.map(({ node }) => node).filter((node) => !lacking.has(node)),
    reservedUntil: now + RELY_MS,
  };
}

/** The nodes that `reserveForResume` would find unavailable now, without reserving the others. */
export async function unavailableForResume(
  task: TaskState,
  only: Choice['only'],
  context: RequestContext,
  {
    bus,
    clock,
    holders,
  }: { bus: Bus; clock: Clock; holders: (nodes: readonly number[], now: number) => Promise<Holder[]> },
): Promise<{ gone: UnavailableNode[]; held: (UnavailableNode & { task: number | undefined })[] }> {
  const { wanted, gone } = await missingNodes(task, only, context, bus);
  if (wanted.length === 0) return { gone, held: [] };
  const nodes = [...new Set(wanted.flatMap(({ node, same }) => [node, ...same]))];
  const others = (await holders(nodes, clock.now())).filter((holder) => holder.task?.task_id !== task.id);
  const byNode = new Map(others.map((holder) => [holder.node, holder]));
  const held = wanted.flatMap(({ node, same }) => {
    const holder = [node, ...same].map((one) => byNode.get(one)).find((one) => one !== undefined);
    return holder ? [{ ...heldByAnother({ ...holder, node }), task: holder.task?.task_id }] : [];
  });
  return { gone, held };
}

function heldByAnother({ node, task }: Holder): UnavailableNode {
  return { node, reason: `it is held by ${describeHolder(task)}` };
}
