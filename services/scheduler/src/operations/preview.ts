import { type ParameterValue, parseTemplate, renderTemplate } from '@rigel/command-template';
import {
  isSecretParameter,
  type LeftOutNode,
  PLANNED_NODES,
  PLANNED_ROWS,
  type Preview,
  SHOWN_SCRIPT,
  SHOWN_VALUE,
  type TaskTarget,
  type ValueSource,
} from '@rigel/contracts';
import type { PlannedStep } from '../task/events.js';
import { describeHolders, type Holder } from '../task/holders.js';
import { byPool, sizesOf } from './create-tasks.js';
import { hashOf, type Plan, partsOf } from './plan.js';
import type { EarlierTask } from './plan-reads.js';
import { partsOfStart, type StartPlan } from './plan-start.js';

/*
 * A plan as people read it: counts, the first rows, the scripts as they will run. Secrets are names in a plan, so none can be in it.
 * Pure.
 */

/** Characters of rendered scripts in one preview; the rest is cut. */
const ALL_SCRIPTS = 400_000;

type Steps = Preview['steps'];

/** What was read for a preview beside the plan. */
export interface PreviewFacts {
  /** Nodes of the plan that others hold: the operation would be refused because of them. */
  held: ReadonlyMap<TaskTarget, Holder>;
  /** Why the operation would be refused for another reason. */
  refused: string | null;
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
    refused: facts.held.size > 0 ? `nodes are held: ${describeHeld(facts.held)}` : facts.refused,
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
    refused: null,
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

function describeHeld(held: ReadonlyMap<TaskTarget, Holder>): string {
  const names = new Map([...held].map(([target, holder]) => [holder, target.ip]));
  return describeHolders([...held.values()], (holder) => names.get(holder) ?? `node ${holder.node}`);
}

function leftOutRows(leftOut: readonly LeftOutNode[]): Preview['left_out'] {
  return { count: leftOut.length, rows: leftOut.slice(0, PLANNED_ROWS) };
}

/** Steps with their values, where those come from, and the scripts with the values in their places. */
function stepRows(
  steps: readonly PlannedStep[],
  sources: readonly Readonly<Record<string, ValueSource>>[],
): Steps {
  let room = ALL_SCRIPTS;
  return steps.map((step, index) => ({
    name: step.name,
    kind: step.kind,
    retry_times: step.retry.retry_times,
    ignore_error: step.retry.ignore_error,
    timeout: step.timeout_ms / 1_000,
    params: Object.entries(step.param_values).map(([name, value]) => ({
      name,
      ...shownValue(value),
      source: sources[index]?.[name] ?? 'template',
    })),
    actions: step.actions.map((action) => {
      const script = scriptOf(step, action);
      const shown = script.slice(0, Math.min(SHOWN_SCRIPT, room));
      room -= shown.length;
      return { name: action.name, module: action.module, script: shown, cut: shown.length < script.length };
    }),
  }));
}

function shownValue(value: unknown): { value: string; secret: boolean } {
  if (isSecretParameter(value)) return { value: value.secret, secret: true };
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return { value: text.slice(0, SHOWN_VALUE), secret: false };
}

/** The script as an executor renders it, by the same code. */
function scriptOf(step: PlannedStep, { module, text }: PlannedStep['actions'][number]): string {
  if (module === 'noop') return '';
  const values = Object.fromEntries(
    Object.entries(step.param_values).map(([name, value]) => [
      name,
      isSecretParameter(value) ? `‹secret ${value.secret}›` : (value as ParameterValue),
    ]),
  );
  return renderTemplate(parseTemplate(text, languageOf(module), { accepted: true }), values);
}

const languageOf = (module: string) => (module === 'longscript' ? 'script' : 'command');

/** Values that the shell reads as code. */
function codeWarnings(steps: readonly PlannedStep[]): Preview['warnings'] {
  return steps.flatMap((step) =>
    step.actions.flatMap(({ name, module, text }) => {
      if (module === 'noop') return [];
      const { parameters } = parseTemplate(text, languageOf(module), { accepted: true });
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
