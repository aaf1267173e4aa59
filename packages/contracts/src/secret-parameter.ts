import { type Static, Type } from 'typebox';
import { ServiceError, show } from './errors.js';
import { isStorable } from './text.js';

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

/**
 * The same for the secrets of SSH profiles: a name space of its own, which no parameter leads to. `lab-key` is
 * `RIGEL_PROFILE_SECRET_LAB_KEY`.
 */
export const PROFILE_SECRET_VARIABLE_PREFIX = 'RIGEL_PROFILE_SECRET_';

/** Whether a variable of the environment holds a secret: executors alone get it. */
export function isSecretVariable(name: string): boolean {
  return name.startsWith(SECRET_VARIABLE_PREFIX) || name.startsWith(PROFILE_SECRET_VARIABLE_PREFIX);
}

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

/**
 * The secrets that a step's parameters may take beside those that its own values name: parameter to names. It is the template's,
 * so only who may edit templates decides on it.
 */
export const AllowedSecrets = Type.Record(Type.String(), Type.Array(Type.String()));
export type AllowedSecrets = Static<typeof AllowedSecrets>;

const MAX_ALLOWED_PARAMETERS = 50;
const MAX_ALLOWED_NAMES = 100;
const MAX_PARAMETER_NAME = 255;

/**
 * Brings a list of allowed secrets into the form that is kept: each name once, no parameter without names.
 * @param step names the step in refusals.
 * @returns undefined when it allows none.
 * @throws ServiceError `invalid` (field `steps`) naming the step, the parameter and the value.
 */
export function checkAllowedSecrets(step: string, given: AllowedSecrets): AllowedSecrets | undefined {
  const refuse = (message: string): never => {
    throw new ServiceError('invalid', `steps: step ${show(step)}: allowed_secrets${message}`, 'steps');
  };
  const entries = Object.entries(given).filter(([, names]) => names.length > 0);
  if (entries.length === 0) return undefined;
  if (entries.length > MAX_ALLOWED_PARAMETERS)
    refuse(` has ${entries.length} parameters: at most ${MAX_ALLOWED_PARAMETERS}`);
  const allowed = entries.map(([param, names]) => {
    if (param.trim() !== param || param === '' || param.length > MAX_PARAMETER_NAME || !isStorable(param))
      refuse(`: ${show(param)} is no name of a parameter`);
    const where = `.${param}`;
    if (names.length > MAX_ALLOWED_NAMES)
      refuse(`${where} has ${names.length} names: at most ${MAX_ALLOWED_NAMES}`);
    for (const name of names) {
      if (isSecretName(name)) continue;
      refuse(
        `${where}: ${show(name)} is no name of a secret: 1 to 100 of A-Z a-z 0-9 . _ -, the first a letter or digit; ` +
          'each is named in full, there are no patterns',
      );
    }
    return [param, [...new Set(names)]] as [string, string[]];
  });
  return Object.fromEntries(allowed);
}

/** Whether a template's step lets a parameter take a secret: its own value names it, or its list does. */
export function allowsSecret(
  step: { param_values: Record<string, unknown>; allowed_secrets?: AllowedSecrets | undefined },
  param: string,
  secret: string,
): boolean {
  const { param_values, allowed_secrets = {} } = step;
  const own = Object.hasOwn(param_values, param) ? param_values[param] : undefined;
  if (isSecretParameter(own) && own.secret === secret) return true;
  return Object.hasOwn(allowed_secrets, param) && (allowed_secrets[param]?.includes(secret) ?? false);
}
