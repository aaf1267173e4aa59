import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSecretName, SECRET_VARIABLE_PREFIX } from '@rigel/contracts';
import { SecretError, withoutLineEnds } from './secret-reference.js';

/** A shorter one could not be masked: it would stand everywhere. */
export const SHORTEST_SECRET_BYTES = 4;
export const LONGEST_SECRET_BYTES = 32 * 1024;

/**
 * The secrets that tasks may name, as this process has them: a file of that name in a folder, else an environment variable,
 * `db-password` being `RIGEL_SECRET_DB_PASSWORD`. Read at each use, so a changed one needs no restart.
 */
export class NamedSecrets {
  /** @param folder empty = none. */
  constructor(
    private readonly folder: string,
    private readonly env: NodeJS.ProcessEnv = process.env,
  ) {}

  /** @throws SecretError that names the secret and where it was looked for. */
  async read(name: string): Promise<string> {
    if (!isSecretName(name)) throw new SecretError('the name of a secret is not allowed');
    const variable = SECRET_VARIABLE_PREFIX + name.toUpperCase().replaceAll(/[.-]/g, '_');
    const bytes = (await this.fromFile(name)) ?? this.fromVariable(variable);
    if (bytes === undefined) {
      const file = this.folder === '' ? 'RIGEL_SECRETS_DIR is not set' : `no file ${join(this.folder, name)}`;
      throw new SecretError(`secret ${name} is missing: ${file}, and no variable ${variable}`);
    }
    return checked(name, bytes);
  }

  private async fromFile(name: string): Promise<Buffer | undefined> {
    if (this.folder === '') return undefined;
    const file = join(this.folder, name);
    try {
      return await readFile(file);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      throw new SecretError(`secret ${name}: the file ${file} cannot be read (${code ?? 'error'})`);
    }
  }

  private fromVariable(variable: string): Buffer | undefined {
    const value = this.env[variable];
    return value === undefined ? undefined : Buffer.from(value);
  }
}

function checked(name: string, bytes: Buffer): string {
  if (bytes.length > LONGEST_SECRET_BYTES)
    throw new SecretError(`secret ${name} has more than ${LONGEST_SECRET_BYTES} bytes`);
  let text: string;
  try {
    text = withoutLineEnds(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new SecretError(`secret ${name} is no UTF-8 text`);
  }
  if (text.includes('\0'))
    throw new SecretError(`secret ${name} contains a NUL character, which no command can be given`);
  if (Buffer.byteLength(text) < SHORTEST_SECRET_BYTES)
    throw new SecretError(
      `secret ${name} has fewer than ${SHORTEST_SECRET_BYTES} bytes: it could not be kept out of the output`,
    );
  return text;
}
