import { randomUUID } from 'node:crypto';
import type { Clock } from '@rigel/clock';
import {
  catalog,
  inventory,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  show,
  type TaskTarget,
  type tasks,
} from '@rigel/contracts';
import { type Bus, type RequestContext, traceparent } from '@rigel/messaging';
import type { TaskAppend } from './commit.js';
import { batchSizeOf, failureBudgetOf } from './task/batches.js';
import { createTask } from './task/decide.js';
import type { PlannedStep, TaskCreated, TaskOccurrence } from './task/events.js';
import { type AttemptLimits, mergeParams, planSteps } from './task/options.js';
import { evolve, type TaskState } from './task/state.js';
import type { TaskRecorder } from './task-store.js';

const MAX_NAME = 255;
/** Addresses named in a refusal at most. */
const NAMED = 20;

export interface CreateTaskSettings {
  limits: AttemptLimits;
  retryDelayMs: number;
}

/** What making tasks needs. */
export interface CreateTaskParts {
  bus: Bus;
  store: TaskRecorder;
  settings: CreateTaskSettings;
  clock: Clock;
}

type ResolvedTemplate = RpcResponse<typeof catalog.resolveTemplate>;

/** A task to be made over nodes, one for each pool that they lie in. Everything has been looked up. */
export interface NewTasks {
  name: string;
  template: ResolvedTemplate;
  /** The template's steps with all overrides, checked. */
  steps: PlannedStep[];
  unusedParams: string[];
  targets: readonly TaskTarget[];
  /** Percent of the nodes in a batch, and most nodes in a batch (0 = no limit). */
  batch: { maxRatio: number; maxNum: number };
  budget: { maxNum?: number | undefined; maxRatio?: number | undefined };
  /** Limit of the whole run, 0 = none. */
  timeoutMs: number;
  start: boolean;
  operator: string;
  flowType: TaskCreated['flowType'];
  /** The moment of a scheduled task that leads to it. */
  occurrence?: TaskOccurrence | undefined;
  /** When it was begun to look the nodes up, see `createTasks`. */
  now: number;
}

/**
 * Makes tasks from a template and addresses, one for each pool. Everything is checked first; then all of them are
 * recorded in one transaction with the holds on their nodes. Whoever owns their partitions takes them up from there.
 */
export async function createTasks(
  request: RpcRequest<typeof tasks.create>,
  context: RequestContext,
  parts: CreateTaskParts,
): Promise<RpcResponse<typeof tasks.create>> {
  const { bus, settings, clock } = parts;
  const name = request.task_name.trim();
  if (name === '' || name.length > MAX_NAME) {
    throw new ServiceError('invalid', `task_name must have 1 to ${MAX_NAME} characters`, 'task_name');
  }
  // Before the inventory is asked: what is reserved for a removal now counts as reserved to the end, however long this
  // takes. A node that the inventory still knows is either removed later, and reserved first, or was reserved by then.
  const now = clock.now();
  if (request.nodes.length === 0) throw new ServiceError('invalid', 'nodes is empty', 'nodes');
  const [targets, template] = await Promise.all([
    findTargets(request.nodes, context, bus),
    bus.call(catalog.resolveTemplate, { id: request.template_id }, context),
  ]);
  const merged = mergeParams(template.steps, request.params);
  const ids = await recordTasks(
    {
      name,
      template,
      steps: planSteps(merged.steps, settings.limits),
      unusedParams: merged.unused,
      targets,
      batch: { maxRatio: request.max_ratio, maxNum: request.max_num },
      budget: { maxNum: request.max_fail_num, maxRatio: request.max_fail_ratio },
      timeoutMs: request.timeout * 60_000,
      start: request.auto,
      operator: request.opr_user,
      flowType: 'manual',
      now,
    },
    context,
    parts,
  );
  return { ids };
}

/** Records new tasks with the holds on their nodes, all or none. @returns their ids, in the order of their pools. */
export async function recordTasks(
  { name, template, steps, targets, batch, budget, now, ...rest }: NewTasks,
  context: RequestContext,
  { store, settings }: Pick<CreateTaskParts, 'store' | 'settings'>,
): Promise<number[]> {
  const pools = byPool(targets);
  const firstTaskId = await store.nextIds('task', pools.size);
  let runId = await store.nextIds('run', targets.length);
  const appends: TaskAppend[] = [];
  const trace = traceparent();
  for (const [poolId, nodes] of pools) {
    const created: TaskCreated = {
      uuid: randomUUID(),
      correlationId: context.correlationId,
      ...(trace === undefined ? {} : { traceparent: trace }),
      name,
      template: { id: template.id, name: template.name },
      pool: { id: poolId, name: nodes[0]?.pool_name ?? '' },
      steps,
      nodes: nodes.map(({ node_id, ip, vm_id }) => ({ node: node_id, ip, vm: vm_id })),
      firstRunId: runId,
      batchSize: batchSizeOf(nodes.length, batch.maxRatio, batch.maxNum),
      timeoutMs: rest.timeoutMs,
      failureBudget: failureBudgetOf(nodes.length, budget.maxNum, budget.maxRatio),
      retryDelayMs: settings.retryDelayMs,
      operator: rest.operator,
      flowType: rest.flowType,
      unusedParams: rest.unusedParams,
      ...(rest.occurrence ? { occurrence: rest.occurrence } : {}),
    };
    appends.push(toAppend(firstTaskId + appends.length, created, rest.start, context, now));
    runId += nodes.length;
  }
  await store.create(appends, now);
  return appends.map(({ task }) => task.id);
}

function byPool(targets: readonly TaskTarget[]): Map<number, TaskTarget[]> {
  const pools = new Map<number, TaskTarget[]>();
  for (const target of targets) {
    const pool = pools.get(target.pool_id);
    if (pool) pool.push(target);
    else pools.set(target.pool_id, [target]);
  }
  return pools;
}

/**
 * The nodes with these addresses, each once.
 * @throws ServiceError `not_found` naming the addresses that no node has.
 */
export async function findTargets(ips: string[], context: RequestContext, bus: Bus): Promise<TaskTarget[]> {
  const { targets, unknown } = await bus.call(
    inventory.findTargets,
    { ips: [...new Set(ips.map((ip) => ip.trim()))] },
    context,
  );
  if (unknown.length > 0) {
    const names = unknown.slice(0, NAMED).map((ip) => (ip === '' ? '(blank)' : show(ip)));
    throw new ServiceError('not_found', `nodes: no node has the address ${names.join(', ')}`, 'nodes');
  }
  const unique = new Map(targets.map((target) => [target.node_id, target]));
  return [...unique.values()];
}

function toAppend(
  id: number,
  created: TaskCreated,
  auto: boolean,
  context: RequestContext,
  now: number,
): TaskAppend {
  const events = createTask(created, auto ? { now } : null);
  let task: TaskState | undefined;
  for (const event of events) task = evolve(task, event, id, now);
  if (!task) throw new Error('a new task has no events');
  return {
    task,
    events,
    expectedVersion: 0,
    meta: { correlationId: context.correlationId, actor: created.operator },
  };
}
