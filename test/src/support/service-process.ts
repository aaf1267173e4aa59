import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { REPOSITORY_DIR, type Stack } from '@rigel/local';

const READY_MS = 60_000;

/**
 * Starts one more process of a service, with the environment of one that the stack runs, on Linux. Nobody supervises it: it
 * outlives the stack, and the caller ends it.
 * @returns when it says that it is ready
 */
export async function addProcess(
  stack: Stack,
  like: string,
  { name, env = {}, from = REPOSITORY_DIR }: { name: string; env?: Record<string, string>; from?: string },
): Promise<ChildProcess> {
  const pid = stack.processes.find((process) => process.name === like)?.pid;
  if (pid === undefined) throw new Error(`${like} does not run`);
  const environment = (await readFile(`/proc/${pid}/environ`, 'utf8'))
    .split('\0')
    .filter((line) => line !== '')
    .map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  const { NODE_CHANNEL_FD: _, ...known } = Object.fromEntries(environment);
  const service = like.replace(/-\d+$/, '');
  return startReady(join(from, 'services', service, 'dist', 'main.js'), {
    ...known,
    ...env,
    RIGEL_SERVICE_NAME: name,
  });
}

async function startReady(program: string, env: Record<string, string>): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const outcome = await new Promise<string>((settle) => {
    lines.on('line', (line) => line.includes('"msg":"ready"') && settle('ready'));
    child.once('exit', (code) => settle(`it ended with ${code}`));
    void delay(READY_MS, undefined, { ref: false }).then(() => settle(`it was not ready in ${READY_MS} ms`));
  });
  if (outcome === 'ready') return child;
  child.kill('SIGKILL');
  throw new Error(`${program}: ${outcome}`);
}
