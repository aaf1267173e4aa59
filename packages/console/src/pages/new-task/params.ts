import type { StepOption, Template, UsableStep } from '@rigel/api-client';

/*
 * The fields of a template's parameters: one for each parameter, or one for each step where the steps differ.
 */

export interface ParamField {
  name: string;
  /** The step whose value it is; undefined: of every step that has the parameter. */
  step: string | undefined;
  /** Names of the steps that get the value. */
  steps: readonly string[];
  type: string;
  /** The template's value; undefined: it has none. */
  template: unknown;
  /** Names of secrets that the template allows for it. */
  secrets: readonly string[];
  /** Steps that Rigel has itself take their values from the pool. */
  kind: UsableStep['type'];
}

type Params = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The name of the secret that a value stands for; undefined: it is another value. */
export function secretIn(value: unknown): string | undefined {
  return isRecord(value) && typeof value.secret === 'string' ? value.secret : undefined;
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

function own(values: unknown, name: string): unknown {
  return isRecord(values) && Object.hasOwn(values, name) ? values[name] : undefined;
}

function secretsOf({ param_values, allowed_secrets }: StepOption, name: string): string[] {
  const given = secretIn(own(param_values, name));
  const allowed = own(allowed_secrets, name);
  return [...new Set([...(given === undefined ? [] : [given]), ...(Array.isArray(allowed) ? allowed : [])])];
}

/**
 * The fields of a template in the order of its steps.
 * @param params values that are given already: a value for one step alone has a field of its own.
 */
export function fieldsOf(
  template: Pick<Template, 'steps'>,
  usable: readonly UsableStep[],
  params: Params,
): ParamField[] {
  const stepNames = new Set(template.steps.map(({ name }) => name));
  const byName = new Map<string, ParamField[]>();
  const seen = new Set<string>();
  for (const step of template.steps) {
    const known = usable.find(({ name }) => name === step.name);
    // A value for a step reaches every place of the step.
    if (!known || seen.has(step.name)) continue;
    seen.add(step.name);
    for (const [name, type] of Object.entries(known.params)) {
      const field: ParamField = {
        name,
        step: step.name,
        steps: [step.name],
        type,
        template: own(step.param_values, name),
        secrets: type === 'string' && known.type === 'remote' ? secretsOf(step, name) : [],
        kind: known.type,
      };
      byName.set(name, [...(byName.get(name) ?? []), field]);
    }
  }
  return [...byName].flatMap(([name, fields]) => {
    const [first] = fields;
    const isAlike = fields.every(
      (field) =>
        first !== undefined &&
        field.type === first.type &&
        field.kind === first.kind &&
        same(field.template, first.template) &&
        same(field.secrets, first.secrets) &&
        own(own(params, field.steps[0] ?? ''), name) === undefined,
    );
    if (!first || !isAlike || stepNames.has(name)) return fields;
    return [{ ...first, step: undefined, steps: fields.flatMap(({ steps }) => steps) }];
  });
}

/** The value that is given for a field; undefined: none. */
export function givenFor(params: Params, { name, step, steps }: ParamField): unknown {
  const all = steps.some((one) => one === name) ? undefined : own(params, name);
  return step === undefined ? all : (own(own(params, step), name) ?? all);
}

/** The values with another one for a field. @param value undefined: none, so that the template's own counts. */
export function withValue(params: Params, { name, step }: ParamField, value: unknown): Params {
  if (step === undefined) return replaced(params, name, value);
  const ofStep = replaced(isRecord(params[step]) ? params[step] : {}, name, value);
  return replaced(params, step, Object.keys(ofStep).length === 0 ? undefined : ofStep);
}

function replaced(values: Params, name: string, value: unknown): Params {
  const others = Object.entries(values).filter(([other]) => other !== name);
  return Object.fromEntries(value === undefined ? others : [...others, [name, value]]);
}

/** What is wrong with the value of a field, as the key of the words; undefined: nothing. */
export function problemOf(field: ParamField, value: unknown): 'value.needed' | 'value.integer' | undefined {
  const used = value ?? field.template;
  // Steps of Rigel's own get theirs from the pool.
  if (used === undefined) return field.kind === 'remote' ? 'value.needed' : undefined;
  if (field.type === 'integer' && secretIn(used) === undefined && !/^-?\d+$/.test(String(used)))
    return 'value.integer';
  return undefined;
}

/** The values of an earlier task, as far as they are others than the template's today. */
export function valuesOfTask(
  template: Pick<Template, 'steps'>,
  usable: readonly UsableStep[],
  steps: readonly { name: string; param_values: Readonly<Record<string, unknown>> }[],
): Params {
  let params: Params = {};
  for (const field of fieldsOf(template, usable, {})) {
    if (field.kind !== 'remote') continue;
    const given = field.steps.map((name) =>
      own(steps.find((step) => step.name === name)?.param_values, field.name),
    );
    const [first] = given;
    if (given.every((value) => same(value, first))) {
      if (first !== undefined && !same(first, field.template)) params = withValue(params, field, first);
      continue;
    }
    field.steps.forEach((step, index) => {
      const value = given[index];
      if (value !== undefined && !same(value, field.template))
        params = withValue(params, { ...field, step, steps: [step] }, value);
    });
  }
  return params;
}

/** Names among the values that no field of the template has: the API would refuse them. */
export function strayNames(
  template: Pick<Template, 'steps'>,
  fields: readonly ParamField[],
  params: Params,
): string[] {
  const known = new Set([...fields.map(({ name }) => name), ...template.steps.map(({ name }) => name)]);
  return Object.keys(params).filter((name) => !known.has(name));
}
