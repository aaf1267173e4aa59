import {
  assertConfirmed,
  assertOneWay,
  catalog,
  type FleetService,
  inventory,
  type Pool,
  type PoolTasks,
  type ResolvedStep,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  show,
  type TaskTarget,
  type tasks,
} from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';
import type { TaskOccurrence } from '../task/events.js';
import { START_SERVICE } from '../task/image-tag.js';
import { type Override, withOverrides } from '../task/merge-params.js';
import { planSteps } from '../task/options.js';
import { withoutHeld } from './held-nodes.js';
import type { NewTasks } from './new-tasks.js';
import { nodesOfPool } from './nodes-of-pool.js';
import { assertShown, partsOf, sourcesOf } from './plan.js';
import { type PoolChange, type PoolChangeParts, recordPoolChanges } from './record-pool-changes.js';
import { type WantedTargets, wantedTargets } from './wanted-targets.js';

/*
 * Expand, shrink and deploy: a task of one of the pool's own templates, with parameters that come from the pool, its
 * service and the request. Everything is checked before anything is recorded.
 */

/** Addresses named in a refusal at most. */
const NAMED = 20;

/** Who changes the pool: a person by the API, or an occurrence of a schedule. */
export type OnBehalf =
  | { operator: string; flowType: 'manual' }
  | { operator: string; flowType: 'crontab'; occurrence: TaskOccurrence };

/** `again`: ids of nodes of the pool that go through the same steps once more, beside the new ones. */
type ExpandRequest = Omit<RpcRequest<typeof tasks.expand>, 'opr_user'> & { again?: readonly number[] };
type ShrinkRequest = Omit<RpcRequest<typeof tasks.shrink>, 'opr_user'>;
type DeployRequest = Omit<RpcRequest<typeof tasks.deploy>, 'opr_user'>;

/** Adds nodes to the pool whose machines are still to be made, and a task that makes them. @returns the task's id */
export async function expandPool(
  request: ExpandRequest,
  onBehalf: OnBehalf,
  context: RequestContext,
  parts: PoolChangeParts,
): Promise<RpcResponse<typeof tasks.expand>> {
  return record(await prepareExpand(request, onBehalf, context, parts), request.if_plan, context, parts);
}

/** Gives the machines of nodes back, named by their addresses or selected. Each node leaves the pool with its machine. @returns the task's id */
export async function shrinkPool(
  request: ShrinkRequest,
  onBehalf: OnBehalf,
  context: RequestContext,
  parts: PoolChangeParts,
): Promise<RpcResponse<typeof tasks.shrink>> {
  const change = await prepareShrinkByAddress(request, onBehalf, context, parts);
  assertConfirmed(change.pool, request.confirm);
  return record(change, request.if_plan, context, parts);
}

/** The change that `shrinkPool` records, checked. */
export async function prepareShrinkByAddress(
  { pool_id, nodes, select }: ShrinkRequest,
  onBehalf: OnBehalf,
  context: RequestContext,
  parts: PoolChangeParts,
): Promise<PoolChange> {
  assertOneWay(nodes, select);
  if (nodes.length === 0 && !select) throw new ServiceError('blank', 'nodes is empty', 'nodes');
  const targetsOf = async (pool: Pool): Promise<WantedTargets> => {
    const wanted = await wantedTargets({ nodes, select }, { context, bus: parts.bus, of: pool.id });
    const foreign = wanted.targets.filter((target) => target.pool_id !== pool.id);
    if (foreign.length === 0) return wanted;
    const names = foreign.slice(0, NAMED).map(({ ip }) => show(ip));
    throw new ServiceError(
      'not_of_pool',
      `${names.join(', ')}: not a node of pool ${show(pool.name)}`,
      select ? 'select' : 'nodes',
      { value: foreign[0]?.ip, data: { pool_id: pool.id, pool: pool.name, names: names.join(', ') } },
    );
  };
  return prepareShrink(pool_id, targetsOf, onBehalf, context, parts);
}

/** Puts an image online on all nodes of the pool that have an address. @returns the task's id */
export async function deployPool(
  request: DeployRequest,
  onBehalf: OnBehalf,
  context: RequestContext,
  parts: PoolChangeParts,
): Promise<RpcResponse<typeof tasks.deploy>> {
  const change = await prepareDeploy(request, onBehalf, context, parts);
  assertConfirmed(change.pool, request.confirm);
  return record(change, request.if_plan, context, parts);
}

