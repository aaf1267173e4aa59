import { unwrap } from '@rigel/api-client';
import { EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { judge, readTimeout, waitForTask } from '../follow/wait.js';

/** Waits if it is asked to. @returns the exit status. */
export async function afterStart(
  invocation: Invocation,
  ids: readonly number[],
  flags: { wait: boolean; timeout: string | undefined; progress: string | undefined },
): Promise<number> {
  for (const id of ids) {
    if (invocation.print.isForPeople || invocation.print.format === 'name')
      invocation.print.line(`task/${id}`);
    else if (!flags.wait) invocation.print.one('task', { id }, []);
  }
  if (!flags.wait) return EXIT.done;
  const timeoutMs = readTimeout(flags.timeout);
  let status: number = EXIT.done;
  for (const id of ids) {
    const task = await waitForTask(invocation, id, { timeoutMs, progress: flags.progress !== 'none' });
    const { isGood, text } = judge(task);
    invocation.note(text);
    if (!invocation.print.isForPeople && invocation.print.format !== 'name')
      invocation.print.one('task', task, []);
    if (!isGood) status = EXIT.notGood;
  }
  return status;
}

/** Sends a command that makes tasks. @returns their ids, which the API names in a header. */
export async function started(
  call: Promise<{ data?: unknown; error?: unknown; response: Response }>,
): Promise<number[]> {
  const answer = await call;
  await unwrap(Promise.resolve(answer));
  return (answer.response.headers.get('x-task-id') ?? '')
    .split(',')
    .map(Number)
    .filter((id) => id > 0);
}
