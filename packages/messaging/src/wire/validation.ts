import { type Refusal, type RefusalData, ServiceError, show } from '@rigel/contracts';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Static, TSchema } from 'typebox';

// The schemas come from TypeBox, so they are right. Checking them would make each process compile the meta-schema (0.1
// s).
const ajv = new Ajv({ allErrors: false, verbose: true, allowUnionTypes: true, validateSchema: false });
const compiled = new WeakMap<TSchema, ValidateFunction>();

function validatorOf(schema: TSchema): ValidateFunction {
  let validate = compiled.get(schema);
  if (!validate) {
    validate = ajv.compile(exactIntegers(schema) as TSchema);
    compiled.set(schema, validate);
  }
  return validate;
}

/** The schema with the safe integers as the default limits of integers: to JSON Schema 1e308 is an integer. */
function exactIntegers(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(exactIntegers);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, exactIntegers(part)]));
  if (copy.type !== 'integer') return copy;
  return { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER, ...copy };
}

/**
 * Checks a value that came over the wire.
 * @throws ServiceError `invalid`, which names the field and its value.
 */
export function assertMatches<S extends TSchema>(schema: S, value: unknown): Static<S> {
  const validate = validatorOf(schema);
  if (validate(value)) return value as Static<S>;
  const error = validate.errors?.[0];
  const missing = error?.keyword === 'required' ? String(error.params.missingProperty) : undefined;
  const path = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
  const field = missing ? (path ? `${path}.${missing}` : missing) : path;
  const what = missing ? 'is missing' : `${expectation(error)} (got ${show(error?.data)})`;
  throw new ServiceError(reasonOf(error), `${field || 'the request'} ${what}`, field || undefined, {
    ...(missing === undefined && isPlain(error?.data) ? { value: error.data } : {}),
    data: limitsOf(error),
  });
}

const isPlain = (value: unknown): value is string | number | boolean =>
  ['string', 'number', 'boolean'].includes(typeof value);

/** The reason for each keyword of JSON Schema that the schemas of messages use. */
const REASONS: Record<string, Refusal> = {
  required: 'missing',
  type: 'wrong_type',
  pattern: 'wrong_form',
  format: 'wrong_form',
  enum: 'not_a_choice',
  const: 'not_a_choice',
  minimum: 'too_small',
  exclusiveMinimum: 'too_small',
  maximum: 'too_large',
  exclusiveMaximum: 'too_large',
  minLength: 'too_short',
  minItems: 'too_short',
  maxLength: 'too_long',
  maxItems: 'too_long',
  maxProperties: 'too_long',
  additionalProperties: 'unknown_field',
};

function reasonOf(error: ErrorObject | undefined): Refusal {
  const { keyword = '', params = {} } = error ?? {};
  if (keyword === 'minItems' || keyword === 'minLength') return params.limit === 1 ? 'blank' : 'too_short';
  return REASONS[keyword] ?? 'invalid';
}

/** The limit, the type or the choices that the value does not keep. */
function limitsOf(error: ErrorObject | undefined): RefusalData {
  const { limit, type, allowedValues } = (error?.params ?? {}) as Record<string, unknown>;
  return {
    ...(typeof limit === 'number' ? { limit } : {}),
    ...(type === undefined ? {} : { type: String(type) }),
    ...(Array.isArray(allowedValues) ? { choices: allowedValues.map(show).join(', ').slice(0, 500) } : {}),
  };
}

/** What a value must be, in words for people who do not know JSON Schema. */
function expectation(error: ErrorObject | undefined): string {
  const schema = error?.parentSchema as { properties?: object; description?: string } | undefined;
  switch (error?.keyword) {
    case 'minItems':
      if (error.params.limit === 1) return 'must not be empty';
      break;
    case 'enum':
      return `must be one of ${(error.params.allowedValues as unknown[]).map(show).join(', ')}`;
    case 'additionalProperties':
      return `must have no other keys than ${Object.keys(schema?.properties ?? {}).join(', ')}`;
    case 'pattern':
      if (schema?.description) return `must be ${show(schema.description.replace(/\.$/, ''))}`;
      break;
  }
  return show(error?.message ?? 'is wrong');
}
