import {
  allowsSecret,
  isSecretParameter,
  nearestName,
  type ResolvedStep,
  ServiceError,
  show,
  type ValueSource,
} from '@rigel/contracts';
import { parametersOf } from './options.js';

export interface MergedSteps {
  steps: ResolvedStep[];
  /** What was laid over the template's values. */
  overrides: readonly Override[];
  unused: UnusedParam[];
  /** Whether an override names a secret that the template does not allow: the caller may name any. */
  beyondTemplate: boolean;
}

/** Who overrides the values of a template, and what they may do. */
export interface Overriding {
  /** The template, as refusals name it. */
  template: string;
  /**
   * The caller may name any secret. Else only one that the template allows for that step and parameter: its own value
   * names it, or its `allowed_secrets` do.
   */
  anySecret: boolean;
}

/** An override that fits no step. */
export interface UnusedParam {
  /** As it would be written: `step.param` or `param`. */
  name: string;
  /** What could have been meant. */
  advice: string;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value for a parameter of some of a template's steps. */
export interface Override {
  param: string;
  value: unknown;
  takers: readonly ResolvedStep[];
  /** Where the value comes from; absent: the call. */
  source?: ValueSource;
}

/** Lays values over the parameters of a template's steps, a later one over an earlier one. The given steps stay as they are. */
export function withOverrides(
  steps: readonly ResolvedStep[],
  overrides: readonly Override[],
): ResolvedStep[] {
  return steps.map((step) => {
    const own = overrides.filter(({ takers }) => takers.includes(step));
    const values = Object.fromEntries(own.map(({ param, value }) => [param, value]));
    return { ...step, param_values: { ...step.param_values, ...values } };
  });
}

/**
 * Lays a request's overrides over the template's parameter values: `{step: {param: value}}` reaches every step of that
 * name, `{param: value}` every step that has the parameter. `{param: {secret: name}}` is a value, unless a step is called so.
 * @throws ServiceError `invalid` naming a value that no command can take, or a secret that the template does not allow.
 */
export function mergeParams(
  steps: readonly ResolvedStep[],
  params: Record<string, unknown>,
  { template, anySecret }: Overriding,
): MergedSteps {
  const known = new Map(steps.map((step) => [step, parametersOf(step)]));
  const takersOf = (among: readonly ResolvedStep[], param: string) =>
    among.filter((step) => known.get(step)?.has(param));
  const paramsOf = (among: readonly ResolvedStep[]) => [
    ...new Set(among.flatMap((step) => [...(known.get(step) ?? [])])),
  ];
  const overrides: Override[] = [];
  const unused: UnusedParam[] = [];
  let beyondTemplate = false;
  // Compared with the template as it is saved: what an earlier override of the same request named allows nothing.
  const assertAllowed = (step: ResolvedStep, param: string, value: unknown): void => {
    if (!isSecretParameter(value) || allowsSecret(step, param, value.secret)) return;
    if (!anySecret) throw secretNotAllowed(template, step.name, param, value.secret);
    beyondTemplate = true;
  };
  const lay = (param: string, value: unknown, among: readonly ResolvedStep[], name: string): void => {
    const takers = takersOf(among, param);
    if (takers.length === 0) {
      unused.push({ name, advice: adviceFor(param, paramsOf(among)) });
      return;
    }
    assertValue(name, value);
    for (const step of takers) assertAllowed(step, param, value);
    overrides.push({ param, value, takers });
  };
  for (const [key, value] of Object.entries(params)) {
    if (key === '') continue;
    const named = steps.filter((step) => step.name === key);
    const isStep = isObject(value) && (named.length > 0 || !isSecretParameter(value));
    if (!isStep) lay(key, value, steps, key);
    else if (named.length > 0) {
      for (const [param, inner] of Object.entries(value)) {
        if (param !== '') lay(param, inner, named, `${key}.${param}`);
      }
    } else if (takersOf(steps, key).length > 0) assertValue(key, value);
    else {
      const advice = adviceFor(key, [...steps.map(({ name }) => name), ...paramsOf(steps)]);
      const names = Object.keys(value).filter((param) => param !== '');
      unused.push(
        ...(names.length === 0 ? [key] : names.map((param) => `${key}.${param}`)).map((name) => ({
          name,
          advice,
        })),
      );
    }
  }
  return { steps: withOverrides(steps, overrides), overrides, unused, beyondTemplate };
}

function adviceFor(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? 'they take none' : `the nearest known name is ${nearest}`;
}

/** @throws ServiceError `invalid` when no command could be given the value. */
function assertValue(name: string, value: unknown): void {
  const isScalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  if (isScalar || isSecretParameter(value)) return;
  throw new ServiceError(
    'parameter_type',
    `params.${name} must be a text, a number, true, false or a secret, not ${show(value)}`,
    'params',
    { data: { parameter: name } },
  );
}

function secretNotAllowed(template: string, step: string, param: string, secret: string): ServiceError {
  return new ServiceError(
    'secret_not_allowed',
    `params: step ${show(step)}, parameter ${show(param)}: the template does not allow the secret ${show(secret)}: ` +
      `an admin adds it to allowed_secrets of step ${show(step)} of template ${show(template)}, or names it in its param_values`,
    'params',
    { data: { template, step, parameter: param, secret } },
  );
}

/** Overrides named in a refusal at most. */
const NAMED = 5;

/** The refusal of overrides that no step uses: a mistyped name would run the task with another value than was meant. */
export function unusedParams(template: string, unused: readonly UnusedParam[]): ServiceError {
  const named = unused.slice(0, NAMED).map(({ name, advice }) => `${show(name)} (${advice})`);
  const more = unused.length > NAMED ? ` and ${unused.length - NAMED} more` : '';
  return new ServiceError(
    'parameter_unused',
    `params: no step of template ${show(template)} uses ${named.join(', ')}${more}; unused_params: warn runs the task without them`,
    'params',
    {
      data: {
        template,
        parameters: unused
          .slice(0, NAMED)
          .map(({ name }) => show(name))
          .join(', '),
      },
    },
  );
}
