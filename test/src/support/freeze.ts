import { readdir, readFile } from 'node:fs/promises';

/**
 * Makes a process and its children stand still (PostgreSQL is many processes), as a machine does that is paused: their
 * connections stay open, and nobody answers on them.
 * @returns lets them go on; once is enough, more often does no harm.
 */
export async function freeze(pid: number): Promise<() => void> {
  const pids = [pid, ...(await childrenOf(pid))];
  for (const each of pids) signalIfAlive(each, 'SIGSTOP');
  return () => {
    for (const each of pids.splice(0)) signalIfAlive(each, 'SIGCONT');
  };
}

/** Whether a process is there, and not only its entry that nobody has asked for yet. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return stat !== '' && stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
}

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The children that a process has now. */
export async function childrenOf(parent: number): Promise<number[]> {
  const children: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'latin1').catch(() => '');
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent) children.push(Number(entry));
  }
  return children;
}
