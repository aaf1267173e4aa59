import { randomUUID } from 'node:crypto';
import type { Clock } from '@rigel/clock';
import {
  catalog,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  show,
  type TaskTarget,
  type tasks,
} from '@rigel/contracts';
import { metaOf } from '@rigel/event-store';
import { type Bus, type RequestContext, traceparent } from '@rigel/messaging';
import type { TaskAppend } from '../engine/ports.js';
import { batchSizeOf, failureBudgetOf } from '../task/batches.js';
import { firstEvents } from '../task/decide.js';
import type { TaskCreated, TaskGate, TaskNode } from '../task/events.js';
import { evolve } from '../task/evolve.js';
import { mergeParams, unusedParams } from '../task/merge-params.js';
import { type AttemptLimits, namesSecret, planSteps } from '../task/options.js';
import type { TaskState } from '../task/state.js';
import { withoutHeld } from './held-nodes.js';
import type { NewGate, NewTasks } from './new-tasks.js';
import { assertShown, type Plan, partsOf, sourcesOf } from './plan.js';
import type { PlanReads } from './plan-reads.js';
import type { FirstIds, TaskRecorder } from './task-recorder.js';
import { type WantedTargets, wantedTargets } from './wanted-targets.js';

const MAX_NAME = 255;

export interface CreateTaskSettings {
  limits: AttemptLimits;
  retryDelayMs: number;
  /** How long nodes wait for those of a pool that theirs depends on. */
  dependencyWaitMs: number;
}

/** What making tasks needs. */
export interface CreateTaskParts {
  bus: Bus;
  store: TaskRecorder;
  settings: CreateTaskSettings;
  clock: Clock;
  /** What plans need of the store beside that; without it no nodes can be left out. */
  planning?: PlanReads | undefined;
}

/**
 * Makes tasks from a template and addresses, one for each pool. Everything is checked first; then all of them are
 * recorded in one transaction with the holds on their nodes. The owners of their partitions take them up from there.
 */
export async function createTasks(
  request: RpcRequest<typeof tasks.create>,
  context: RequestContext,
  parts: CreateTaskParts,
): Promise<RpcResponse<typeof tasks.create>> {
  const plan = await planTasks(request, context, parts);
  assertShown(request.if_plan, () => partsOf(plan, parts.settings.retryDelayMs));
  return answerIds(await recordTasks([plan.task], context, parts));
}

/**
 * What `createTasks` records, checked.
 * @throws ServiceError the refusal; holds on nodes refuse only the recording.
 */
export async function planTasks(
  request: RpcRequest<typeof tasks.create>,
  context: RequestContext,
  parts: CreateTaskParts,
): Promise<Plan> {
  const { bus, clock } = parts;
  const name = checkTaskName(request.task_name);
  // Taken before the inventory is asked: a node that is reserved for a removal now counts as reserved to the end, however long this
  // takes. A node that the inventory still knows is either removed later, and reserved first, or was reserved by then.
  const now = clock.now();
  const [wanted, template] = await Promise.all([
    wantedTargets(request, { context, bus }),
    bus.call(catalog.resolveTemplate, { id: request.template_id }, context),
  ]);
  return planOver({ wanted, template, name, now }, request, parts);
}

/** What a template's steps with values do on nodes that were looked up. */
export async function planOver(
  { wanted, template, name, now }: Pick<NewTasks, 'template' | 'name' | 'now'> & { wanted: WantedTargets },
  request: Omit<
    RpcRequest<typeof tasks.create>,
    'nodes' | 'select' | 'template_id' | 'task_name' | 'if_plan'
  >,
  parts: CreateTaskParts,
): Promise<Plan> {
  const { settings } = parts;
  const merged = mergeParams(template.steps, request.params, {
    template: template.name,
    anySecret: request.any_secret ?? false,
  });
  if (merged.unused.length > 0 && request.unused_params !== 'warn') {
    throw unusedParams(template.name, merged.unused);
  }
  const free = await withoutHeld(wanted.targets, request.held_nodes, now, parts);
  return {
    kind: 'create',
    num: 0,
    leftOut: [...free.leftOut, ...wanted.leftOut],
    task: {
      name,
      template,
      steps: planSteps(merged.steps, settings.limits),
      sources: sourcesOf(template.steps, merged.overrides),
      unusedParams: merged.unused.map((param) => param.name),
      secretsByAdmin: merged.beyondTemplate,
      targets: free.targets,
      select: wanted.select,
      batch: { maxRatio: request.max_ratio, maxNum: request.max_num },
      budget: { maxNum: request.max_fail_num, maxRatio: request.max_fail_ratio },
      timeoutMs: request.timeout * 60_000,
      start: request.auto,
      operator: request.opr_user,
      flowType: 'manual',
      now,
    },
  };
}

/** @throws ServiceError `invalid` @returns the trimmed name. */
export function checkTaskName(given: string): string {
  const name = given.trim();
  if (name !== '' && name.length <= MAX_NAME) return name;
  throw new ServiceError('too_long', `task_name must have 1 to ${MAX_NAME} characters`, 'task_name', {
    data: { limit: MAX_NAME },
  });
}

export const answerIds = (ids: readonly number[]): RpcResponse<typeof tasks.create> => ({ ids: [...ids] });

/** A task to be made over nodes of one pool. */
interface InPool {
  id: number;
  pool: { id: number; name: string };
  wanted: NewTasks;
  nodes: TaskTarget[];
}

/**
 * Records new tasks with the holds on their nodes, all or none.
 * @param answer the answer to the request: kept for repetitions when the request came under a key.
 * @returns their ids, in the order of their pools.
 */
