import { readdirSync, readFileSync } from 'node:fs';

let marks = 0;

/** A command whose root process cannot be asked to end. */
export interface StubbornCommand {
  command: string;
  /** Ids of its processes that are alive. */
  alive: () => number[];
  kill: () => void;
}

/** Makes one that is told from all others; `allowSudo` lets the account of the nodes run it. */
export function stubbornCommand(): StubbornCommand {
  const mark = `held-${process.pid}-${++marks}`;
  const script = 'trap "" TERM; while :; do sleep 1; done';
  const alive = () => {
    const found = new Map<number, number>();
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      try {
        const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
        if (words[0] !== 'sh' || !words.includes(mark)) continue;
        const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
        found.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      } catch {
        // The process has ended meanwhile.
      }
    }
    // A child that is about to become a sleep looks like its parent for a moment.
    return [...found].flatMap(([pid, parent]) => (found.has(parent) ? [] : [pid]));
  };
  return {
    command: `/usr/bin/sudo -n sh -c '${script}' ${mark}`,
    alive,
    kill: () => {
      for (const pid of alive()) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It is gone.
        }
      }
    },
  };
}
