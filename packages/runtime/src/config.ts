import { Ajv } from 'ajv';
import type { Static, TObject } from 'typebox';

/** A setting is missing or wrong. The message is one line for the person who starts the process. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Settings whose value must not be shown, not even if it is wrong. */
const SECRET = /URL|PASSWORD|SECRET|TOKEN|KEY$/;

/**
 * Reads a process's settings from the environment, once. Converts numbers and booleans, and fills in defaults. An empty
 * variable counts as absent.
 * @throws ConfigError, which names the variable and its value.
 */
export function readConfig<S extends TObject>(schema: S, env: NodeJS.ProcessEnv): Static<S> {
  const config: Record<string, unknown> = {};
  for (const name of Object.keys(schema.properties)) {
    const value = env[name];
    if (value !== undefined && value !== '') config[name] = value;
  }
  // The schemas come from TypeBox, so they are right. Checking them would make each process compile the meta-schema
  // (0.1 s).
  const ajv = new Ajv({ coerceTypes: true, useDefaults: true, verbose: true, validateSchema: false });
  const validate = ajv.compile(schema);
  if (validate(config)) return config as Static<S>;
  const error = validate.errors?.[0];
  if (error?.keyword === 'required')
    throw new ConfigError(`${String(error.params.missingProperty)} is not set`);
  const name = error?.instancePath.slice(1) ?? '';
  const value = SECRET.test(name) ? '(not shown)' : String(env[name]);
  const allowed =
    error?.keyword === 'enum' ? `: ${(error.params.allowedValues as unknown[]).join(', ')}` : '';
  throw new ConfigError(`${name} is wrong: ${value} (${error?.message ?? 'not allowed'}${allowed})`);
}
