import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY_DIR } from '../config.js';
import type { Secured } from './secured-folder.js';

const run = promisify(execFile);
const TIMEOUT_MS = 120_000;

/**
 * Makes roles and schemas and applies migrations, by the same two commands that an installation elsewhere uses.
 * @throws Error with what the command said.
 */
export async function prepareDatabaseRoles(
  adminUrl: string,
  { databasePasswords }: Secured,
  signal: AbortSignal,
): Promise<void> {
  for (const action of ['prepare', 'migrate']) {
    const args = ['database', action, '--passwords', databasePasswords];
    await run(process.execPath, [join(REPOSITORY_DIR, 'deploy', 'cli', 'dist', 'main.js'), ...args], {
      env: { PATH: process.env.PATH, DATABASE_URL: adminUrl },
      timeout: TIMEOUT_MS,
      signal,
    }).catch((error: Error & { stderr?: string }) => {
      signal.throwIfAborted();
      throw new Error(`rigel database ${action} failed: ${error.stderr?.trim() || error.message}`);
    });
  }
}

/** The address that a service uses, without a password. */
export function serviceDatabaseUrl(adminUrl: string, role: string): string {
  const url = new URL(adminUrl);
  url.username = role;
  url.password = '';
  return url.href;
}
