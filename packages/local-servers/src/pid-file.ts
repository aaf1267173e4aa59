import { readFile } from 'node:fs/promises';
import { commandLineOf } from './command-line.js';

/**
 * Reads the process id in the first line of a server's pid file and says whether that server still runs.
 *
 * A pid file outlives a killed server, and another process may have its number since. So the process counts only if its
 * command line names the server's folder.
 *
 * @param file pid file
 * @param folder folder that is an argument of the server's command line
 * @returns the process id; undefined when there is no file, or no such process, or it is another's
 */
export async function serverOfPidFile(file: string, folder: string): Promise<number | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const pid = Number.parseInt(text, 10);
  if (!(pid > 0)) return undefined;
  const commandLine = await commandLineOf(pid);
  return commandLine !== undefined && `${commandLine} `.includes(` ${folder} `) ? pid : undefined;
}
