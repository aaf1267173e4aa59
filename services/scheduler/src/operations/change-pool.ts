import {
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
import { planSteps } from '../task/options.js';
import { NO_ADDRESS } from '../task/state.js';
import { findTargets, type NewTasks } from './create-tasks.js';
import { type PoolOperation, type PoolOperationParts, recordOperations } from './record-pool-changes.js';

/*
 * Expand, shrink and deploy: a task of one of the pool's own templates, with parameters that come from the pool, its
 * service and the request. Everything is checked before anything is recorded.
 */

/** Who lets the pool change: a person by the API, or a moment of a schedule. */
export type OnBehalf =
  | { operator: string; flowType: 'manual' }
  | { operator: string; flowType: 'crontab'; occurrence: TaskOccurrence };

/** The steps that begin a service on a node begin with this; the first of them gets the image's tag. */
const START_SERVICE = 'start_service';

/** `again`: ids of nodes of the pool that go through the same steps once more, beside the new ones. */
type ExpandRequest = Pick<RpcRequest<typeof tasks.expand>, 'pool_id' | 'num'> & { again?: readonly number[] };

/** Adds nodes to the pool whose machines are still to be made, and a task that makes them. */
export async function expandPool(
  request: ExpandRequest,
  onBehalf: OnBehalf,
  context: RequestContext,
  parts: PoolOperationParts,
): Promise<RpcResponse<typeof tasks.expand>> {
  return record(await expandOperation(request, onBehalf, context, parts), context, parts);
}

/** The task that `expandPool` records, checked. */
export async function expandOperation(
  { pool_id, num, again = [] }: ExpandRequest,
  onBehalf: OnBehalf,
  context: RequestContext,
  parts: PoolOperationParts,
): Promise<PoolOperation> {
  const prepared = await prepare('expand', pool_id, { first: 'create_vm' }, undefined, context, parts);
  const now = parts.clock.now();
  const targets = await targetsOf(pool_id, again, context, parts.bus);
  return toOperation(prepared, { targets, ...onBehalf, now }, num);
}

/** Those of these nodes that are in the pool. */
async function targetsOf(
  poolId: number,
  ids: readonly number[],
  context: RequestContext,
  bus: Bus,
): Promise<TaskTarget[]> {
  if (ids.length === 0) return [];
  const { targets } = await bus.call(inventory.targetsById, { ids: [...ids] }, context);
  return targets.filter((target) => target.pool_id === poolId);
}

/** Gives the machines of nodes back that are named by id: a schedule also returns those without an address. */
export async function shrinkOperation(
  { pool_id, ids }: { pool_id: number; ids: readonly number[] },
  onBehalf: OnBehalf,
  context: RequestContext,
  parts: PoolOperationParts,
): Promise<PoolOperation> {
  const now = parts.clock.now();
  const prepared = await prepare('shrink', pool_id, { last: 'return_vm' }, undefined, context, parts);
  const targets = await targetsOf(pool_id, ids, context, parts.bus);
  if (targets.length === 0) {
    throw new ServiceError('wrong_state', `pool ${show(prepared.pool.name)} lost the nodes meanwhile`);
  }
  return toOperation(prepared, { targets, ...onBehalf, now });
}

/** Gives the machines of nodes back. Each node leaves the pool with its machine. */
export async function shrinkPool(
  { pool_id, nodes }: Pick<RpcRequest<typeof tasks.shrink>, 'pool_id' | 'nodes'>,
  onBehalf: OnBehalf,
  context: RequestContext,
  parts: PoolOperationParts,
): Promise<RpcResponse<typeof tasks.shrink>> {
  if (nodes.length === 0) throw new ServiceError('invalid', 'nodes is empty', 'nodes');
  const now = parts.clock.now();
  const prepared = await prepare('shrink', pool_id, { last: 'return_vm' }, undefined, context, parts);
  const targets = await findTargets(nodes, context, parts.bus);
  const foreign = targets.filter((target) => target.pool_id !== pool_id);
  if (foreign.length > 0) {
    const names = foreign.slice(0, 20).map(({ ip }) => show(ip));
    throw new ServiceError(
      'not_found',
      `${names.join(', ')}: not a node of pool ${show(prepared.pool.name)}`,
      'nodes',
    );
  }
  return record(toOperation(prepared, { targets, ...onBehalf, now }), context, parts);
}

type DeployRequest = Omit<RpcRequest<typeof tasks.deploy>, 'opr_user'>;

/** Puts an image online on all nodes of the pool that have an address. */
export async function deployPool(
  request: DeployRequest,
  onBehalf: OnBehalf,
  context: RequestContext,
  parts: PoolOperationParts,
): Promise<RpcResponse<typeof tasks.deploy>> {
  return record(await deployOperation(request, onBehalf, context, parts), context, parts);
}

/** The task that `deployPool` records, checked. */
export async function deployOperation(
  request: DeployRequest,
  onBehalf: OnBehalf,
  context: RequestContext,
  parts: PoolOperationParts,
): Promise<PoolOperation> {
  const { pool_id, max_num, max_ratio, max_fail_num, max_fail_ratio } = request;
  const tag = request.tag.trim();
  if (tag === '') throw new ServiceError('invalid', 'tag is empty', 'tag');
  const now = parts.clock.now();
  const prepared = await prepare('deploy', pool_id, {}, tag, context, parts);
  const all = await parts.bus.call(inventory.poolTargets, { pool_id }, context);
  const targets = all.targets.filter(({ ip }) => ip !== NO_ADDRESS);
  if (targets.length === 0) {
    throw new ServiceError('wrong_state', `pool ${show(prepared.pool.name)} has no node with an address`);
  }
  const batch = { maxRatio: max_ratio, maxNum: max_num };
  const budget = { maxNum: max_fail_num, maxRatio: max_fail_ratio };
  return toOperation(prepared, { targets, batch, budget, ...onBehalf, now });
}

interface Prepared {
  kind: keyof PoolTasks;
  pool: Pool;
  template: NewTasks['template'];
  steps: NewTasks['steps'];
  unusedParams: string[];
}

/** Looks up the pool's template for an operation, lays the operation's values over its parameters, and checks it. */
async function prepare(
  kind: keyof PoolTasks,
  poolId: number,
  ends: { first?: string; last?: string },
  tag: string | undefined,
  context: RequestContext,
  { bus, settings }: PoolOperationParts,
): Promise<Prepared> {
  const pool = await bus.call(inventory.getPool, { id: poolId }, context);
  const templateId = pool.tasks[kind];
  if (!templateId) {
    throw new ServiceError(
      'wrong_state',
      `pool ${show(pool.name)} has no template to ${kind}: tasks.${kind} is not set`,
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
  const { steps, unused } = withOverrides(template.steps, overridesOf(kind, pool, service, tag));
  return { kind, pool, template, steps: planSteps(steps, settings.limits), unusedParams: unused };
}

function wrongTemplate(rule: string, found: string | undefined): ServiceError {
  return new ServiceError('invalid', `${rule}, not ${show(found ?? 'nothing')}`, 'template_id');
}

/**
 * A value for a parameter of the steps of a name, or of the first step whose name begins so. Operators decide on these values, so
 * none can be the name of a secret: a text is a text, also where it looks like one.
 */
interface Override {
  step: string;
  firstBeginningSo?: boolean;
  param: string;
  value: number | string;
}

/** A provider that the pool does not name (0), and an image that the service does not name, leave the template's value. */
function overridesOf(
  kind: keyof PoolTasks,
  pool: Pool,
  service: FleetService,
  tag: string | undefined,
): Override[] {
  const vm = (step: string): Override[] =>
    pool.vm_type > 0 ? [{ step, param: 'vm_type_id', value: pool.vm_type }] : [];
  const discovery = (step: string): Override[] =>
    pool.sd_id > 0 ? [{ step, param: 'service_discovery_id', value: pool.sd_id }] : [];
  const image = (value: string): Override[] =>
    value.trim() === '' ? [] : [{ step: START_SERVICE, firstBeginningSo: true, param: 'tag', value }];
  switch (kind) {
    case 'expand':
      return [...vm('create_vm'), ...discovery('register'), ...image(service.docker_image)];
    case 'shrink':
      return [...vm('return_vm'), ...discovery('unregister')];
    case 'deploy':
      return image(tag ?? service.docker_image);
    default:
      return kind satisfies never;
  }
}

/** A step that the template does not have is passed over; only for the image that is worth a word in the task's log. */
function withOverrides(
  template: readonly ResolvedStep[],
  overrides: readonly Override[],
): { steps: ResolvedStep[]; unused: string[] } {
  const steps = template.map((step) => ({ ...step, param_values: { ...step.param_values } }));
  const unused: string[] = [];
  for (const { step, firstBeginningSo, param, value } of overrides) {
    const takers = firstBeginningSo
      ? steps.filter(({ name }) => name.startsWith(step)).slice(0, 1)
      : steps.filter(({ name }) => name === step);
    if (firstBeginningSo && takers.length === 0) unused.push(param);
    for (const taker of takers) taker.param_values[param] = value;
  }
  return { steps, unused };
}

function toOperation(
  { kind, pool, template, steps, unusedParams }: Prepared,
  task: Pick<NewTasks, 'targets' | 'operator' | 'flowType' | 'occurrence' | 'now'> &
    Partial<Pick<NewTasks, 'batch' | 'budget'>>,
  num = 0,
): PoolOperation {
  return {
    kind,
    pool: { id: pool.id, name: pool.name },
    num,
    task: {
      batch: { maxRatio: 100, maxNum: 0 },
      budget: {},
      ...task,
      name: task.flowType === 'crontab' ? `${pool.name}_${kind}` : `${kind}_${pool.name}`,
      template,
      steps,
      unusedParams,
      timeoutMs: 0,
      start: true,
    },
  };
}

async function record(
  operation: PoolOperation,
  context: RequestContext,
  parts: PoolOperationParts,
): Promise<{ id: number }> {
  const [id] = await recordOperations([operation], context, parts, ([id]) => ({ id }));
  if (id === undefined) throw new Error(`no task was made to ${operation.kind} pool ${operation.pool.id}`);
  return { id };
}
