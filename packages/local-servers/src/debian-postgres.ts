import { access, constants, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { installDebianPackage } from './debian-package.js';
import { findInstalledProgram } from './installed-program.js';
import { type PostgresBinaries, postgresVersion } from './postgres-binaries.js';

/** Debian's PostgreSQL: each version has a folder of its own here. */
const VERSIONS = '/usr/lib/postgresql';

/** A whole PostgreSQL: the server, and the programs for dumps, which have to be of the same version. */
export interface WholePostgres extends PostgresBinaries {
  pgDump: string;
  pgRestore: string;
}

/**
 * The newest of Debian's versions of PostgreSQL that is installed here, or else is installed, where that is possible:
 * as root, with apt-get. (What npm installs has no pg_dump.)
 *
 * @returns undefined when there is none and cannot be
 */
export async function ensureDebianPostgres(signal?: AbortSignal): Promise<WholePostgres | undefined> {
  const found = await newestVersion();
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0 || (await findInstalledProgram('apt-get')) === undefined) return undefined;
  await installDebianPackage('postgresql', signal);
  return newestVersion();
}

async function newestVersion(): Promise<WholePostgres | undefined> {
  const versions = await readdir(VERSIONS).catch(() => []);
  for (const version of versions.sort((a, b) => Number(b) - Number(a))) {
    const program = (name: string): string => join(VERSIONS, version, 'bin', name);
    const postgres = {
      initdb: program('initdb'),
      postgres: program('postgres'),
      pgDump: program('pg_dump'),
      pgRestore: program('pg_restore'),
    };
    const all = Object.values(postgres).map((path) => access(path, constants.X_OK));
    if ((await Promise.allSettled(all)).every(({ status }) => status === 'fulfilled'))
      return { ...postgres, version: await postgresVersion(postgres.postgres) };
  }
  return undefined;
}
