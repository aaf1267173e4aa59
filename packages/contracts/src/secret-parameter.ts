import { type Static, Type } from 'typebox';
import { ServiceError, show } from './errors.js';
import { listOf, Text } from './forms.js';
import { isStorable } from './text.js';

/**
 * The value of a parameter may be the name of a secret. The executor replaces it by the secret just before the command
 * begins. No other process ever has the secret.
 */
export const SecretParameter = Type.Object({ secret: Type.String() }, { additionalProperties: false });
export type SecretParameter = Static<typeof SecretParameter>;

/**
 * Prefix of the variables in an executor's environment that hold secrets, so that a parameter can name no other
 * variable: `db-password` is `RIGEL_SECRET_DB_PASSWORD`.
 */
export const SECRET_VARIABLE_PREFIX = 'RIGEL_SECRET_';

/**
 * The same for the secrets of SSH profiles: a name space of its own, which parameters cannot name. `lab-key` is
 * `RIGEL_PROFILE_SECRET_LAB_KEY`.
 */
export const PROFILE_SECRET_VARIABLE_PREFIX = 'RIGEL_PROFILE_SECRET_';

/** Whether a variable of the environment holds a secret. Only executors get such variables. */
export function isSecretVariable(name: string): boolean {
  return name.startsWith(SECRET_VARIABLE_PREFIX) || name.startsWith(PROFILE_SECRET_VARIABLE_PREFIX);
}

/** A secret's name is also a file name, so it must not leave the folder. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export function isSecretName(name: string): boolean {
  return NAME.test(name);
}

/** Whether a value has the form of a reference, with any name. */
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
 * The secrets that callers may give to a step's parameters, besides those that its own values name: parameter to names.
 * The list is part of the template, so only people who may edit templates decide.
 */
export const AllowedSecrets = Type.Record(Type.String(), listOf(Text), { maxProperties: 10_000 });
export type AllowedSecrets = Static<typeof AllowedSecrets>;

const MAX_ALLOWED_PARAMETERS = 50;
const MAX_ALLOWED_NAMES = 100;
const MAX_PARAMETER_NAME = 255;

/**
 * Converts a list of allowed secrets to the stored form: each name once, no parameter without names.
 * @param step name of the step, for refusals.
 * @param field place of the step in the request, for refusals: `steps.0`.
 * @returns undefined if the list allows none.
 * @throws ServiceError `template_rule` (field `steps.0.allowed_secrets.tag`), which names the step, the parameter and the value.
 */
export function checkAllowedSecrets(
  step: string,
  given: AllowedSecrets,
  field: string,
): AllowedSecrets | undefined {
  const refuse = (message: string, param?: string): never => {
    throw new ServiceError(
      'template_rule',
      `steps: step ${show(step)}: allowed_secrets${message}`,
      `${field}.allowed_secrets${param === undefined ? '' : `.${param}`}`,
      { data: { step } },
    );
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
      refuse(`${where} has ${names.length} names: at most ${MAX_ALLOWED_NAMES}`, param);
    for (const name of names) {
      if (isSecretName(name)) continue;
      refuse(
        `${where}: ${show(name)} is no name of a secret: 1 to 100 of A-Z a-z 0-9 . _ -, the first a letter or digit; ` +
          'each is named in full, there are no patterns',
        param,
      );
    }
    return [param, [...new Set(names)]] as [string, string[]];
  });
  return Object.fromEntries(allowed);
}

/** Whether a template's step allows a secret for a parameter: its own value names the secret, or its list does. */
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