/** The change that `expandPool` records, checked. */
export async function prepareExpand(
  { pool_id, num, again = [] }: ExpandRequest,
  onBehalf: OnBehalf,
  context: RequestContext,
  parts: PoolChangeParts,
): Promise<PoolChange> {
  const prepared = await prepare('expand', pool_id, { first: 'create_vm' }, undefined, context, parts);
  const now = parts.clock.now();
  const targets = await targetsById(pool_id, again, context, parts.bus);
  return toChange(prepared, { targets, ...onBehalf, now }, num);
}

/** A change that gives the machines of nodes back, named by id: a schedule also returns those without an address. */
export function prepareShrinkById(
  { pool_id, ids }: { pool_id: number; ids: readonly number[] },
  onBehalf: OnBehalf,
  context: RequestContext,
  parts: PoolChangeParts,
): Promise<PoolChange> {
  const targetsOf = async (pool: Pool): Promise<WantedTargets> => {
    const targets = await targetsById(pool.id, ids, context, parts.bus);
    if (targets.length > 0) return { targets, leftOut: [] };
    throw new ServiceError('no_nodes', `the nodes have left pool ${show(pool.name)} meanwhile`, undefined, {
      data: { pool: pool.name },
    });
  };
  return prepareShrink(pool_id, targetsOf, onBehalf, context, parts);
}

async function prepareShrink(
  poolId: number,
  targetsOf: (pool: Pool) => Promise<WantedTargets>,
  onBehalf: OnBehalf,
  context: RequestContext,
  parts: PoolChangeParts,
): Promise<PoolChange> {
  const now = parts.clock.now();
  const prepared = await prepare('shrink', poolId, { last: 'return_vm' }, undefined, context, parts);
  const { targets, leftOut, select } = await targetsOf(prepared.pool);
  return { ...toChange(prepared, { targets, select, ...onBehalf, now }), leftOut };
}

/** The change that `deployPool` records, checked. */
export async function prepareDeploy(
  request: DeployRequest,
  onBehalf: OnBehalf,
  context: RequestContext,
  parts: PoolChangeParts,
): Promise<PoolChange> {
  const { pool_id, max_num, max_ratio, max_fail_num, max_fail_ratio } = request;
  const tag = request.tag.trim();
  if (tag === '') throw new ServiceError('blank', 'tag is empty', 'tag');
  const now = parts.clock.now();
  const prepared = await prepare('deploy', pool_id, {}, tag, context, parts);
  const nodes = await nodesOfPool(prepared.pool, context, parts.bus);
  const { targets, leftOut } = await withoutHeld(nodes.targets, request.held_nodes, now, parts);
  const batch = { maxRatio: max_ratio, maxNum: max_num };
  const budget = { maxNum: max_fail_num, maxRatio: max_fail_ratio };
  const change = toChange(prepared, { targets, batch, budget, ...onBehalf, now });
  return { ...change, leftOut: [...leftOut, ...nodes.leftOut] };
}

/** Those of these nodes that are in the pool. */
async function targetsById(
  poolId: number,
  ids: readonly number[],
  context: RequestContext,
  bus: Bus,
): Promise<TaskTarget[]> {
  if (ids.length === 0) return [];
  const { targets } = await bus.call(inventory.targetsById, { ids: [...ids] }, context);
  return targets.filter((target) => target.pool_id === poolId);
}

interface Prepared {
  kind: keyof PoolTasks;
  pool: Pool;
  template: NewTasks['template'];
  steps: NewTasks['steps'];
  sources: NewTasks['sources'];
  unusedParams: string[];
}

/** Looks up the pool's template for an operation, lays the operation's values over its parameters, and checks it. */
async function prepare(
  kind: keyof PoolTasks,
  poolId: number,
  ends: { first?: string; last?: string },
  tag: string | undefined,
  context: RequestContext,
  { bus, settings }: PoolChangeParts,
): Promise<Prepared> {
  const pool = await bus.call(inventory.getPool, { id: poolId }, context);
  const templateId = pool.tasks[kind];
  if (!templateId) {
    throw new ServiceError(
      'template_not_set',
      `pool ${show(pool.name)} has no template to ${kind}: tasks.${kind} is not set`,
      undefined,
      { data: { pool: pool.name, pool_id: pool.id, kind } },
    );
  }
  const [service, template] = await Promise.all([
    bus.call(inventory.getService, { id: pool.service_id }, context),
    bus.call(catalog.resolveTemplate, { id: templateId }, context),
  ]);
  const names = template.steps.map(({ name }) => name);
  if (ends.first !== undefined && names[0] !== ends.first) {
    throw wrongTemplate(`the first step of template ${show(template.name)} must be ${ends.first}`, names[0]);
  }
  if (ends.last !== undefined && names.at(-1) !== ends.last) {
    throw wrongTemplate(
      `the last step of template ${show(template.name)} must be ${ends.last}`,
      names.at(-1),
    );
  }
  const { overrides, unused } = overridesOf(template.steps, kind, pool, service, tag);
  const steps = planSteps(withOverrides(template.steps, overrides), settings.limits);
  const sources = sourcesOf(template.steps, overrides);
  return { kind, pool, template, steps, sources, unusedParams: unused };
}

