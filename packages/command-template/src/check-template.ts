import { changesOfLines, checkText, plainLines } from './check-text.js';
import type { ParameterUse } from './parameter-use.js';
import type { ParsedTemplate, TemplateLanguage } from './parse-template.js';
import { type ParameterValue, renderTemplate } from './render-template.js';
import { TemplateError } from './template-error.js';

/** The name of a secret in place of a value: the executor binds the secret when the command begins. */
export interface NamedSecret {
  readonly secret: string;
}

export interface CheckRequest {
  /** `shell`: a command line; `longscript`: a script. */
  module: 'shell' | 'longscript';
  text: string;
  /** The parameters that the action declares, with their types. */
  params: Record<string, 'string' | 'integer'>;
  /** A value of another type is refused, as a task's creation refuses it. */
  values: Readonly<Record<string, unknown>>;
}

/** Where something is wrong, and what to write instead. */
export interface Problem {
  line: number;
  column: number;
  /** The parameter that it is about; null: none. */
  parameter: string | null;
  /** What is wrong, without the place, and never with a value. */
  reason: string;
  /** What to write instead; null: the reason says it. */
  advice: string | null;
}

export interface CheckResult {
  /** Whether the catalog saves the text. */
  accepted: boolean;
  refusal: Problem | null;
  uses: (ParameterUse & { declared: 'string' | 'integer' | null })[];
  total_uses: number;
  /** Declared parameters that the text does not use. */
  unused: string[];
  notes: string[];
  /** Why a task could not be made of the values; null: it could, or the text is refused. */
  value_refusal: Problem | null;
  /** The text that the executor would give to the shell; null: the text or a value is refused. */
  rendered: string | null;
}

/** Uses that an answer lists. */
export const MOST_USES = 1_000;
/** Characters of a rendered text: a value that is pasted many times could make one of any length. */
export const MOST_RENDERED = 2_000_000;

const LANGUAGE_OF: Record<CheckRequest['module'], TemplateLanguage> = {
  shell: 'command',
  longscript: 'script',
};

/** Checks the text of an action as the catalog does when it is saved, and renders it as an executor does. */
export function checkTemplate({ module, text: given, params, values }: CheckRequest): CheckResult {
  const text = plainLines(given);
  const notes = changesOfLines(given);
  let template: ParsedTemplate;
  try {
    template = checkText(text, LANGUAGE_OF[module], new Set(Object.keys(params)));
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return {
      accepted: false,
      refusal: problemOf(error),
      uses: [],
      total_uses: 0,
      unused: [],
      notes,
      value_refusal: null,
      rendered: null,
    };
  }
  const { parameters } = template;
  const used = new Set(parameters.map(({ name }) => name));
  const value_refusal = refusedValue(template, params, values);
  return {
    accepted: true,
    refusal: null,
    uses: parameters.slice(0, MOST_USES).map((use) => ({
      ...use,
      declared: Object.hasOwn(params, use.name) ? (params[use.name] ?? null) : null,
    })),
    total_uses: parameters.length,
    unused: Object.keys(params).filter((name) => !used.has(name)),
    notes,
    value_refusal,
    rendered: value_refusal ? null : renderTemplate(template, shown(values, params)),
  };
}

function isSecret(value: unknown): value is NamedSecret {
  return (
    typeof value === 'object' && value !== null && typeof (value as Partial<NamedSecret>).secret === 'string'
  );
}

/** The text that stands for a secret until it is bound. */
export const secretMark = (name: string): string => `‹secret ${name}›`;

/** The values with marks in place of secrets, and integers as a task has them: `1.0` is 1. */
function shown(
  values: CheckRequest['values'],
  params: CheckRequest['params'],
): Record<string, ParameterValue> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      if (isSecret(value)) return [name, secretMark(value.secret)];
      const whole = Object.hasOwn(params, name) && params[name] === 'integer' && typeof value === 'string';
      return [name, whole ? value.trim().replace(/^([+-]?\d+)\.0+$/, '$1') : (value as ParameterValue)];
    }),
  );
}

/** What would refuse the values: a task's creation, or the executor that puts them into the text. */
function refusedValue(
  template: ParsedTemplate,
  params: CheckRequest['params'],
  values: CheckRequest['values'],
): Problem | null {
  let length = 0;
  for (const use of template.parameters) {
    const value = Object.hasOwn(values, use.name) ? values[use.name] : undefined;
    const refused = (reason: string): Problem => ({
      line: use.line,
      column: use.column,
      parameter: use.name,
      reason: `the value of parameter ${use.name} ${reason}`,
      advice: null,
    });
    const type = Object.hasOwn(params, use.name) ? params[use.name] : undefined;
    if (isSecret(value)) {
      if (type === 'integer') return refused('is an integer, which cannot be a secret');
      if (use.raw) return refused('is a secret, which cannot be pasted as code (| raw)');
      if (use.integer) return refused('is a secret, which cannot stand where the shell counts with it');
      continue;
    }
    if (type === 'integer' && value !== undefined && !/^[+-]?\d+(\.0+)?$/.test(String(value).trim()))
      return refused('must be an integer, as the action declares');
    if (use.raw) length += String(value ?? '').length;
  }
  if (length > MOST_RENDERED)
    return {
      line: 1,
      column: 1,
      parameter: null,
      reason: `the text would be longer than ${MOST_RENDERED} characters`,
      advice: null,
    };
  try {
    renderTemplate(template, shown(values, params));
    return null;
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return problemOf(error);
  }
}

function problemOf({ line, column, parameter, message, advice }: TemplateError): Problem {
  return {
    line,
    column,
    parameter: parameter ?? null,
    reason: message.replace(/^\d+:\d+: /, ''),
    advice: advice ?? null,
  };
}
