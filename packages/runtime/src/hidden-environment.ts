import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

/**
 * Variables that are no secrets: they describe the system, or identify the processes of a command on a node that must
 * be ended.
 */
const SHOWN =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TERM|PWD|HOSTNAME|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|RIGEL_ATTEMPT|RIGEL_MACHINE(_IP)?)$/;

/**
 * Fields of /proc/self/stat, counted after the name of the program: where the environment begins and ends in memory.
 */
const ENV_START = 47;
const ENV_END = 48;

/**
 * Hides the environment of this process (passwords, secrets of tasks) from other processes of the same user, which
 * could read it in `/proc/<pid>/environ` or by `ps e`. On a computer with throwaway machines, commands of tasks are
 * such processes. `process.env` keeps all variables. Linux shows the memory of the original environment, so this
 * function overwrites that memory. On other systems, or if the memory cannot be written, nothing changes.
 * @returns whether the environment is hidden.
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
      // A variable that is set again is in other memory, which Linux does not show.
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
