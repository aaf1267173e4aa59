import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSecretName, PROFILE_SECRET_VARIABLE_PREFIX, SECRET_VARIABLE_PREFIX } from '@rigel/contracts';
import { SecretError, type SecretReference, withoutLineEnds } from './secret-reference.js';

/** A shorter secret cannot be masked: any output would contain it. */
export const SHORTEST_SECRET_BYTES = 4;
export const LONGEST_SECRET_BYTES = 32 * 1024;

/** A name space of secrets: where its folder is set, and what its variables begin with. */
export interface SecretSpace {
  folderSetting: string;
  variablePrefix: string;
}

export const PARAMETER_SPACE: SecretSpace = {
  folderSetting: 'RIGEL_SECRETS_DIR',
  variablePrefix: SECRET_VARIABLE_PREFIX,
};
export const PROFILE_SPACE: SecretSpace = {
  folderSetting: 'RIGEL_PROFILE_SECRETS_DIR',
  variablePrefix: PROFILE_SECRET_VARIABLE_PREFIX,
};

/**
 * The secrets of a name space, as this process has them: a file with that name in a folder, or else an environment
 * variable (`RIGEL_SECRET_DB_PASSWORD` for `db-password`). They are read at each use, so a change needs no restart.
 */
export class NamedSecrets {
  /** @param folder empty = none. */
  constructor(
    private readonly folder: string,
    private readonly env: NodeJS.ProcessEnv = process.env,
    private readonly space: SecretSpace = PARAMETER_SPACE,
  ) {}

  /** @throws SecretError that names the secret and where it was looked for. */
  async read(name: string): Promise<string> {
    if (!isSecretName(name)) throw new SecretError('the name of a secret is not allowed');
    const variable = this.variableOf(name);
    const bytes = (await this.fromFile(name)) ?? this.fromVariable(variable);
    if (bytes === undefined) {
      const { folderSetting } = this.space;
      const file = this.folder === '' ? `${folderSetting} is not set` : `no file ${join(this.folder, name)}`;
      throw new SecretError(`secret ${name} is missing: ${file}, and no variable ${variable}`);
    }
    return checked(name, bytes);
  }

  /** Where a name leads now; undefined: nowhere. */
  async placeOf(name: string): Promise<SecretReference | undefined> {
    for (const place of this.placesOf(name)) {
      const there =
        'file' in place
          ? await access(place.file).then(
              () => true,
              // Reading the secret reports any other obstacle.
              ({ code }: NodeJS.ErrnoException) => code !== 'ENOENT',
            )
          : this.env[place.env] !== undefined;
      if (there) return place;
    }
    return undefined;
  }

  /** Where a name may lead: the first place that exists counts. */
  placesOf(name: string): SecretReference[] {
    if (!isSecretName(name)) return [];
    const variable = { env: this.variableOf(name) };
    return this.folder === '' ? [variable] : [{ file: join(this.folder, name) }, variable];
  }

  /** The names that lead somewhere now, one for each variable. */
  async names(): Promise<string[]> {
    const files = this.folder === '' ? [] : await readdir(this.folder);
    const { variablePrefix } = this.space;
    const variables = Object.keys(this.env).filter((name) => name.startsWith(variablePrefix));
    const names = [...files, ...variables.map((name) => name.slice(variablePrefix.length))];
    return [...new Set(names)].filter(isSecretName).sort();
  }

  private variableOf(name: string): string {
    return this.space.variablePrefix + name.toUpperCase().replaceAll(/[.-]/g, '_');
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
