import { readdir, readFile } from 'node:fs/promises';

/** Processes on this machine whose command line contains the text. */
export async function commandsAlive(text: string): Promise<number> {
  let count = 0;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const line = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    const words = line.split('\0').filter((word) => word !== '');
    // The command itself, not a shell whose argument mentions it.
    if (words.join(' ') === text) count++;
  }
  return count;
}
