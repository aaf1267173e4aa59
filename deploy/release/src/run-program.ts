import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const MAX_BYTES = 64 * 1024 * 1024;

/** A program that did not succeed. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
}

/**
 * Runs a program in a folder.
 *
 * @returns what it printed
 * @throws ProgramError with the command and the end of its output
 */
export async function runProgram(
  folder: string,
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  try {
    const options = { cwd: folder, maxBuffer: MAX_BYTES, env: { ...process.env, ...env } };
    return (await promisify(execFile)(program, args, options)).stdout;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    const end = (stderr.trim() || stdout.trim() || message).split('\n').slice(-5).join('\n');
    throw new ProgramError(`${[program, ...args].join(' ')} failed: ${end}`, { cause: error });
  }
}
