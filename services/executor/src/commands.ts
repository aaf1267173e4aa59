import { parseTemplate, renderTemplate } from '@rigel/command-template';
import type { TaskPlan } from '@rigel/contracts';
import type { AttemptAction } from '@rigel/remote-attempt';

type PlannedStep = TaskPlan['steps'][number];

/**
 * The commands of a step, with the parameter values in their places, each escaped for where it stands.
 * @throws TemplateError; the scheduler has rendered the same when the task was created, so this is not expected.
 */
export function commandsOf(step: PlannedStep): AttemptAction[] {
  return step.actions.map((action) => {
    const kind = action.module === 'longscript' ? 'script' : 'command';
    const template = parseTemplate(action.text, kind);
    const text = renderTemplate(template, step.param_values as Record<string, string | number | boolean>);
    return { kind, text, name: action.name };
  });
}
