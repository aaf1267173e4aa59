import { accessSync, constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type Static, Type } from 'typebox';

/** A secret cannot be used; the message names the reference, never the value. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
}

/**
 * A secret in a configuration file: the name of an environment variable of this process, or a file that it can read.
 */
export const SecretReference = Type.Union([
  Type.Object({ env: Type.String({ minLength: 1 }) }, { additionalProperties: false }),
  Type.Object({ file: Type.String({ minLength: 1 }) }, { additionalProperties: false }),
]);
export type SecretReference = Static<typeof SecretReference>;

/** Why a reference leads to nothing; undefined when it leads to a secret. */
export function missingSecret(reference: SecretReference): string | undefined {
  if ('env' in reference) {
    return process.env[reference.env] ? undefined : `the environment variable ${reference.env} is not set`;
  }
  try {
    accessSync(reference.file, constants.R_OK);
    return undefined;
  } catch {
    return `the file ${reference.file} cannot be read`;
  }
}

/**
 * Reads a secret, at the moment it is used: one that was changed meanwhile is then the new one. Line ends at the end of
 * a file do not count, as in a shell's `$(cat file)`.
 * @throws SecretError
 */
export async function readSecret(reference: SecretReference): Promise<string> {
  const missing = missingSecret(reference);
  if (missing !== undefined) throw new SecretError(missing);
  if ('env' in reference) return process.env[reference.env] ?? '';
  try {
    return withoutLineEnds(await readFile(reference.file, 'utf8'));
  } catch {
    throw new SecretError(`the file ${reference.file} cannot be read`);
  }
}

export function withoutLineEnds(text: string): string {
  return text.replace(/[\r\n]+$/, '');
}

/** What the text of a configuration file refers to, each time that it does. */
export function secretReferences(text: string): SecretReference[] {
  const found: SecretReference[] = [];
  JSON.parse(text, (_, value: unknown) => {
    if (typeof value === 'object' && value !== null) {
      if ('env' in value && typeof value.env === 'string') found.push({ env: value.env });
      if ('file' in value && typeof value.file === 'string') found.push({ file: value.file });
    }
    return value;
  });
  return found;
}

/** The environment variables that the text of a configuration file refers to. */
export function secretVariables(text: string): string[] {
  return [
    ...new Set(secretReferences(text).flatMap((reference) => ('env' in reference ? [reference.env] : []))),
  ];
}
