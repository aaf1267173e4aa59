import {
  type LeftOutNode,
  PLANNED_NODES,
  PLANNED_ROWS,
  type Preview,
  ServiceError,
  type TaskTarget,
} from '@rigel/contracts';
import type { PlannedStep } from '../task/events.js';
import { describeHolders, type Holder, heldFacts } from '../task/holders.js';
import { parsed } from '../task/options.js';
import { byPool, sizesOf } from './create-tasks.js';
import { hashOf, type Plan, partsOf } from './plan.js';
import type { EarlierTask } from './plan-reads.js';
import { partsOfStart, type StartPlan } from './plan-start.js';
import { stepRows } from './step-rows.js';

/*
 * A plan as people read it: counts, the first rows, the scripts as they will run. Secrets are names in a plan, so none can be in it.
 * Pure.
 */

/** What was read for a preview beside the plan. */
export interface PreviewFacts {
  /** Nodes of the plan that others hold: the operation would be refused because of them. */
  held: ReadonlyMap<TaskTarget, Holder>;
  /** Why the operation would be refused for another reason. */
  refused: ServiceError | null;
  earlier: readonly EarlierTask[];
  retryDelayMs: number;
}

/** The preview of an operation that makes tasks. */
export function previewOf(plan: Plan, facts: PreviewFacts): Preview {
  const { task, num, leftOut } = plan;
  const pools = [...byPool(task.targets)];
  const made = num > 0 && pools.length === 0 ? [[0, []] as [number, TaskTarget[]]] : pools;
  const tasks = made.map(([, nodes]) => {
    const count = nodes.length + num;
    const { batchSize, failureBudget } = sizesOf(task, count);
    return { nodes, count, batchSize, batches: Math.ceil(count / batchSize), failureBudget };
  });
  const atOnce = tasks.reduce((sum, { batchSize }) => sum + batchSize, 0);
  const batches = Math.max(0, ...tasks.map((one) => one.batches));
  const [example] = task.targets;
  return {
    plan: hashOf(partsOf(plan, facts.retryDelayMs)),
    ...refusalRows(facts.held.size > 0 ? asHeld(facts.held) : facts.refused),
    template: { id: task.template.id, name: task.template.name },
    tasks: tasks.slice(0, PLANNED_ROWS).map((one) => ({
      name: task.name,
      ...poolOf(plan, one.nodes),
      nodes: one.count,
      batch_size: one.batchSize,
      batches: one.batches,
      max_failed: one.failureBudget,
    })),
    nodes: {
      count: task.targets.length + num,
      to_make: num,
      rows: tasks
        .flatMap(({ nodes, batchSize }) =>
          nodes.map(({ node_id, ip, vm_id, pool_id }, index) => ({
            ...{ node_id, ip, vm_id, pool_id },
            batch: Math.floor(index / batchSize) + 1,
          })),
        )
        .slice(0, PLANNED_NODES),
    },
    left_out: leftOutRows(leftOut),
    at_once: atOnce,
    steps: stepRows(task.steps, task.sources),
    example: example ? { node_id: example.node_id, ip: example.ip } : null,
    warnings: [
      ...task.unusedParams.map((param) => ({
        code: 'unused_parameter',
        text: `no step uses the parameter ${param}`,
        data: { param },
      })),
      ...codeWarnings(task.steps),
      ...(plan.kind !== 'expand' && task.targets.length > 1 && atOnce >= task.targets.length
        ? [{ code: 'all_at_once', text: 'all nodes are worked on at once' }]
        : []),
      ...(plan.pool?.protected && plan.kind !== 'expand'
        ? [
            {
              code: 'protected',
              text: `pool ${plan.pool.name} is protected: the operation needs its name as confirm`,
            },
          ]
        : []),
      ...(task.secretsByAdmin
        ? [{ code: 'secret_by_admin', text: 'a step takes a secret that its template does not allow' }]
        : []),
    ],
    duration: durationOf(facts.earlier, batches),
  };
}

