const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'TZ'];

/**
 * The environment of a server process: little of ours, so that no PGDATA or PGPORT of the user's shell changes what
 * is started and no secret of it is passed on; and messages in English, since some are looked for in the log.
 */
export function serverEnvironment(): Record<string, string> {
  const passedOn = PASSED_ON.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(passedOn), LC_ALL: 'C' };
}
