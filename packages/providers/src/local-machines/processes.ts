import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const ROUNDS = 100;
const PAUSE_MS = 20;
const READ_AT_ONCE = 100;

/** Kills all processes that were started with one of these home folders, until none is left. */
export async function killByHome(homes: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const found = await processesAt(homes);
    if (found.length === 0) return;
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    }
    await sleep(PAUSE_MS, undefined, { signal });
  }
  throw new Error(`processes started below ${[...homes].join(', ')} withstand KILL`);
}

async function processesAt(homes: ReadonlySet<string>): Promise<number[]> {
  const isAt = (environment: string[]): boolean =>
    environment.some((entry) => entry.startsWith('HOME=') && homes.has(entry.slice('HOME='.length)));
  if (process.platform === 'linux') {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const found: number[] = [];
    for (const [index, pid] of pids.entries()) {
      // Reading such a file never blocks, and an asynchronous read of each takes ten times as long.
      if (index % READ_AT_ONCE === 0) await immediate();
      if (isAt(environmentOf(pid).split('\0'))) found.push(Number(pid));
    }
    return found;
  }
  const { stdout } = await promisify(execFile)('ps', ['-axEww', '-o', 'pid=,command='], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout
    .split('\n')
    .filter((line) => isAt(line.split(' ')))
    .map((line) => Number.parseInt(line, 10));
}

/** Empty for a process of another user, or one that has ended. */
function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}
