import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** The command lines of all processes on this machine, as a list of processes shows them. */
export function commandLines(): string[] {
  if (process.platform !== 'linux')
    return execFileSync('ps', ['axww', '-o', 'args='], { encoding: 'utf8' }).split('\n');
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      // Reading such a file never waits, and asking for each in the background takes ten times as long.
      return [readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0').filter(Boolean).join(' ')];
    } catch {
      // The process has ended meanwhile.
      return [];
    }
  });
}

/** How many processes on this machine have this command line: the command itself, not a shell whose argument mentions it. */
export function commandsAlive(commandLine: string): number {
  return commandLines().filter((line) => line === commandLine).length;
}
