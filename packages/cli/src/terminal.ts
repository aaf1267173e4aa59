import type { FullScreen } from './io.js';

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[2J';
const LEAVE = '\x1b[0m\x1b[?25h\x1b[?1049l';

/** The terminal of a process, for commands that draw on all of it; undefined: it has none that can. */
export function fullScreen(process: NodeJS.Process): FullScreen | undefined {
  const { stdin, stdout, env } = process;
  if (!stdin.isTTY || !stdout.isTTY || env.TERM === undefined || env.TERM === 'dumb') return undefined;
  return {
    size: () => ({ columns: stdout.columns, rows: stdout.rows }),
    write: (text) => void stdout.write(text),
    enter: ({ key, resize }) => {
      const keys = (bytes: Buffer): void => {
        for (const character of bytes.toString('utf8')) key(character);
      };
      let isOpen = true;
      const leave = (): void => {
        if (!isOpen) return;
        isOpen = false;
        stdin.off('data', keys);
        stdin.setRawMode(false);
        stdin.pause();
        stdout.off('resize', resize);
        stdout.write(LEAVE);
      };
      process.once('exit', leave);
      stdout.write(ENTER);
      stdin.setRawMode(true);
      stdin.on('data', keys);
      stdin.resume();
      stdout.on('resize', resize);
      return () => {
        leave();
        process.off('exit', leave);
      };
    },
  };
}
