import { chmod, lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from './make-folder.js';

/** Other users can do nothing with it: the data folder holds passwords, keys and the database. */
const PRIVATE = 0o700;
/** Other users can pass through it to folders of theirs, and see nothing. */
const PASSAGE = 0o711;

/**
 * Makes the data folder, or takes one that is there: its owner alone enters it, whatever the umask was when it was made. Files
 * and folders in it are closed to others too, so that they stay closed wherever the folder is moved.
 *
 * @param onNotice called when the folder was open to others
 * @param passage the database runs as another account, which has to pass through; everything in it is closed all the same
 * @throws Error that says what to do, if the folder belongs to another user, who could read and replace everything in it
 */
export async function preparePrivateFolder(
  path: string,
  onNotice: (line: string) => void,
  { passage = false } = {},
): Promise<void> {
  const wanted = passage ? PASSAGE : PRIVATE;
  await makeFolder(path, PRIVATE);
  const { uid, mode } = await stat(path);
  const own = process.getuid?.();
  if (own !== undefined && uid !== own) {
    throw new Error(
      `the data folder ${path} belongs to another user (${uid}; this is ${own}), who could read and replace its content: ` +
        'set RIGEL_DATA_DIR to a folder of your own, or run as that user',
    );
  }
  if ((mode & 0o777) !== wanted) await chmod(path, wanted);
  if ((mode & 0o077 & ~wanted) !== 0) {
    onNotice(
      `the data folder ${path} was open to other users (mode ${(mode & 0o777).toString(8)}): it is closed now ` +
        `(${wanted.toString(8)}). Other users may have read its secrets; docs/deploy.md, "The data folder", says what to do`,
    );
  }
  await closeContent(path, own);
}

/** Folders and files of ours directly in it; links, and what other accounts own, such as the database's, stay as they are. */
async function closeContent(path: string, own: number | undefined): Promise<void> {
  for (const name of await readdir(path)) {
    const entry = join(path, name);
    const found = await lstat(entry);
    const { mode, uid } = found;
    if (found.isSymbolicLink() || found.isSocket() || uid !== own || (mode & 0o077) === 0) continue;
    await chmod(entry, mode & PRIVATE);
  }
}
