import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from './run-command.js';
import { serverEnvironment } from './server-environment.js';

const TIMEOUT_MS = 300_000;
/**
 * How long another installation is waited for; the locks of the package lists cannot be waited for by apt-get itself.
 */
const LOCK_WAIT_MS = 180_000;
const LOCK_RETRY_MS = 1_000;
const LOCKED = /Could not get lock|Unable to (acquire|lock)/;

/** What apt-get reads of the environment. */
function proxies(): Record<string, string> {
  const given = Object.entries(process.env).filter(([name]) =>
    /^((https?|ftp|no|all)_proxy|APT_CONFIG)$/i.test(name),
  );
  return Object.fromEntries(given) as Record<string, string>;
}

/**
 * Installs a Debian package with apt-get, as root; harmless when it is installed.
 *
 * @throws Error with the end of apt-get's output, or the reason of the signal
 */
export async function installDebianPackage(name: string, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + LOCK_WAIT_MS;
  const apt = async (...args: string[]): Promise<void> => {
    for (;;) {
      try {
        return await runCommand('apt-get', args, {
          env: { ...serverEnvironment(), ...proxies(), DEBIAN_FRONTEND: 'noninteractive' },
          timeoutMs: TIMEOUT_MS,
          signal,
        });
      } catch (error) {
        if (!LOCKED.test((error as Error).message) || Date.now() > deadline) throw error;
        await sleep(LOCK_RETRY_MS, undefined, { signal });
      }
    }
  };
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
