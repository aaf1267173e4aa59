import { readdirSync, readFileSync } from 'node:fs';
import { ConfigError } from '@rigel/runtime';
import {
  isSameFolder,
  NamedSecrets,
  PARAMETER_SPACE,
  ParameterSecrets,
  PROFILE_SPACE,
  ProfileSecrets,
  secretReferences,
} from '@rigel/secrets';
import type { Logger } from 'pino';

/** The secrets of an executor: those that parameters may name, and those of its SSH profiles. */
export interface SecretPlaces {
  parameters: ParameterSecrets;
  profiles: ProfileSecrets;
}

export interface SecretSettings {
  RIGEL_SECRETS_DIR: string;
  RIGEL_PROFILE_SECRETS_DIR: string;
  RIGEL_SSH_PROFILES_FILE: string;
  RIGEL_PROVIDERS_FILE: string;
}

/** Settings that name files that no parameter may read, wherever they are. */
const FILE_SETTING = /^RIGEL_.*_FILE$/;

/**
 * Opens both name spaces. The secrets that the profiles file, the providers file and the settings refer to are
 * reserved: if one is where the secrets of parameters are, no parameter gets it.
 * @param keyFile the executor's own SSH key.
 * @throws ConfigError when a folder cannot be read, or both settings name the same folder.
 */
export async function openSecrets(
  settings: SecretSettings,
  keyFile: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<SecretPlaces> {
  const folder = readable('RIGEL_SECRETS_DIR', settings.RIGEL_SECRETS_DIR);
  const profileFolder = readable('RIGEL_PROFILE_SECRETS_DIR', settings.RIGEL_PROFILE_SECRETS_DIR);
  if (folder !== '' && (await isSameFolder(folder, profileFolder))) {
    throw new ConfigError(
      `RIGEL_PROFILE_SECRETS_DIR is wrong: ${profileFolder} is also RIGEL_SECRETS_DIR, whose secrets parameters may name; ` +
        'SSH profiles need a folder of their own',
    );
  }
  const parameters = new ParameterSecrets(new NamedSecrets(folder, env, PARAMETER_SPACE));
  const own = new NamedSecrets(profileFolder, env, PROFILE_SPACE);
  for (const [file, by] of [
    [settings.RIGEL_SSH_PROFILES_FILE, 'the SSH profiles'],
    [settings.RIGEL_PROVIDERS_FILE, 'the providers file'],
  ] as const) {
    for (const reference of referencesIn(file)) parameters.reserve(reference, by);
  }
  for (const [name, file] of Object.entries(env)) {
    if (FILE_SETTING.test(name) && file) parameters.reserve({ file }, name);
  }
  if (keyFile !== undefined) parameters.reserve({ file: keyFile }, "the executor's SSH key");
  return { parameters, profiles: new ProfileSecrets(own, parameters) };
}

/**
 * The references in a file. A file that cannot be read has none here; the part that needs the file reports the error.
 */
function referencesIn(file: string): ReturnType<typeof secretReferences> {
  try {
    return file === '' ? [] : secretReferences(readFileSync(file, 'utf8'));
  } catch {
    return [];
  }
}

/**
 * Logs once, at start, which names parameters cannot use, and how to separate them. Call it when the profiles have been
 * read.
 */
export async function warnOfReserved({ parameters, profiles }: SecretPlaces, log: Logger): Promise<void> {
  for (const secret of profiles.moved) {
    log.warn(
      { secret },
      `secret ${secret} of the SSH profiles is among the secrets of parameters, so no parameter may use it: ` +
        'move its file to a folder of RIGEL_PROFILE_SECRETS_DIR, or its variable RIGEL_SECRET_… to RIGEL_PROFILE_SECRET_…',
    );
  }
  for (const { name, by } of await parameters.reservedNames()) {
    if (profiles.moved.includes(name)) continue;
    log.warn(
      { secret: name },
      `secret ${name} is used by ${by}, so no parameter may use it: move it out of RIGEL_SECRETS_DIR and RIGEL_SECRET_…`,
    );
  }
}

function readable(setting: string, folder: string): string {
  if (folder === '') return folder;
  try {
    readdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(`${setting} is wrong: ${folder} is not a readable folder (${code})`);
  }
  return folder;
}
