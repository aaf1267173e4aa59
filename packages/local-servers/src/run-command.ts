import { spawn } from 'node:child_process';
import { once } from 'node:events';

const KILL_AFTER_MS = 5_000;
const MAX_OUTPUT = 64 * 1024;

/** How to run a command. */
export interface CommandOptions {
  env: NodeJS.ProcessEnv;
  timeoutMs: number;
  /** Ends the command. */
  signal?: AbortSignal | undefined;
  uid?: number | undefined;
  gid?: number | undefined;
}

/**
 * Runs a command to its end. Given up or out of time, it is ended first: when this returns, it touches nothing anymore.
 *
 * @throws the reason of the signal; or Error with the end of the command's output, in one line
 */
export async function runCommand(command: string, args: string[], options: CommandOptions): Promise<void> {
  const { env, timeoutMs, signal, uid, gid } = options;
  signal?.throwIfAborted();
  const child = spawn(command, args, { env, uid, gid, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-MAX_OUTPUT);
    });
  }
  let timedOut = false;
  let killTimer: NodeJS.Timeout | undefined;
  const end = () => {
    child.kill('SIGTERM');
    killTimer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  };
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, timeoutMs);
  signal?.addEventListener('abort', end, { once: true });
  try {
    const [code, killedBy] = (await once(child, 'close')) as [number | null, string | null];
    signal?.throwIfAborted();
    if (timedOut) throw new Error(`${command} took more than ${timeoutMs / 1000} s: ${lastLines(output)}`);
    if (code !== 0) throw new Error(`${command} ended with ${killedBy ?? code}: ${lastLines(output)}`);
  } finally {
    clearTimeout(timer);
    clearTimeout(killTimer);
    signal?.removeEventListener('abort', end);
  }
}

function lastLines(output: string): string {
  const lines = output.trim().split(/\s*\n\s*/);
  return lines.slice(-3).join('; ').replaceAll(/["\\]/g, "'");
}
