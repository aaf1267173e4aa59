import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

/** What describes the system, and is no secret; and by which the end of a command on a node finds its processes. */
const SHOWN =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TERM|PWD|HOSTNAME|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|RIGEL_ATTEMPT|RIGEL_MACHINE(_IP)?)$/;

/** Places in /proc/self/stat, counted behind the name of the program: where the environment begins and ends in memory. */
const ENV_START = 47;
const ENV_END = 48;

/**
 * Takes what this process was given by its environment out of what others of the same user see of it (`/proc/<pid>/environ`, `ps e`):
 * passwords, secrets of tasks. On a computer with throwaway machines their commands are such others. `process.env` keeps all.
 * Linux shows the memory in which the environment once was, so that is overwritten; elsewhere, or where the memory cannot be
 * written, nothing changes.
 * @returns whether it was done.
 */
export function hideEnvironment(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [start, end] = [Number(fields[ENV_START]), Number(fields[ENV_END])];
    const given = readFileSync('/proc/self/environ');
    if (!(start > 0 && Number.isSafeInteger(end) && given.length <= end - start)) return false;
    const hidden = Object.entries(process.env).filter(([name]) => !SHOWN.test(name));
    for (const [name, value] of hidden) {
      // Set anew it stands in other memory, which nobody is shown.
      delete process.env[name];
      process.env[name] = value;
    }
    const memory = openSync('/proc/self/mem', 'r+');
    try {
      for (let at = 0; at < given.length; ) {
        const stop = given.indexOf(0, at);
        const next = stop < 0 ? given.length : stop;
        const equals = given.indexOf(0x3d, at);
        const value = equals >= 0 && equals < next ? equals + 1 : next;
        if (!SHOWN.test(given.toString('utf8', at, Math.max(at, value - 1))) && value < next)
          writeSync(memory, Buffer.alloc(next - value, 0x2a), 0, next - value, start + value);
        at = next + 1;
      }
    } finally {
      closeSync(memory);
    }
    return true;
  } catch {
    return false;
  }
}
