import {
  type ParameterUse,
  type ParameterValue,
  type ParsedTemplate,
  parseTemplate,
  renderTemplate,
  TEMPLATE_RULES,
  TemplateError,
} from '@rigel/command-template';
import {
  BUILT_IN_STEPS,
  type Capability,
  isSecretName,
  isSecretParameter,
  type ResolvedAction,
  type ResolvedStep,
  ServiceError,
  show,
} from '@rigel/contracts';
import type { PlannedStep } from './events.js';

/** Time limits of one attempt, in milliseconds. */
export interface AttemptLimits {
  remoteMs: number;
  providerMs: number;
}

/** Parameters of a built-in step; none for a remote one. */
function builtInParameters(step: ResolvedStep): Record<string, 'integer'> {
  if (step.kind === 'remote') return {};
  return BUILT_IN_STEPS.find(({ name }) => name === step.name)?.params ?? {};
}

/** Names of the parameters that a step uses. A value that its template holds for another name is kept, and used by nothing. */
export function parametersOf(step: ResolvedStep): Set<string> {
  const names = new Set(Object.keys(builtInParameters(step)));
  for (const action of step.actions) {
    for (const name of Object.keys(action.params)) names.add(name);
    for (const { name } of placesOf(step, action)) names.add(name);
  }
  return names;
}

/** Whether a value of a step's parameters is the name of a secret. */
export function namesSecret({ param_values }: Pick<ResolvedStep, 'param_values'>): boolean {
  return Object.values(param_values).some(isSecretParameter);
}

/** The text of an action as executors read it. @throws TemplateError */
export function parsed(
  { module, text, literal = false }: ResolvedAction,
  options: { accepted?: boolean } = {},
): ParsedTemplate {
  return parseTemplate(text, module === 'longscript' ? 'script' : 'command', { ...options, literal });
}

/** The `{{name}}` places of an action's template. @throws ServiceError `invalid` when the template cannot be used safely. */
function placesOf(step: ResolvedStep, action: ResolvedAction): readonly ParameterUse[] {
  if (action.module === 'noop') return [];
  try {
    return parsed(action).parameters;
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new ServiceError(
      'command_text',
      `step ${step.name}, action ${action.name}: ${error.message}`,
      'template_id',
      { data: { step: step.name, action: action.name } },
    );
  }
}

/**
 * Checks that every step can run as it is, so that nothing is refused in the middle of a run.
 * @throws ServiceError `invalid`, naming step, action and parameter.
 */
export function planSteps(steps: readonly ResolvedStep[], limits: AttemptLimits): PlannedStep[] {
  if (steps.length === 0) throw new ServiceError('template_rule', 'the template has no steps', 'template_id');
  return steps.map((given) => {
    // What a call may name has been decided when a plan is made of it.
    const { allowed_secrets: _, ...step } = withWholeNumbers(given);
    const capability = capabilityOf(step);
    for (const action of step.actions) checkAction(step, action);
    for (const [param, type] of Object.entries(builtInParameters(step))) {
      const value = step.param_values[param];
      if (value === undefined || value === null || value === '') {
        throw new ServiceError(
          'parameter_missing',
          `step ${step.name}: parameter ${param} has no value`,
          'params',
          {
            data: { step: step.name, parameter: param },
          },
        );
      }
      checkType(`step ${step.name}`, param, value, type);
    }
    const limitMs = step.kind === 'remote' ? limits.remoteMs : limits.providerMs;
    const timeout_ms = step.timeout === undefined ? limitMs : step.timeout * 1_000;
    checkReadyWait(step, timeout_ms);
    return {
      ...step,
      capability,
      timeout_ms,
      ...(step.stop_grace === undefined ? {} : { grace_ms: step.stop_grace * 1_000 }),
      ...(capability === 'ssh' ? { template_rules: TEMPLATE_RULES } : {}),
    };
  });
}

/** An integer may be spelled 1.0, which keeps its spelling up to here because a text 1.0 would be meant as it stands. */
export function withWholeNumbers(step: ResolvedStep): ResolvedStep {
  const types = new Map<string, string>(Object.entries(builtInParameters(step)));
  for (const { params } of step.actions) {
    for (const [name, type] of Object.entries(params)) types.set(name, type);
  }
  const whole = Object.entries(step.param_values).flatMap(([name, value]) => {
    const digits = typeof value === 'string' ? /^([+-]?\d+)\.0+$/.exec(value.trim())?.[1] : undefined;
    return digits !== undefined && types.get(name) === 'integer' ? [[name, digits] as const] : [];
  });
  if (whole.length === 0) return step;
  return { ...step, param_values: { ...step.param_values, ...Object.fromEntries(whole) } };
}

