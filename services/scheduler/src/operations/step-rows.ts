import { type ParameterValue, renderTemplate, secretMark } from '@rigel/command-template';
import {
  isSecretParameter,
  MOST_PLACES,
  type Preview,
  type RecordedStep,
  SHOWN_SCRIPT,
  SHOWN_VALUE,
  type ValueSource,
} from '@rigel/contracts';
import type { PlannedStep } from '../task/events.js';
import { parsed } from '../task/options.js';

/*
 * Steps as people read them: what each gets and from where, and what it runs, with the values in their places. Secrets are names in
 * a plan, so none can be in a script. Pure.
 */

/** Characters of scripts in one answer; the rest is cut. */
const ALL_SCRIPTS = 400_000;

type Action = PlannedStep['actions'][number];
type Sources = readonly Readonly<Record<string, ValueSource>>[];

/** How many characters of scripts an answer still takes. */
class Room {
  private left = ALL_SCRIPTS;

  cut(script: string): string {
    const shown = script.slice(0, Math.min(SHOWN_SCRIPT, this.left));
    this.left -= shown.length;
    return shown;
  }
}

/** The steps of a plan that is not carried out yet. */
export function stepRows(steps: readonly PlannedStep[], sources: Sources): Preview['steps'] {
  const room = new Room();
  return steps.map((step, index) => ({
    ...factsOf(step),
    params: valuesOf(step, (name) => sources[index]?.[name] ?? 'template'),
    actions: step.actions.map((action) => actionRow(step, action, room)),
  }));
}

/** The steps of a task, with the text of each action and what its values are there. `sources` is absent where none were recorded. */
export function recordedRows(steps: readonly PlannedStep[], sources: Sources | undefined): RecordedStep[] {
  const room = new Room();
  return steps.map((step, index) => ({
    ...factsOf(step),
    params: sources
      ? valuesOf(step, (name) => sources[index]?.[name] ?? 'template')
      : valuesOf(step).map(({ source: _, ...value }) => value),
    actions: step.actions.map((action) => ({
      ...actionRow(step, action, room),
      text: room.cut(action.text),
      places: placesOf(action),
    })),
  }));
}

function factsOf({ name, kind, retry, timeout_ms }: PlannedStep) {
  return {
    ...{ name, kind },
    retry_times: retry.retry_times,
    ignore_error: retry.ignore_error,
    timeout: timeout_ms / 1_000,
  };
}

function valuesOf(
  { param_values }: PlannedStep,
  sourceOf: (name: string) => ValueSource = () => 'template',
): Preview['steps'][number]['params'] {
  return Object.entries(param_values).map(([name, value]) => ({
    name,
    ...shownValue(value),
    source: sourceOf(name),
  }));
}

function shownValue(value: unknown): { value: string; secret: boolean } {
  if (isSecretParameter(value)) return { value: value.secret, secret: true };
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return { value: text.slice(0, SHOWN_VALUE), secret: false };
}

function actionRow(
  step: PlannedStep,
  action: Action,
  room: Room,
): Preview['steps'][number]['actions'][number] {
  const script = scriptOf(step, action);
  const shown = room.cut(script);
  return { name: action.name, module: action.module, script: shown, cut: shown.length < script.length };
}

/** The script as an executor renders it, by the same code. */
function scriptOf(step: PlannedStep, action: Action): string {
  if (action.module === 'noop') return '';
  const values = Object.fromEntries(
    Object.entries(step.param_values).map(([name, value]) => [
      name,
      isSecretParameter(value) ? secretMark(value.secret) : (value as ParameterValue),
    ]),
  );
  return renderTemplate(parsed(action, { accepted: true }), values);
}

function placesOf(action: Action): RecordedStep['actions'][number]['places'] {
  if (action.module === 'noop') return [];
  return parsed(action, { accepted: true })
    .parameters.slice(0, MOST_PLACES)
    .map(({ name, line, column, context, integer, raw }) => ({ name, line, column, context, integer, raw }));
}
