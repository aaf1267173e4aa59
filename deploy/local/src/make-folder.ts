import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it that are missing. Not with Node's own `recursive` option, which tries for ever in
 * places where nothing can be made, such as /proc.
 *
 * @param mode of the folder itself; those above it get the usual mode
 * @throws Error that names the folder and says why it cannot be made
 */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    const parent = dirname(path);
    if (code !== 'ENOENT' || parent === path || !(await isMissing(parent))) {
      throw new Error(`the folder ${path} cannot be made (${code ?? 'unknown reason'})`);
    }
    await makeFolder(parent);
    await mkdir(path, { mode });
  }
}

async function isMissing(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    () => true,
  );
}