/** A wait that the time limit would cut short is refused: it would end earlier than it says. */
function checkReadyWait({ name, ready_wait }: ResolvedStep, timeoutMs: number): void {
  if (ready_wait === undefined || ready_wait * 1_000 <= timeoutMs) return;
  throw new ServiceError(
    'template_rule',
    `step ${name}: ready_wait of ${ready_wait} s is longer than an attempt of the step may take, ${timeoutMs / 1_000} s: give the step a timeout of at least ${ready_wait}`,
    'template_id',
    { data: { step: name } },
  );
}

function capabilityOf(step: ResolvedStep): Capability {
  if (step.kind !== 'remote') return step.kind;
  const noops = step.actions.filter(({ module }) => module === 'noop').length;
  if (noops === step.actions.length && noops > 0) return 'noop';
  if (noops > 0) {
    throw new ServiceError(
      'template_rule',
      `step ${step.name} mixes noop actions with others`,
      'template_id',
      {
        data: { step: step.name },
      },
    );
  }
  return 'ssh';
}

function checkAction(step: ResolvedStep, action: ResolvedAction): void {
  const where = `step ${step.name}, action ${action.name}`;
  for (const place of placesOf(step, action)) {
    const { name } = place;
    const value = step.param_values[name];
    if (value === undefined || value === null) {
      throw new ServiceError('parameter_missing', `${where}: parameter ${name} has no value`, 'params', {
        data: { step: step.name, parameter: name },
      });
    }
    const type = action.params[name] ?? 'string';
    if (isSecretParameter(value)) checkSecret(where, place, value.secret, type);
    else checkType(where, name, value, type);
  }
  if (action.module === 'noop') return;
  try {
    // Rendered for the check only: what runs is rendered by the executor, at the last moment.
    renderTemplate(parsed(action), withPlaceholders(step.param_values));
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new ServiceError('parameter_refused', `${where}: ${error.message}`, 'params', {
      data: { step: step.name, action: action.name },
    });
  }
}

/** Of a secret only the name is known here; so it may only stand where every value may. */
function checkSecret(where: string, place: ParameterUse, secret: string, type: 'string' | 'integer'): void {
  const refuse = (why: string): never => {
    throw new ServiceError('parameter_refused', `${where}: parameter ${place.name} ${why}`, 'params', {
      data: { parameter: place.name },
    });
  };
  if (!isSecretName(secret)) {
    refuse(
      `names the secret ${show(secret)}: a name is 1 to 100 of A-Z a-z 0-9 . _ - and begins with a letter or digit`,
    );
  }
  if (type === 'integer') refuse('is an integer, which cannot be a secret');
  if (place.raw) refuse('is a secret, which cannot be pasted as code (| raw)');
  if (place.integer) refuse('is a secret, which cannot stand where the shell counts with it');
}

/** Any text in the place of secrets, for a rendering that is only checked. */
function withPlaceholders(values: Record<string, unknown>): Record<string, ParameterValue> {
  const entries = Object.entries(values).map(([name, value]) => [
    name,
    isSecretParameter(value) ? 'secret' : value,
  ]);
  return Object.fromEntries(entries);
}

const OBJECT_AS_TEXT = '[object Object]';

function checkType(where: string, name: string, value: unknown, type: 'string' | 'integer'): void {
  const scalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  if (!scalar) {
    throw new ServiceError(
      'parameter_type',
      `${where}: parameter ${name} must be a string or a number, not ${show(value)}`,
      'params',
      { data: { parameter: name, type } },
    );
  }
  if (value === OBJECT_AS_TEXT) {
    throw new ServiceError(
      'parameter_type',
      `${where}: parameter ${name} is the text ${OBJECT_AS_TEXT}, which is what a form made of an object such as a secret: ` +
        'save the value anew',
      'params',
      { data: { parameter: name, type } },
    );
  }
  if (type === 'integer' && !/^[+-]?\d+$/.test(String(value).trim())) {
    throw new ServiceError(
      'parameter_type',
      `${where}: parameter ${name} must be an integer, not ${show(value)}`,
      'params',
      { data: { parameter: name, type } },
    );
  }
}
