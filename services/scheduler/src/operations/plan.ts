import { createHash } from 'node:crypto';
import { type LeftOutNode, type ResolvedStep, ServiceError, type ValueSource } from '@rigel/contracts';
import type { Override } from '../task/merge-params.js';
import type { NewTasks } from './new-tasks.js';

/*
 * A plan: what an operation records, in full, before it is recorded. The operation and its preview make it by the same code from what
 * they read, and the operation records nothing else. So the hash of a plan that a person was shown binds the operation to it, at any
 * replica and without anything kept.
 */

/** The pool that an operation changes. `protected`: whoever carries it out repeats the pool's name. */
export interface PlannedPool {
  id: number;
  name: string;
  protected?: true;
}

/** What an operation does: the tasks, and what is beside them. Pure data. */
export interface Plan {
  kind: 'create' | 'run' | 'expand' | 'shrink' | 'deploy';
  task: NewTasks;
  /** The pool that it changes; absent: it only makes tasks. */
  pool?: PlannedPool;
  /** Nodes that are entered for it. */
  num: number;
  /** Nodes that do not take part. */
  leftOut: readonly LeftOutNode[];
}

/** Where the values of a template's steps come from, after these were laid over them. */
export function sourcesOf(
  steps: readonly ResolvedStep[],
  overrides: readonly Override[],
): Record<string, ValueSource>[] {
  return steps.map((step) =>
    Object.fromEntries(
      overrides
        .filter(({ takers }) => takers.includes(step))
        .map(({ param, source = 'call' }) => [param, source]),
    ),
  );
}

/** What a plan depends on, part by part. */
export interface PlanParts {
  /** The template with its steps, their order, retries and limits. */
  template: unknown;
  /** What the steps run: actions and their scripts. */
  catalog: unknown;
  /** Values; of secrets the names. */
  parameters: unknown;
  /** Nodes with ids, addresses and machines, in the order of their batches. */
  nodes: readonly unknown[];
  /** Everything else: names, pools, batches, budget, limits. */
  settings: unknown;
}

/** The parts of a plan that makes tasks. */
export function partsOf({ kind, task, num }: Plan, retryDelayMs: number): PlanParts {
  const { template, steps, targets } = task;
  const { name, batch, budget, timeoutMs, start, unusedParams, secretsByAdmin = false, select } = task;
  return {
    template: {
      ...{ id: template.id, name: template.name },
      steps: steps.map(({ actions: _, param_values: __, ...step }) => step),
    },
    catalog: steps.map(({ actions }) => actions),
    parameters: { values: steps.map(({ param_values }) => param_values), unusedParams, secretsByAdmin },
    nodes: [
      ...targets.map(({ node_id, ip, vm_id, pool_id, same_machine = [] }) => [
        ...[node_id, ip, vm_id, pool_id],
        same_machine.map((other) => other.node_id),
      ]),
      ...Array.from({ length: num }, () => 'new'),
    ],
    settings: {
      ...{ kind, name, batch, budget, timeoutMs, start, retryDelayMs, select },
      pools: [...new Set(targets.map(({ pool_id, pool_name }) => `${pool_id} ${pool_name}`))],
    },
  };
}

/** JSON with the members of every object in one order, so that equal values have equal texts. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
  return `{${members.join()}}`;
}

const NAMES = ['template', 'catalog', 'parameters', 'nodes', 'settings'] as const;

function digest(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

/**
 * The hash of a plan: 40 hexadecimal digits over everything, then eight for each part and the number of nodes, by which a refusal
 * can say what has changed.
 */
export function hashOf(parts: PlanParts): string {
  const texts = NAMES.map((name) => canonical(parts[name]));
  const marks = texts.map((text) => digest(text, 8));
  return [digest(texts.join('\n'), 40), ...marks, String(parts.nodes.length)].join('.');
}

const WORDS: Record<(typeof NAMES)[number], string> = {
  template: 'the template has other steps or limits',
  catalog: 'an action of it runs something else',
  parameters: 'parameters have other values',
  nodes: 'other nodes take part',
  settings: 'names, batches, budget, limits or the selection are others',
};

/** The parts in which two plans differ, by name; none: one of the two is no plan of this release. */
function partsBetween(shown: string, now: string): string[] {
  const [, ...before] = shown.split('.');
  const [, ...after] = now.split('.');
  return before.length === after.length ? NAMES.filter((_, index) => before[index] !== after[index]) : [];
}

/** What differs between a plan that was shown and the one that would be carried out now, in words. */
export function changesBetween(shown: string, now: string): string[] {
  const [, ...before] = shown.split('.');
  const [, ...after] = now.split('.');
  if (before.length !== after.length) return ['it is no plan of this release'];
  return NAMES.flatMap((name, index) => {
    if (before[index] === after[index]) return [];
    if (name !== 'nodes') return [WORDS[name]];
    return [`${WORDS.nodes}: ${after.at(-1)} nodes, ${before.at(-1)} were shown`];
  });
}

/**
 * @param shown the hash that the caller gave; undefined: the operation is bound to no plan.
 * @throws ServiceError `wrong_state` (field `if_plan`) that says what changed, and the hash of the new plan.
 */
export function assertShown(shown: string | undefined, parts: () => PlanParts): void {
  if (shown === undefined) return;
  const now = hashOf(parts());
  if (now === shown) return;
  const changes = changesBetween(shown, now);
  throw new ServiceError(
    'plan_changed',
    `if_plan: the plan is not the one that was shown, and nothing was done: ${changes.join('; ') || 'it was changed'}; look at the ` +
      `new plan, which is ${now}`,
    'if_plan',
    { data: { plan: now, changes: partsBetween(shown, now).join(',') } },
  );
}
