import { type ChildProcess, spawn } from 'node:child_process';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { type CommandSpec, REPOSITORY_DIR } from '@rigel/local';

const READY_MS = 60_000;

/**
 * Starts one more process of a service, with the environment of the one named `like`. Nobody supervises it: it outlives the
 * stack, and the caller ends it.
 * @param from a built checkout whose program it is to be; default: this one
 * @returns when it says that it is ready
 */
export async function addProcess(
  specs: readonly CommandSpec[],
  like: string,
  { name, env = {}, from = REPOSITORY_DIR }: { name: string; env?: Record<string, string>; from?: string },
): Promise<ChildProcess> {
  const spec = specs.find((known) => known.name === like);
  if (spec === undefined) throw new Error(`there is no process like ${like}`);
  const args = spec.args.map((arg) =>
    arg.startsWith(REPOSITORY_DIR) ? join(from, relative(REPOSITORY_DIR, arg)) : arg,
  );
  return startReady(args, { ...spec.env, ...env, RIGEL_SERVICE_NAME: name });
}

async function startReady(args: string[], env: Record<string, string>): Promise<ChildProcess> {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const outcome = await new Promise<string>((settle) => {
    lines.on('line', (line) => line.includes('"msg":"ready"') && settle('ready'));
    child.once('exit', (code) => settle(`it ended with ${code}`));
    void delay(READY_MS, undefined, { ref: false }).then(() => settle(`it was not ready in ${READY_MS} ms`));
  });
  if (outcome === 'ready') return child;
  child.kill('SIGKILL');
  throw new Error(`${args.join(' ')}: ${outcome}`);
}
