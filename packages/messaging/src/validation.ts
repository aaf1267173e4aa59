import { ServiceError, show } from '@rigel/contracts';
import { Ajv, type ValidateFunction } from 'ajv';
import type { Static, TSchema } from 'typebox';

const ajv = new Ajv({ allErrors: false, verbose: true, allowUnionTypes: true });
const compiled = new WeakMap<TSchema, ValidateFunction>();

function validatorOf(schema: TSchema): ValidateFunction {
  let validate = compiled.get(schema);
  if (!validate) {
    validate = ajv.compile(schema);
    compiled.set(schema, validate);
  }
  return validate;
}

/**
 * Checks a value that came over the wire.
 * @throws ServiceError `invalid`, naming the field and its value.
 */
export function assertMatches<S extends TSchema>(schema: S, value: unknown): Static<S> {
  const validate = validatorOf(schema);
  if (validate(value)) return value as Static<S>;
  const error = validate.errors?.[0];
  const missing = error?.keyword === 'required' ? String(error.params.missingProperty) : undefined;
  const path = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
  const field = missing ? (path ? `${path}.${missing}` : missing) : path;
  const what = missing ? 'is missing' : `${show(error?.message ?? 'is wrong')} (got ${show(error?.data)})`;
  throw new ServiceError('invalid', `${field || 'the request'} ${what}`, field || undefined);
}
