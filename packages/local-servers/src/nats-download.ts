import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { NatsArchive } from './nats-release.js';

const DOWNLOAD_TIMEOUT_MS = 300_000;
const UNPACK_TIMEOUT_MS = 60_000;

/**
 * Downloads an archive with nats-server in it, unless the cache has it, and checks its hash before anything of
 * it is unpacked or run.
 *
 * @returns path of the program in the cache
 * @throws Error when it cannot be had, or its hash is not the expected one (nothing is kept then)
 */
export async function downloadNatsServer(
  archive: NatsArchive,
  cacheDir: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const folder = join(cacheDir, `nats-server-${archive.sha256.slice(0, 16)}`);
  const binary = join(folder, 'nats-server');
  if (await isExecutable(binary)) return binary;

  await mkdir(cacheDir, { recursive: true });
  const work = await mkdtemp(join(cacheDir, 'download-'));
  try {
    const file = join(work, 'nats-server.tar.gz');
    const actual = await download(archive.url, file, signal);
    if (actual !== archive.sha256) {
      throw new Error(`${archive.url} has the SHA-256 ${actual}, expected ${archive.sha256}: refused`);
    }
    const unpacked = join(work, 'unpacked');
    await mkdir(unpacked);
    await promisify(execFile)('tar', ['-xzf', file, '-C', unpacked], { timeout: UNPACK_TIMEOUT_MS });
    const found = await findProgram(unpacked);
    if (found === undefined) throw new Error(`${archive.url} has no nats-server in it`);
    await chmod(found, 0o755);
    // Renamed into place complete, so that another process never finds half a program.
    const complete = join(work, 'complete');
    await mkdir(complete);
    await rename(found, join(complete, 'nats-server'));
    await rename(complete, folder).catch(async (error: Error) => {
      // Another process was faster with the same archive.
      if (!(await isExecutable(binary))) throw error;
    });
    return binary;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function download(url: string, file: string, signal: AbortSignal | undefined): Promise<string> {
  const timeout = AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS);
  const hash = createHash('sha256');
  try {
    const response = await fetch(url, {
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    if (!response.ok || response.body === null) throw new Error(`HTTP status ${response.status}`);
    await pipeline(
      Readable.fromWeb(response.body),
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(file),
    );
  } catch (error) {
    signal?.throwIfAborted();
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? `${message}: ${cause.message}` : message;
    throw new Error(`${url} cannot be downloaded: ${reason}`, { cause: error });
  }
  return hash.digest('hex');
}

// Releases have the program in a folder named after the archive.
async function findProgram(folder: string): Promise<string | undefined> {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && entry.name === 'nats-server') return join(entry.parentPath, entry.name);
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
