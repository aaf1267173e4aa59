import { runCommand } from './run-command.js';

const TIMEOUT_MS = 300_000;

/**
 * Installs a Debian package with apt-get, as root; harmless when it is installed.
 *
 * @throws Error with the end of apt-get's output, or the reason of the signal
 */
export async function installDebianPackage(name: string, signal: AbortSignal | undefined): Promise<void> {
  const apt = (...args: string[]) =>
    runCommand('apt-get', ['-o', 'DPkg::Lock::Timeout=120', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      timeoutMs: TIMEOUT_MS,
      signal,
    });
  const install = () => apt('install', '-y', '--no-install-recommends', name);
  try {
    await install();
  } catch {
    signal?.throwIfAborted();
    // Most often the package lists are missing (fresh containers) or name a version that is gone. If it is something
    // else, the second attempt says so.
    await apt('update');
    await install();
  }
}
