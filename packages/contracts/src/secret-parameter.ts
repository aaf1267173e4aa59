import { type Static, Type } from 'typebox';

/**
 * The value of a parameter may be the name of a secret. The executor puts the value in its place at the last moment; nobody
 * else ever has it.
 */
export const SecretParameter = Type.Object({ secret: Type.String() }, { additionalProperties: false });
export type SecretParameter = Static<typeof SecretParameter>;

/**
 * What such names may lead to in an executor's environment begins with this, so that a template can name nothing else there:
 * `db-password` is `RIGEL_SECRET_DB_PASSWORD`.
 */
export const SECRET_VARIABLE_PREFIX = 'RIGEL_SECRET_';

/** Names a file in a folder, so there is no way out of that. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export function isSecretName(name: string): boolean {
  return NAME.test(name);
}

/** Whether a value has the form of a reference, however its name is. */
export function isSecretParameter(value: unknown): value is SecretParameter {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length === 1 &&
    'secret' in value &&
    typeof value.secret === 'string'
  );
}
