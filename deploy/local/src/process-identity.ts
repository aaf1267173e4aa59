import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * When a process was started, as a text that no other process on this machine has together with the same number: the
 * number of a process that has ended is given to another one sooner or later.
 *
 * @returns undefined when no such process runs (one that has ended and was not yet waited for does not)
 */
export async function processStart(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const fields = await processFields(pid);
    if (fields === undefined) return undefined;
    const [state, startedTicks] = [fields[0], fields[19]];
    if (state === 'Z' || state === 'X') return undefined;
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    return `${startedTicks} ticks after boot ${boot.trim()}`;
  }
  const [state, ...started] = (await ps(pid, 'state=,lstart='))?.split(/\s+/) ?? [];
  return state === undefined || state.startsWith('Z') ? undefined : started.join(' ');
}

/** The number of the process's parent; undefined when no such process runs. */
export async function parentOf(pid: number): Promise<number | undefined> {
  if (process.platform === 'linux') {
    const fields = await processFields(pid);
    return fields === undefined ? undefined : Number(fields[1]);
  }
  const parent = await ps(pid, 'ppid=');
  return parent === undefined ? undefined : Number(parent);
}

/** The fields of proc(5)'s stat file from the third, the state, on: the second may itself hold blanks. */
async function processFields(pid: number): Promise<string[] | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

async function ps(pid: number, format: string): Promise<string | undefined> {
  try {
    const env = { PATH: process.env.PATH ?? '', LC_ALL: 'C' };
    const { stdout } = await promisify(execFile)('ps', ['-o', format, '-p', String(pid)], { env });
    return stdout.trim();
  } catch (error) {
    // ps ends with 1 when it finds no such process.
    if ((error as { code?: unknown }).code === 1) return undefined;
    throw error;
  }
}
