import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { installDebianPackage } from './debian-package.js';

/** Debian's packages install servers where the PATH of ordinary users does not look. */
export const SYSTEM_FOLDERS = [
  '/usr/local/sbin',
  '/usr/sbin',
  '/usr/local/bin',
  '/usr/bin',
  '/opt/homebrew/bin',
];

/**
 * The absolute path of a program of this machine; undefined when it is not installed.
 * @param alsoIn folders that are looked into after those of PATH.
 */
export async function findInstalledProgram(
  name: string,
  alsoIn: readonly string[] = SYSTEM_FOLDERS,
): Promise<string | undefined> {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(isAbsolute);
  for (const folder of [...folders, ...alsoIn]) {
    const path = join(folder, name);
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (executable) return path;
  }
  return undefined;
}

/**
 * Finds a program, or installs Debian's package with it where that is possible: as root, with apt-get.
 *
 * @returns undefined when it is not installed and cannot be
 */
export async function ensureInstalledProgram(
  name: string,
  debianPackage: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const found = await findInstalledProgram(name);
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0 || (await findInstalledProgram('apt-get')) === undefined) return undefined;
  await installDebianPackage(debianPackage, signal);
  return findInstalledProgram(name);
}