/** The preview of a start. */
export function previewOfStart(plan: StartPlan, earlier: readonly EarlierTask[]): Preview {
  const { task, runs, lacking, budget, leftOut } = plan;
  const { created } = task;
  const lacks = new Set(lacking);
  const going = runs.filter((run) => !lacks.has(run));
  const batches = new Map<number, number>();
  for (const { batch } of going) batches.set(batch, (batches.get(batch) ?? 0) + 1);
  const atOnce = Math.max(0, ...batches.values());
  const [example] = going;
  return {
    plan: hashOf(partsOfStart(plan)),
    ...refusalRows(null),
    template: created.template,
    tasks: [
      {
        name: created.name,
        pool_id: created.pool.id,
        pool_name: created.pool.name,
        nodes: going.length,
        batch_size: created.batchSize,
        batches: batches.size,
        max_failed: budget,
      },
    ],
    nodes: {
      count: going.length,
      to_make: 0,
      rows: going.slice(0, PLANNED_NODES).map((run) => ({
        node_id: run.node,
        ip: run.ip,
        vm_id: run.vm,
        pool_id: created.pool.id,
        batch: run.batch + 1,
        step: created.steps[run.step]?.name ?? '',
      })),
    },
    left_out: leftOutRows(leftOut),
    at_once: atOnce,
    steps: stepRows(created.steps, []),
    example: example ? { node_id: example.node, ip: example.ip } : null,
    warnings: [
      ...codeWarnings(created.steps),
      ...(lacking.length > 0
        ? [
            {
              code: 'nodes_lacking',
              text: `${lacking.length} nodes fail at once: the task cannot have them again`,
              data: { count: lacking.length },
            },
          ]
        : []),
    ],
    duration: durationOf(earlier, batches.size),
  };
}

function poolOf({ pool }: Plan, [node]: readonly TaskTarget[]) {
  if (node) return { pool_id: node.pool_id, pool_name: node.pool_name };
  return { pool_id: pool?.id ?? 0, pool_name: pool?.name ?? '' };
}

/** The refusal of the recording, as it would be now. */
function asHeld(held: ReadonlyMap<TaskTarget, Holder>): ServiceError {
  const names = new Map([...held].map(([target, holder]) => [holder, target.ip]));
  const holders = [...held.values()];
  const words = describeHolders(holders, (holder) => names.get(holder) ?? `node ${holder.node}`);
  return new ServiceError('nodes_held', `nodes are held: ${words}`, 'nodes', { data: heldFacts(holders) });
}

function refusalRows(refusal: ServiceError | null): Pick<Preview, 'refused' | 'reason'> {
  if (refusal === null) return { refused: null, reason: null };
  const { message, reason: code, field = null, facts } = refusal;
  return { refused: message, reason: { code, field, value: facts.value ?? null, data: { ...facts.data } } };
}

function leftOutRows(leftOut: readonly LeftOutNode[]): Preview['left_out'] {
  return { count: leftOut.length, rows: leftOut.slice(0, PLANNED_ROWS) };
}

/** Values that the shell reads as code. */
function codeWarnings(steps: readonly PlannedStep[]): Preview['warnings'] {
  return steps.flatMap((step) =>
    step.actions.flatMap((action) => {
      const { name, module } = action;
      if (module === 'noop') return [];
      const { parameters } = parsed(action, { accepted: true });
      const raw = [...new Set(parameters.filter((use) => use.raw).map((use) => use.name))];
      return raw.map((param) => ({
        code: 'raw_parameter',
        text: `step ${step.name}, action ${name}: the value of ${param} runs as code`,
        data: { step: step.name, action: name, param },
      }));
    }),
  );
}

/** From the time that a batch took in earlier tasks of the template. */
function durationOf(earlier: readonly EarlierTask[], batches: number): Preview['duration'] {
  const times = earlier.map(({ ms, batches: ran }) => (ms / ran) * batches).sort((a, b) => a - b);
  const [least] = times;
  const middle = times[Math.floor(times.length / 2)];
  const most = times.at(-1);
  if (least === undefined || middle === undefined || most === undefined || batches === 0) return null;
  return {
    likely_ms: Math.round(middle),
    least_ms: Math.round(least),
    most_ms: Math.round(most),
    task_ids: earlier.map(({ id }) => id),
  };
}
