import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY_DIR } from '@rigel/local';
import { print } from '../report.js';

const SOURCE = join(REPOSITORY_DIR, 'test', 'bench-peers');
const INSTALL_TIMEOUT_MS = 300_000;

/** The systems to compare with cannot be installed here. */
export class PeersUnavailable extends Error {}

/** Exact versions of what was installed, by package. */
export type PeerVersions = Record<string, string>;

/**
 * Installs what is compared with, as test/bench-peers says, into the user's cache, once for each content of that folder.
 * It is big and for this benchmark alone, so it is no part of the workspace.
 * @returns the folder with the programs
 * @throws PeersUnavailable when npm cannot install it, offline for instance.
 */
export async function installPeers(): Promise<{ folder: string; versions: PeerVersions }> {
  const files = (await readdir(SOURCE, { withFileTypes: true })).filter((entry) => entry.isFile());
  const hash = createHash('sha256');
  for (const { name } of files.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(name).update(await readFile(join(SOURCE, name)));
  }
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rigel');
  const folder = join(
    cache,
    `bench-peers-${hash.digest('hex').slice(0, 12)}-node${process.versions.modules}`,
  );
  const manifest = JSON.parse(await readFile(join(SOURCE, 'package.json'), 'utf8'));
  const versions: PeerVersions = manifest.dependencies;
  if (await stat(folder).catch(() => undefined)) return { folder, versions };
  print(
    `  installing ${Object.entries(versions)
      .map(([name, version]) => `${name}@${version}`)
      .join(', ')} into ${cache}`,
  );
  await mkdir(cache, { recursive: true });
  // Made aside and renamed when complete.
  const aside = await mkdtemp(join(cache, 'bench-peers-new-'));
  try {
    for (const { name } of files) await cp(join(SOURCE, name), join(aside, name));
    await promisify(execFile)(
      'npm',
      ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
      {
        cwd: aside,
        timeout: INSTALL_TIMEOUT_MS,
      },
    );
    await rename(aside, folder);
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    const why = (stderr || message).trim().split('\n').slice(0, 3).join('; ');
    throw new PeersUnavailable(`npm could not install ${Object.keys(versions).join(', ')}: ${why}`);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return { folder, versions };
}
