import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { installDebianPackage } from './debian-package.js';
import { findInstalledProgram, SYSTEM_FOLDERS } from './installed-program.js';
import { downloadNatsServer } from './nats-download.js';
import { natsArchive } from './nats-release.js';

const run = promisify(execFile);
const VERSION_TIMEOUT_MS = 10_000;
/** The oldest release that everything here is tested with (Debian 12's). */
const OLDEST = { major: 2, minor: 9 };

/** How to get hold of nats-server. */
export interface NatsServerOptions {
  /** Folder that downloads are kept in; made when needed. */
  cacheDir: string;
  /**
   * A mirror of https://github.com/nats-io/nats-server/releases/download, or the address of one `.tar.gz`. When
   * given, only PATH goes before it. Default: the variable RIGEL_NATS_DOWNLOAD_URL.
   */
  downloadUrl?: string | undefined;
  /** SHA-256 that the archive must have, in place of the pinned one. Default: RIGEL_NATS_DOWNLOAD_SHA256. */
  downloadSha256?: string | undefined;
  /** Told what is being done and why, a line at a time. */
  log: (line: string) => void;
  signal?: AbortSignal;
}

/**
 * Finds nats-server, or gets it: from PATH and the system's folders; else Debian's package, when root; else the
 * official release, whose hash is pinned here, into the cache.
 *
 * @returns absolute path of a nats-server that runs on this machine
 * @throws Error that says what to install, when none of it works
 */
export async function ensureNatsServer(options: NatsServerOptions): Promise<string> {
  const { log, signal } = options;
  const downloadUrl = options.downloadUrl ?? process.env.RIGEL_NATS_DOWNLOAD_URL;
  const downloadSha256 = options.downloadSha256 ?? process.env.RIGEL_NATS_DOWNLOAD_SHA256;
  const failures: string[] = [];

  const installed = await findInstalled(downloadUrl === undefined ? SYSTEM_FOLDERS : [], failures);
  if (installed !== undefined) return installed;

  if (
    downloadUrl === undefined &&
    process.getuid?.() === 0 &&
    (await findInstalledProgram('apt-get', [])) !== undefined
  ) {
    log('nats-server is not installed: installing the package nats-server with apt-get');
    try {
      await installDebianPackage('nats-server', signal);
      const binary = await findInstalled(SYSTEM_FOLDERS, failures);
      if (binary !== undefined) return binary;
      failures.push('apt-get installed the package nats-server, but the program nats-server is not found');
    } catch (error) {
      signal?.throwIfAborted();
      failures.push((error as Error).message);
    }
  }

  const archive = natsArchive(downloadUrl, downloadSha256);
  if (archive === undefined) {
    failures.push(`no release is known for ${process.platform}-${process.arch}`);
  } else {
    log(
      `nats-server is not installed: downloading it from ${withoutCredentials(archive.url)} (kept in ${options.cacheDir})`,
    );
    try {
      const binary = await downloadNatsServer(archive, options.cacheDir, signal);
      await checkVersion(binary);
      return binary;
    } catch (error) {
      signal?.throwIfAborted();
      failures.push((error as Error).message);
    }
  }
  throw new Error(
    'nats-server is missing: install it (Debian and Ubuntu: apt-get install nats-server; macOS: brew install nats-server; ' +
      'others: https://github.com/nats-io/nats-server/releases) and have it in PATH, ' +
      `or set NATS_URL to use a server of yours. Tried: ${failures.join('; ')}`,
  );
}

async function findInstalled(alsoIn: readonly string[], failures: string[]): Promise<string | undefined> {
  const binary = await findInstalledProgram('nats-server', alsoIn);
  if (binary === undefined) return undefined;
  try {
    await checkVersion(binary);
    return binary;
  } catch (error) {
    failures.push((error as Error).message);
    return undefined;
  }
}

async function checkVersion(binary: string): Promise<void> {
  const { stdout, stderr } = await run(binary, ['--version'], { timeout: VERSION_TIMEOUT_MS }).catch(
    (error) => {
      throw new Error(`${binary} does not run: ${lastLine(error)}`, { cause: error });
    },
  );
  const found = /v(\d+)\.(\d+)\.\d+/.exec(stdout + stderr);
  const [major, minor] = [Number(found?.[1]), Number(found?.[2])];
  if (found === null || major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor)) {
    throw new Error(
      `${binary} is ${found?.[0] ?? 'of an unknown version'}, needed: ${OLDEST.major}.${OLDEST.minor} or newer`,
    );
  }
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  const line = (stderr || message).trim().split('\n').at(-1) ?? message;
  return line.replaceAll('"', "'");
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//');
}
