import { readFile, writeFile } from 'node:fs/promises';

const TICKS_PER_SECOND = 100;

/** What a process, with the children it has and had, has used so far. */
export interface Usage {
  /** User and system time in seconds. */
  cpu: number;
  /** Bytes that it had written to files. */
  written: number;
}

/** @throws Error when the process is gone, or the system has no /proc. */
export async function usageOf(pid: number): Promise<Usage> {
  const usage = { cpu: 0, written: 0 };
  for (const member of await family(pid)) {
    const stat = await readFile(`/proc/${member}/stat`, 'utf8').catch((error: unknown) => {
      if (member === pid) throw error;
      return ''; // a child that has ended meanwhile: its time is its parent's now
    });
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // utime, stime, and the same of children that have ended
    usage.cpu += [11, 12, 13, 14].reduce((sum, n) => sum + Number(fields[n] ?? 0), 0) / TICKS_PER_SECOND;
    usage.written += await readNumber(`/proc/${member}/io`, /^write_bytes: (\d+)/m);
  }
  return usage;
}

/** What a process and its children hold in memory, in bytes. */
export interface Memory {
  /** Most that the process has held since `resetPeak`; for one with children: what all of them hold privately now. */
  bytes: number;
  of: 'peak of resident memory' | 'private memory of all its processes';
}

/**
 * A server of many processes shares memory between them (PostgreSQL: its buffers, which fill up to their fixed size), so
 * what counts for it is what each has of its own.
 */
export async function memoryOf(pid: number): Promise<Memory> {
  const members = await family(pid);
  if (members.length === 1) {
    const bytes = await readNumber(`/proc/${pid}/status`, /^VmHWM:\s+(\d+) kB/m);
    return { bytes: bytes * 1024, of: 'peak of resident memory' };
  }
  let bytes = 0;
  for (const member of members) {
    bytes += (await readNumber(`/proc/${member}/status`, /^RssAnon:\s+(\d+) kB/m)) * 1024;
  }
  return { bytes, of: 'private memory of all its processes' };
}

/** From now on the peak is counted anew. */
export async function resetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}

async function family(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return [pid, ...children.split(' ').filter(Boolean).map(Number)];
}

async function readNumber(file: string, pattern: RegExp): Promise<number> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return Number(pattern.exec(text)?.[1] ?? 0);
}
