import { execFile } from 'node:child_process';
import { chmod, open, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A folder that is a separate disk, small enough to be filled. */
export interface SmallDisk {
  /** Takes all space except this many bytes, rounded down to pages of 4096. */
  fill(leave?: number): Promise<void>;
  /** Takes all inodes. */
  takeInodes(): Promise<void>;
  readOnly(on: boolean): Promise<void>;
  /** Frees all that was taken. */
  free(): Promise<void>;
  unmount(): Promise<void>;
}

const FILLING = 'filling';
const INODES = 64;

/** Mounts a small disk over a folder, with the folder's owner; it begins empty. Needs root on Linux. */
export async function mountSmallDisk(folder: string): Promise<SmallDisk> {
  const { uid, gid } = await stat(folder);
  const options = `size=256k,nr_inodes=${INODES},uid=${uid},gid=${gid},mode=755`;
  await run('mount', ['-t', 'tmpfs', '-o', options, 'rigel-test', folder]);
  const filling = join(folder, FILLING);
  const inode = (n: number): string => join(folder, `inode-${n}`);
  return {
    fill: async (leave = 0) => {
      const file = await open(filling, 'w');
      const page = Buffer.alloc(4096, 'x');
      try {
        for (;;) await file.write(page);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        const { size } = await file.stat();
        await file.truncate(Math.max(0, size - (leave - (leave % 4096))));
      } finally {
        await file.close();
      }
      // The node's user may remove it, being the owner of the folder.
      await chmod(filling, 0o666);
    },
    takeInodes: async () => {
      for (let n = 0; n < INODES; n++) {
        const taken = await writeFile(inode(n), '').then(
          () => true,
          (error: NodeJS.ErrnoException) => {
            if (error.code !== 'ENOSPC') throw error;
            return false;
          },
        );
        if (!taken) return;
      }
    },
    readOnly: async (on) => {
      await run('mount', ['-o', `remount,${on ? 'ro' : 'rw'}`, folder]);
    },
    free: async () => {
      await rm(filling, { force: true });
      for (let n = 0; n < INODES; n++) await rm(inode(n), { force: true });
    },
    unmount: async () => {
      await run('umount', ['-l', folder]);
    },
  };
}
