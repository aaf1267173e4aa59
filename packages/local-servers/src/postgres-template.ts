import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClusterOptions, ensureCluster } from './postgres-cluster.js';

/**
 * An unused cluster for copying: initdb takes a second of processor time, and each of many tests needs a cluster of its
 * own. It is made if it is missing, one for each version and account.
 *
 * @param folder of such clusters.
 * @returns the folder of the server that it would be the cluster of.
 * @throws Error if another user's files are in its place.
 */
export async function ensureTemplate(folder: string, options: ClusterOptions): Promise<string> {
  const owner = options.account?.uid ?? process.getuid?.();
  const template = join(folder, `postgres-${options.binaries.version}-${owner}`);
  const found = await statOf(template);
  if (found !== undefined) {
    // The folder may be one that everybody can write to.
    if (found.uid === owner) return template;
    throw new Error(`${template} belongs to another account: remove it, or use another folder`);
  }
  await mkdir(folder, { recursive: true });
  const aside = await mkdtemp(`${template}-`);
  try {
    await ensureCluster(aside, { ...options, unsafeFast: true });
    await rename(aside, template).catch(async (error: Error) => {
      // Another process has made one meanwhile.
      if ((await statOf(template)) === undefined) throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return template;
}

async function statOf(path: string): Promise<{ uid: number } | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
