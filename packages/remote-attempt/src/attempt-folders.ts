/** The root of places in memory. */
const MEMORY_ROOT = '/dev/shm';
/** The characters of a folder's name: scripts get several folders as words. */
const FOLDER = /^\/[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/;

/** The folders that may hold attempts besides the one in the home folder, see node-scripts/places.sh. */
export interface FallbackFolders {
  /** An existing folder of the node that the user may write into; tried first. */
  folder?: string | undefined;
  /** Whether attempts may be in the node's memory. */
  memory: boolean;
}

/** Why a setting cannot name this folder for attempts; undefined if it can. */
export function attemptsFolderProblem(folder: string): string | undefined {
  if (!FOLDER.test(folder)) return 'must be an absolute path of A-Z a-z 0-9 . _ - and /';
  if (/(^|\/)\.{1,2}(\/|$)/.test(folder)) return 'must not contain . or ..';
  return undefined;
}

/** The folders of a user on a node besides `~/.rigel/attempts`, in the order in which they are tried. */
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

/** Several lists as one, each folder once. Folders in a record were checked at their first use. */
export function withFolders(known: readonly string[], recorded: readonly string[] = []): string[] {
  return [...new Set([...known, ...recorded.filter((folder) => FOLDER.test(folder))])];
}

/** The messages of systems, in the C locale, when a file cannot be made although the user has the permission. */
const DISK_FULL = /no space left|quota exceeded|read-only file system|input\/output error|i\/o error/i;

/** Whether a file could not be made because of the disk, and not because of permissions. */
export function isDiskFull(reason: string): boolean {
  return DISK_FULL.test(reason);
}
