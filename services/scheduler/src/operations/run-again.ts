import {
  catalog,
  inventory,
  isOneOff,
  isSecretParameter,
  NO_ADDRESS,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  type tasks,
} from '@rigel/contracts';
import type { RequestContext } from '@rigel/messaging';
import type { TaskCreated } from '../task/events.js';
import { answerIds, type CreateTaskParts, planOver, recordTasks } from './create-tasks.js';
import { assertShown, type Plan, partsOf } from './plan.js';
import type { EarlierRun, EarlierTaskPlan } from './plan-reads.js';
import { planOneOff } from './run-script.js';
import type { WantedTargets } from './wanted-targets.js';

/*
 * An ended task once more, as a new one. Of a template the new task runs what the template says today, with the values that the ended task
 * did not have from the template; so a repaired script is what runs, and a secret must be allowed today.
 */

/** Makes a new task of an ended one. */
export async function runAgain(
  request: RpcRequest<typeof tasks.again>,
  context: RequestContext,
  parts: CreateTaskParts,
): Promise<RpcResponse<typeof tasks.again>> {
  const plan = await planAgain(request, context, parts);
  assertShown(request.if_plan, () => partsOf(plan, parts.settings.retryDelayMs));
  return answerIds(await recordTasks([plan.task], context, parts));
}

/** What `runAgain` records, checked. @throws ServiceError the refusal; holds on nodes refuse only the recording. */
export async function planAgain(
  request: RpcRequest<typeof tasks.again>,
  context: RequestContext,
  parts: CreateTaskParts,
): Promise<Plan> {
  const { bus, planning, clock } = parts;
  if (!planning) throw new Error('this scheduler makes no plans');
  const now = clock.now();
  const earlier = await planning.earlier(request.id);
  const { created } = earlier;
  if (!earlier.ended) {
    throw new ServiceError(
      'task_running',
      `task ${request.id} has not ended: start goes on with it; stop it first if it is to run again from the beginning`,
    );
  }
  if (isOneOff(created.template) && request.may_run !== true) {
    throw new ServiceError(
      'run_not_allowed',
      `task ${request.id} is a one-off command: running it again needs the role admin, or a token that may run commands`,
    );
  }
  const wanted = await targetsOf(request, earlier, context, parts);
  const settings = {
    max_ratio: 100,
    max_num: request.max_num ?? created.batchSize,
    timeout: created.timeoutMs / 60_000,
    held_nodes: request.held_nodes,
    opr_user: request.opr_user,
    ...budgetOf(request, created),
  };
  const { name } = created;
  const plan = isOneOff(created.template)
    ? await planOneOff(oneOffOf(created), { name, wanted, now }, settings, parts)
    : await planOver(
        {
          ...{ name, wanted, now },
          template: await bus.call(catalog.resolveTemplate, { id: created.template.id }, context),
        },
        {
          ...settings,
          auto: true,
          params: paramsOf(created),
          // The template may have lost a parameter since: the plan says so.
          unused_params: 'warn',
          ...(request.any_secret ? { any_secret: true } : {}),
        },
        parts,
      );
  return {
    ...plan,
    task: { ...plan.task, againOf: request.id },
  };
}

function budgetOf(
  { max_fail_num, max_fail_ratio }: RpcRequest<typeof tasks.again>,
  { failureBudget }: EarlierTaskPlan['created'],
) {
  if (max_fail_num === undefined && max_fail_ratio === undefined)
    return failureBudget === null ? {} : { max_fail_num: failureBudget };
  return {
    ...(max_fail_num === undefined ? {} : { max_fail_num }),
    ...(max_fail_ratio === undefined ? {} : { max_fail_ratio }),
  };
}

function oneOffOf({ steps }: EarlierTaskPlan['created']) {
  const [step] = steps;
  return { script: step?.actions[0]?.text ?? '', timeout: step?.timeout };
}

/**
 * The values that did not come from the template, by step. Of a task of an earlier release all values: it does not tell them apart.
 */
function paramsOf({ steps, sources }: Pick<TaskCreated, 'steps' | 'sources'>): Record<string, unknown> {
  const params: Record<string, Record<string, unknown>> = {};
  for (const [index, { name, param_values }] of steps.entries()) {
    const own = Object.entries(param_values).filter(
      ([param, value]) =>
        (sources ? (sources[index]?.[param] ?? 'template') !== 'template' : true) && isValue(value),
    );
    if (own.length > 0) params[name] = { ...params[name], ...Object.fromEntries(own) };
  }
  return params;
}

const isValue = (value: unknown): boolean =>
  ['string', 'number', 'boolean'].includes(typeof value) || isSecretParameter(value);

/** Nodes of the ended task that are still in its pool. */
async function targetsOf(
  { id, only }: RpcRequest<typeof tasks.again>,
  { created, runs }: EarlierTaskPlan,
  context: RequestContext,
  { bus }: CreateTaskParts,
): Promise<WantedTargets> {
  const wanted = runs.filter(({ state }) => takes(only, state));
  if (wanted.length === 0) {
    const which = only === 'failed' ? 'failed' : 'did not succeed';
    throw new ServiceError('nothing_to_run', `no node of task ${id} ${which}`, 'only');
  }
  const found = await bus.call(inventory.targetsById, { ids: wanted.map(({ node_id }) => node_id) }, context);
  const known = new Map(
    found.targets
      .filter(({ pool_id, ip }) => pool_id === created.pool.id && ip !== NO_ADDRESS)
      .map((target) => [target.node_id, target]),
  );
  const targets = wanted.flatMap(({ node_id }) => known.get(node_id) ?? []);
  if (targets.length === 0) {
    throw new ServiceError(
      'no_nodes',
      `none of the nodes of task ${id} is in pool ${created.pool.name} with an address any more`,
      undefined,
      { data: { pool: created.pool.name } },
    );
  }
  return {
    targets,
    leftOut: wanted
      .filter(({ node_id }) => !known.has(node_id))
      .map(({ node_id, ip }) => ({
        ...{ node_id, ip },
        code: 'left_pool' as const,
        text: `it is not in pool ${created.pool.name} with an address any more`,
      })),
  };
}

const SUCCEEDED = 2;
const FAILED = 3;

function takes(only: RpcRequest<typeof tasks.again>['only'], state: EarlierRun['state']): boolean {
  if (only === undefined) return true;
  return only === 'failed' ? state === FAILED : state !== SUCCEEDED;
}
