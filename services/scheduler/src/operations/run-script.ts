import {
  checkText,
  inventory,
  MOST_SCRIPT,
  ONE_OFF_TEMPLATE,
  plainLine,
  type ResolvedStep,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  type tasks,
} from '@rigel/contracts';
import type { RequestContext } from '@rigel/messaging';
import { planSteps } from '../task/options.js';
import { answerIds, type CreateTaskParts, checkTaskName, recordTasks } from './create-tasks.js';
import { withoutHeld } from './held-nodes.js';
import { nodesOfPool } from './nodes-of-pool.js';
import { assertShown, type Plan, partsOf } from './plan.js';
import { type WantedTargets, wantedTargets } from './wanted-targets.js';

/*
 * One-off commands: a task whose only step runs a script that the caller brings. The task records the script as it records the steps of a
 * template, so that everything that looks at tasks, stops them or goes on with them needs to know nothing of it.
 */

/** Characters of a name that is made of a script. */
const NAME_LENGTH = 100;
const STEP = 'run';

/** What a one-off command runs, and how. */
export interface OneOff {
  script: string;
  /** Seconds that it may take on a node; absent: the limit of remote steps. */
  timeout?: number | undefined;
}

/** Makes tasks that run a script on nodes, one for each pool. */
export async function runScript(
  request: RpcRequest<typeof tasks.run>,
  context: RequestContext,
  parts: CreateTaskParts,
): Promise<RpcResponse<typeof tasks.run>> {
  const plan = await planScript(request, context, parts);
  assertShown(request.if_plan, () => partsOf(plan, parts.settings.retryDelayMs));
  return answerIds(await recordTasks([plan.task], context, parts));
}

/** What `runScript` records, checked. @throws ServiceError the refusal; holds on nodes refuse only the recording. */
export async function planScript(
  request: RpcRequest<typeof tasks.run>,
  context: RequestContext,
  parts: CreateTaskParts,
): Promise<Plan> {
  const script = checkScript(request.script);
  const name = checkTaskName(request.task_name?.trim() ? request.task_name : nameOf(script));
  // Taken before the inventory is asked, see `planTasks`.
  const now = parts.clock.now();
  const wanted = await targetsOf(request, context, parts);
  return planOneOff({ script, timeout: request.step_timeout }, { name, wanted, now }, request, parts);
}

/** The plan of a script over nodes that were looked up. */
export async function planOneOff(
  oneOff: OneOff,
  { name, wanted, now }: { name: string; wanted: WantedTargets; now: number },
  request: Omit<
    RpcRequest<typeof tasks.run>,
    'script' | 'pool_id' | 'nodes' | 'select' | 'task_name' | 'step_timeout'
  >,
  parts: CreateTaskParts,
): Promise<Plan> {
  const free = await withoutHeld(wanted.targets, request.held_nodes, now, parts);
  const steps = [stepOf(oneOff)];
  return {
    kind: 'run',
    num: 0,
    leftOut: [...free.leftOut, ...wanted.leftOut],
    task: {
      name,
      template: { ...ONE_OFF_TEMPLATE, steps },
      steps: planSteps(steps, parts.settings.limits),
      sources: [{}],
      unusedParams: [],
      targets: free.targets,
      select: wanted.select,
      batch: { maxRatio: request.max_ratio, maxNum: request.max_num },
      budget: { maxNum: request.max_fail_num, maxRatio: request.max_fail_ratio },
      timeoutMs: request.timeout * 60_000,
      start: true,
      operator: request.opr_user,
      flowType: 'manual',
      now,
    },
  };
}

/** A failed attempt has no next one: a command that nobody tried before is not done twice without being asked. */
function stepOf({ script, timeout }: OneOff): ResolvedStep {
  return {
    name: STEP,
    kind: 'remote',
    param_values: {},
    retry: { retry_times: 0, ignore_error: false },
    ...(timeout === undefined ? {} : { timeout }),
    actions: [{ name: STEP, params: {}, module: 'longscript', text: script, literal: true }],
  };
}

function checkScript(script: string): string {
  checkText('script', script);
  if (script.trim() === '')
    throw new ServiceError('blank', 'script is empty: write what is to run', 'script');
  if (script.length <= MOST_SCRIPT) return script;
  throw new ServiceError(
    'too_long',
    `script has ${script.length} characters, and may have ${MOST_SCRIPT}: put a longer one on the nodes first, or into the catalog`,
    'script',
    { data: { limit: MOST_SCRIPT } },
  );
}

/** The first line that says what the script does. */
function nameOf(script: string): string {
  const lines = script.split('\n').map((line) => plainLine(line, NAME_LENGTH));
  return lines.find((line) => line !== '' && !line.startsWith('#')) ?? ONE_OFF_TEMPLATE.name;
}

async function targetsOf(
  { pool_id, nodes = [], select }: RpcRequest<typeof tasks.run>,
  context: RequestContext,
  { bus }: CreateTaskParts,
): Promise<WantedTargets> {
  if (pool_id === undefined) return wantedTargets({ nodes, select }, { context, bus });
  if (nodes.length > 0 || select) {
    throw new ServiceError(
      'invalid',
      'name the nodes by nodes or select, or by pool_id (all nodes of a pool), and not by both',
      'nodes',
    );
  }
  const pool = await bus.call(inventory.getPool, { id: pool_id }, context);
  return nodesOfPool(pool, context, bus);
}
