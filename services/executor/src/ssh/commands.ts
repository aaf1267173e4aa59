import { parseTemplate, renderTemplate, TEMPLATE_RULES } from '@rigel/command-template';
import { isSecretParameter, type TaskPlan } from '@rigel/contracts';
import type { AttemptAction } from '@rigel/remote-attempt';

type PlannedStep = TaskPlan['steps'][number];

/** The names of the secrets that a step's parameters refer to, by parameter; undefined if there are none. */
export function secretsOf({ param_values }: PlannedStep): ReadonlyMap<string, string> | undefined {
  let secrets: Map<string, string> | undefined;
  for (const param in param_values) {
    const value = param_values[param];
    if (typeof value !== 'object' || !isSecretParameter(value)) continue;
    secrets ??= new Map();
    secrets.set(param, value.secret);
  }
  return secrets;
}

/**
 * The commands of a step, with the parameter values in their places, each escaped for its place.
 * @param secrets the values of the parameters that refer to secrets.
 * @throws TemplateError; the scheduler has rendered the same when the task was created, so this is not expected.
 */
export function commandsOf(step: PlannedStep, secrets?: ReadonlyMap<string, string>): AttemptAction[] {
  const values = { ...step.param_values, ...(secrets && Object.fromEntries(secrets)) };
  return step.actions.map((action) => {
    const kind = action.module === 'longscript' ? 'script' : 'command';
    // A task keeps the template rules of its creation; otherwise an upgrade could make it fail midway.
    const accepted = (step.template_rules ?? 1) < TEMPLATE_RULES;
    const template = parseTemplate(action.text, kind, { accepted, literal: action.literal ?? false });
    const text = renderTemplate(template, values as Record<string, string | number | boolean>);
    const confidential = secrets !== undefined && template.parameters.some(({ name }) => secrets.has(name));
    return { kind, text, name: action.name, ...(confidential ? { confidential } : {}) };
  });
}
