import { allowsSecret, type ResolvedStep, ServiceError, show } from '@rigel/contracts';
import { parametersOf, planSteps } from '../task/options.js';

/*
 * Which templates today's rules refuse. Rules become stricter with a release, and templates were saved under earlier
 * ones. The operator who upgrades has to know before a task is refused at night. The check reads what a template says
 * itself, and takes values that calls have to give to be right.
 */

/** The check ignores the scheduler's time limits: they are a setting, and no fault of a template. */
const ANY_LIMIT = { remoteMs: Number.MAX_SAFE_INTEGER, providerMs: Number.MAX_SAFE_INTEGER };
/** In the place of a value that the template leaves to its calls: it suits every type, and every place of a command. */
const ANY_VALUE = 1;

/** Why tasks of a template are refused now, whatever they give it; empty: they are not. One reason at most for an action. */
export function refusalsOf(steps: readonly ResolvedStep[]): string[] {
  if (steps.length === 0) return ['the template has no step'];
  return [...new Set(steps.flatMap(refusalsOfStep))];
}

function refusalsOfStep(step: ResolvedStep): string[] {
  const perAction = step.actions.flatMap((action) => refusal({ ...step, actions: [action] }));
  return perAction.length > 0 ? perAction : refusal(step);
}

function refusal(step: ResolvedStep): string[] {
  try {
    planSteps([withValues(step)], ANY_LIMIT);
    return [];
  } catch (error) {
    if (error instanceof ServiceError) return [error.message];
    throw error;
  }
}

function withValues(step: ResolvedStep): ResolvedStep {
  const values = { ...step.param_values };
  for (const name of parametersOf(step)) {
    if (Object.hasOwn(values, name) && isGiven(step, values[name])) continue;
    values[name] = ANY_VALUE;
  }
  return { ...step, param_values: values };
}

/** An empty value of a built-in step is none, and has to come from a pool. */
function isGiven(step: ResolvedStep, value: unknown): boolean {
  return value !== undefined && value !== null && !(step.kind !== 'remote' && value === '');
}

/** A secret that the params of a call named, at a time when every call could name any. */
export interface GivenSecret {
  template: number;
  step: string;
  param: string;
  secret: string;
  /** The last task that was made so, and who made it. */
  task: number;
  operator: string;
}

/** Those that the template does not allow: the next such call by an operator is refused. */
export function secretsToAllow(steps: readonly ResolvedStep[], given: readonly GivenSecret[]): GivenSecret[] {
  return given.filter(({ step: name, param, secret }) =>
    steps.some((step) => step.name === name && !allowsSecret(step, param, secret)),
  );
}

export function describeGivenSecret({ step, param, secret, task, operator }: GivenSecret): string {
  return (
    `step ${show(step)}, parameter ${show(param)}: calls name the secret ${show(secret)} (last ${show(operator)}, task ${task}), ` +
    `which operators may not: an admin adds it to allowed_secrets of step ${show(step)}`
  );
}
