/** The root of places in memory. */
const MEMORY_ROOT = '/dev/shm';
/** What a folder's name may be made of: the scripts take several of them as words. */
const FOLDER = /^\/[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/;

/** Which folders beside the home's may hold attempts, see node-scripts/places.sh. */
export interface FallbackFolders {
  /** A folder of the node that there is and that the user may write into; tried first. */
  folder?: string | undefined;
  /** Whether attempts may be in the node's memory. */
  memory: boolean;
}

/** Why a folder cannot be named for attempts; undefined when it can. */
export function attemptsFolderProblem(folder: string): string | undefined {
  if (!FOLDER.test(folder)) return 'must be an absolute path of A-Z a-z 0-9 . _ - and /';
  if (/(^|\/)\.{1,2}(\/|$)/.test(folder)) return 'must not contain . or ..';
  return undefined;
}

/** The folders beside `~/.rigel/attempts` of a user of a node, those first that are tried first. */
export function fallbackFolders({ folder, memory }: FallbackFolders, user: string): string[] {
  const roots = [...(folder === undefined ? [] : [folder]), ...(memory ? [MEMORY_ROOT] : [])];
  for (const root of roots) {
    const problem = attemptsFolderProblem(root);
    if (problem !== undefined) throw new TypeError(`folder: '${root}' ${problem}`);
  }
  const name = `rigel-${user.replace(/[^A-Za-z0-9._-]/g, '_')}`;
  return [...new Set(roots.map((root) => `${root}/${name}`))];
}

/** Whether a folder is in the node's memory, which a restart empties. */
export function isInMemory(folder: string): boolean {
  return folder.startsWith(`${MEMORY_ROOT}/`);
}

/** Several lists as one, each folder once. Folders that a record names were checked when they were first used. */
export function withFolders(known: readonly string[], recorded: readonly string[] = []): string[] {
  return [...new Set([...known, ...recorded.filter((folder) => FOLDER.test(folder))])];
}

/** What systems say, in the C locale, of a file that cannot be made although the user may make it. */
const DISK_FULL = /no space left|quota exceeded|read-only file system|input\/output error|i\/o error/i;

/** Whether a reason for which a file could not be made is the disk, and not who may write there. */
export function isDiskFull(reason: string): boolean {
  return DISK_FULL.test(reason);
}
