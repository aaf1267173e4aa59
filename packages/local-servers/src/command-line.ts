import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * The command line of a running process, its arguments joined by blanks.
 *
 * @returns undefined when no such process runs
 */
export async function commandLineOf(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    try {
      const bytes = await readFile(`/proc/${pid}/cmdline`, 'utf8');
      // A process that has ended and was not yet waited for has an empty one.
      return bytes === '' ? undefined : bytes.split('\0').join(' ').trim();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ESRCH') return undefined;
      throw error;
    }
  }
  try {
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]);
    return stdout.trim();
  } catch (error) {
    // ps ends with 1 when it finds no such process.
    if ((error as { code?: unknown }).code === 1) return undefined;
    throw error;
  }
}
