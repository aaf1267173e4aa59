/** The facts about a file from `stat`. */
export interface FileOwners {
  mode: number;
  gid: number;
}

/**
 * The permissions, for messages, that let other users read a file with a private key; undefined if there are none. A
 * group that this process is in does not count: it was made to give the process the file, as Kubernetes does
 * (`fsGroup`).
 */
export function readableByOthers({ mode, gid }: FileOwners): string | undefined {
  const shown = `mode ${(mode & 0o777).toString(8).padStart(4, '0')}`;
  if ((mode & 0o007) !== 0) return shown;
  if ((mode & 0o070) === 0) return undefined;
  const own = [...(process.getgroups?.() ?? []), process.getegid?.()];
  return own.includes(gid) ? undefined : `${shown}, group ${gid}, which this process is not in`;
}

/** The way out. */
export const CLOSE_KEY_FILE = 'chmod 600 it, or set RIGEL_SSH_KEY_PERMISSIONS=any';