export async function recordTasks(
  wanted: readonly NewTasks[],
  context: RequestContext,
  { store, settings }: Pick<CreateTaskParts, 'store' | 'settings'>,
  answer: (ids: readonly number[]) => unknown = answerIds,
): Promise<number[]> {
  const parts = wanted.flatMap((one) =>
    [...byPool(one.targets)].map(([pool, nodes]) => ({ pool, nodes, one })),
  );
  assertMachinesOnce(wanted.flatMap(({ targets }) => targets));
  const runs = parts.reduce((sum, { nodes }) => sum + nodes.length, 0);
  // A node that was reserved when the first nodes were looked up counts as reserved.
  const now = Math.min(...wanted.map((one) => one.now));
  const make = (first: FirstIds): TaskAppend[] => {
    const all = parts.map(({ pool, nodes, one }, index): InPool => {
      const name = nodes[0]?.pool_name ?? '';
      return { id: first.task + index, pool: { id: pool, name }, wanted: one, nodes };
    });
    let runId = first.run;
    return all.map((part) => {
      const created = createdOf(part, runId, all, context, settings);
      runId += part.nodes.length;
      return toAppend(part.id, created, part.wanted.start, context, now);
    });
  };
  const kept = context.once && { once: context.once, answer };
  const tasks = await store.create({ tasks: parts.length, runs, make, kept }, now);
  return tasks.map(({ id }) => id);
}

function toTaskNode({ node_id, ip, vm_id, same_machine }: TaskTarget): TaskNode {
  const same = same_machine?.map((other) => ({ node: other.node_id, ip: other.ip }));
  return { node: node_id, ip, vm: vm_id, ...(same ? { same } : {}) };
}

/**
 * Two nodes may be one machine, because an earlier release took the spellings of its address for several. A task has it once.
 * @throws ServiceError `in_use` naming the first two.
 */
export function assertMachinesOnce(targets: readonly TaskTarget[]): void {
  const doubtful = targets.filter(({ same_machine }) => same_machine);
  if (doubtful.length < 2) return;
  const known = new Map(doubtful.map((target) => [target.node_id, target]));
  for (const { node_id, ip, same_machine = [] } of doubtful) {
    const other = same_machine.map((one) => known.get(one.node_id)).find((one) => one !== undefined);
    if (!other) continue;
    throw new ServiceError(
      'one_machine',
      `nodes: ${show(ip)} (node ${node_id}) and ${show(other.ip)} (node ${other.node_id}) are one machine, which a task can ` +
        'have only once: remove one of the two nodes from its pool',
      'nodes',
      { value: ip, data: { node: node_id, other: other.ip, other_node: other.node_id } },
    );
  }
}

/** Nodes in a batch of a task over so many nodes, and failures that it tolerates. */
export function sizesOf({ batch, budget }: Pick<NewTasks, 'batch' | 'budget'>, nodes: number) {
  return {
    batchSize: batchSizeOf(nodes, batch.maxRatio, batch.maxNum),
    failureBudget: failureBudgetOf(nodes, budget.maxNum, budget.maxRatio),
  };
}

function createdOf(
  { pool, wanted, nodes }: InPool,
  firstRunId: number,
  all: readonly InPool[],
  context: RequestContext,
  settings: CreateTaskSettings,
): TaskCreated {
  const { template, gate, occurrence, select, againOf } = wanted;
  const trace = traceparent();
  return {
    uuid: randomUUID(),
    correlationId: context.correlationId,
    ...(trace === undefined ? {} : { traceparent: trace }),
    name: wanted.name,
    template: { id: template.id, name: template.name },
    pool,
    ...(nodes[0]?.cluster ? { cluster: nodes[0].cluster } : {}),
    ...(nodes[0]?.vm_type ? { vmType: nodes[0].vm_type } : {}),
    steps: wanted.steps,
    nodes: nodes.map(toTaskNode),
    firstRunId,
    ...sizesOf(wanted, nodes.length),
    timeoutMs: wanted.timeoutMs,
    retryDelayMs: settings.retryDelayMs,
    operator: wanted.operator,
    flowType: wanted.flowType,
    unusedParams: wanted.unusedParams,
    sources: wanted.sources,
    ...(wanted.steps.some(namesSecret) ? { secretsBy: wanted.secretsByAdmin ? 'admin' : 'template' } : {}),
    ...(select ? { select } : {}),
    ...(occurrence ? { occurrence } : {}),
    ...(gate ? { gate: gateOf(gate, all) } : {}),
    ...(againOf === undefined ? {} : { againOf }),
  };
}

/** The gate with the tasks of the pools that it names. */
function gateOf({ before, limitMs, waitsFor }: NewGate, all: readonly InPool[]): TaskGate {
  return {
    before,
    limitMs,
    waitsFor: waitsFor.map(({ pool, step, stepName }) => {
      const other = all.find((one) => one.pool.id === pool);
      if (!other) throw new Error(`no task is made in pool ${pool}, which another one waits for`);
      return { task: other.id, pool: other.pool, step, stepName };
    }),
  };
}

/** Nodes by the id of their pool, each list in the order of its batches. */
export function byPool(targets: readonly TaskTarget[]): Map<number, TaskTarget[]> {
  const pools = new Map<number, TaskTarget[]>();
  for (const target of targets) {
    const pool = pools.get(target.pool_id);
    if (pool) pool.push(target);
    else pools.set(target.pool_id, [target]);
  }
  return pools;
}

function toAppend(
  id: number,
  created: TaskCreated,
  auto: boolean,
  context: RequestContext,
  now: number,
): TaskAppend {
  const events = firstEvents(created, auto ? { now } : null);
  let task: TaskState | undefined;
  for (const event of events) task = evolve(task, event, id, now);
  if (!task) throw new Error('a new task has no events');
  return {
    task,
    events,
    expectedVersion: 0,
    meta: metaOf(context, created.operator),
  };
}
