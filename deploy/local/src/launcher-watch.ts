import { commandLineOf } from '@rigel/local-servers';
import { parentOf, processStart } from './process-identity.js';

const CHECK_MS = 1_000;
// As the program itself: a shell that merely has one of the names in its command is not meant.
const PACKAGE_MANAGER =
  /^(\S*\/)?((npm|npx|pnpm|yarn)(\s|$)|node\S*\s+(\S*\/)?(npm|npx|pnpm|yarn)(-cli)?\.[cm]?js(\s|$))/;

/**
 * Calls back when the command that started us is gone: `npx pnpm start` is a chain of processes of which some die of a
 * signal without passing it on, so we would run on and no process could stop us.
 *
 * Only the chain up to the outermost package manager counts: a shell may end and leave us to run in the background.
 *
 * @returns ends the watching
 */
export async function watchLaunchers(onGone: (launcher: string) => void): Promise<() => void> {
  const launchers = await findLaunchers();
  let checking = false;
  const timer = setInterval(async () => {
    if (checking) return;
    checking = true;
    for (const { pid, started, command } of launchers) {
      if ((await processStart(pid)) === started) continue;
      clearInterval(timer);
      onGone(`${command} (pid ${pid})`);
      return;
    }
    checking = false;
  }, CHECK_MS);
  if (launchers.length === 0) clearInterval(timer);
  timer.unref();
  return () => clearInterval(timer);
}

interface Launcher {
  pid: number;
  started: string;
  command: string;
}

async function findLaunchers(): Promise<Launcher[]> {
  const ancestors: Launcher[] = [];
  let outermost = 0;
  for (let pid: number | undefined = process.ppid; pid !== undefined && pid > 1; pid = await parentOf(pid)) {
    const [started, command] = [await processStart(pid), await commandLineOf(pid)];
    if (started === undefined || command === undefined) break;
    ancestors.push({ pid, started, command });
    if (PACKAGE_MANAGER.test(command)) outermost = ancestors.length;
  }
  return ancestors.slice(0, outermost);
}