function wrongTemplate(rule: string, found: string | undefined): ServiceError {
  return new ServiceError('template_rule', `${rule}, not ${show(found ?? 'nothing')}`, 'template_id');
}

/**
 * The values of pool, service and request for a template's steps. A provider that the pool does not name (0), and an image that the
 * service does not name, leave the template's value. Operators decide on these values, so none can be the name of a secret: a
 * text is a text, also where it looks like one.
 * @returns beside them the parameters that no step takes. A step that the template does not have is passed over; only a missing one for
 *   the image is worth a line in the task's log.
 */
function overridesOf(
  steps: readonly ResolvedStep[],
  kind: keyof PoolTasks,
  pool: Pool,
  service: FleetService,
  tag: string | undefined,
): { overrides: Override[]; unused: string[] } {
  const named = (step: string): ResolvedStep[] => steps.filter(({ name }) => name === step);
  const vm = (step: string): Override[] =>
    pool.vm_type > 0
      ? [{ takers: named(step), param: 'vm_type_id', value: pool.vm_type, source: 'pool' }]
      : [];
  const discovery = (step: string): Override[] =>
    pool.sd_id > 0
      ? [{ takers: named(step), param: 'service_discovery_id', value: pool.sd_id, source: 'pool' }]
      : [];
  const firstStart = steps.filter(({ name }) => name.startsWith(START_SERVICE)).slice(0, 1);
  const source = tag === undefined ? 'service' : 'call';
  const image = (value: string): Override[] =>
    value.trim() === '' ? [] : [{ takers: firstStart, param: 'tag', value, source }];
  const unusedOf = (images: Override[]): string[] =>
    images.filter(({ takers }) => takers.length === 0).map(({ param }) => param);
  switch (kind) {
    case 'expand': {
      const images = image(service.docker_image);
      const overrides = [...vm('create_vm'), ...discovery('register'), ...images];
      return { overrides, unused: unusedOf(images) };
    }
    case 'shrink':
      return { overrides: [...vm('return_vm'), ...discovery('unregister')], unused: [] };
    case 'deploy': {
      const overrides = image(tag ?? service.docker_image);
      return { overrides, unused: unusedOf(overrides) };
    }
    default:
      return kind satisfies never;
  }
}

function toChange(
  { kind, pool, template, steps, sources, unusedParams }: Prepared,
  task: Pick<NewTasks, 'targets' | 'select' | 'operator' | 'flowType' | 'occurrence' | 'now'> &
    Partial<Pick<NewTasks, 'batch' | 'budget'>>,
  num = 0,
): PoolChange {
  return {
    kind,
    pool: { id: pool.id, name: pool.name, ...(pool.protected ? { protected: true } : {}) },
    num,
    leftOut: [],
    task: {
      batch: { maxRatio: 100, maxNum: 0 },
      budget: {},
      ...task,
      name: task.flowType === 'crontab' ? `${pool.name}_${kind}` : `${kind}_${pool.name}`,
      template,
      steps,
      sources,
      unusedParams,
      timeoutMs: 0,
      start: true,
    },
  };
}

/** @param shown the plan that the operation is bound to */
async function record(
  operation: PoolChange,
  shown: string | undefined,
  context: RequestContext,
  parts: PoolChangeParts,
): Promise<{ id: number }> {
  assertShown(shown, () => partsOf(operation, parts.settings.retryDelayMs));
  const [id] = await recordPoolChanges([operation], context, parts, ([id]) => ({ id }));
  if (id === undefined) throw new Error(`no task was made to ${operation.kind} pool ${operation.pool.id}`);
  return { id };
}
