import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';

// From <fcntl.h> of macOS, whose open(2) can lock; libuv passes the bits on.
const MACOS_O_NONBLOCK = 0x4;
const MACOS_O_EXLOCK = 0x20;

/** The exclusive right to a data folder. */
export interface DataDirLock {
  release(): Promise<void>;
}

/**
 * Takes the data folder for this process alone.
 *
 * It is a lock of the kernel's on a file: it goes away with this process, however that ends, so it can be neither
 * forgotten nor mistaken for held because a process number was given to somebody else.
 *
 * @throws Error that names the process that has it
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const path = join(dataDir, 'lock');
  const file = process.platform === 'darwin' ? await openLockedOnMacos(path) : await openLockedByFlock(path);
  if (file === undefined) {
    const holder = await readHolder(path);
    throw new Error(
      `the data folder ${dataDir} is in use by another instance (${holder}): stop that one, or set RIGEL_DATA_DIR to another folder`,
    );
  }
  await file.truncate(0);
  await file.write(`${process.pid}\n`, 0);
  // The file stays: to remove it while another process is about to lock it would let a third one in.
  return { release: () => file.close() };
}

async function openLockedByFlock(path: string): Promise<FileHandle | undefined> {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    // The lock belongs to the open file, which the command shares with us, so it outlives the command.
    const flock = spawn('flock', ['-x', '-n', '3'], {
      env: { PATH: process.env.PATH ?? '' },
      stdio: ['ignore', 'ignore', 'ignore', file.fd],
    });
    const [code] = (await once(flock, 'exit')) as [number | null];
    if (code === 0) return file;
    await file.close();
    if (code === 1) return undefined;
  } catch (error) {
    await file.close();
    throw new Error(`cannot lock ${path}: the command flock (package util-linux) does not run`, {
      cause: error,
    });
  }
  throw new Error(`cannot lock ${path}: the command flock failed`);
}

async function openLockedOnMacos(path: string): Promise<FileHandle | undefined> {
  const flags = constants.O_RDWR | constants.O_CREAT | MACOS_O_EXLOCK | MACOS_O_NONBLOCK;
  try {
    return await open(path, flags, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}

async function readHolder(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const pid = Number.parseInt(await file.readFile('utf8'), 10);
    return pid > 0 ? `pid ${pid}` : 'starting just now';
  } finally {
    await file.close();
  }
}
