import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mountSmallDisk } from '@rigel/remote-attempt/testing';
import { waitFor } from '@rigel/testing';
import type { Rig } from '../support/rig.js';
import type { RecordedTemplates } from './fleet-edits.js';

/**
 * Small runs that together have every type of event of a task. Nodes are addresses of which those that end with .1 fail
 * the check until the file `repaired` is there. Their user may use sudo.
 */
export async function runTasks(rig: Rig, templates: RecordedTemplates, nodes: string[]): Promise<void> {
  const { api, stack, sshd } = rig;
  const create = async (
    name: string,
    template: number,
    of: string[],
    options: object = {},
  ): Promise<number> => {
    const answer = await api.done('/task/create', {
      template_id: template,
      task_name: name,
      opr_user: 'tester',
      nodes: of.map((ip) => ({ ip })),
      params: {},
      ...options,
    });
    return answer.taskIds[0] as number;
  };
  const has = (id: number, text: RegExp, timeoutMs = 30_000) =>
    waitFor(async () => (await api.log(id)).some(({ message }) => text.test(message)), {
      what: `task ${id} tells ${text}`,
      timeoutMs,
    });
  const claimed = (id: number) => has(id, /attempt 1 started by/);

  // The time of this one is up after a minute, while the others run.
  const late = await create('too late', templates.endless, nodes.slice(8, 9), { timeout: 1 });

  const greeting = await create('greeting', templates.greet, nodes.slice(0, 4), { max_num: 2 });
  await has(greeting, /task finished/);
  const ignored = await create('a failure that is ignored', templates.optional, nodes.slice(2, 3));
  await has(ignored, /task finished/);

  const budget = await create('more failures than allowed', templates.picky, nodes.slice(0, 4), {
    max_fail_num: 0,
  });
  await has(budget, /task finished/);

  const resumed = await create('a batch that waits for an earlier one', templates.picky, nodes.slice(0, 4), {
    max_num: 2,
  });
  await has(resumed, /batch 2 of 2 started/);
  await waitFor(async () => (await api.task(resumed)).stat[1] === 2, { what: 'batch 2 is at work' });
  await api.ok(`/task/pause/${resumed}`);
  await writeFile(join(sshd.home, 'repaired'), '');
  await api.ok(`/task/start/${resumed}`);
  await has(resumed, /waits for its batch/);
  await has(resumed, /task finished/);

  const handed = await create(
    'an executor that is ended, and one that is killed',
    templates.slow,
    nodes.slice(4, 6),
  );
  await claimed(handed);
  stack.kill('executor-1', 'SIGTERM');
  await has(handed, /handed to another executor/);
  await has(handed, /taken over by/);
  stack.kill('executor-1', 'SIGKILL');
  await has(handed, /task finished/, 60_000);

  const paused = await create('a pause', templates.slow, nodes.slice(4, 7), { max_num: 2 });
  await claimed(paused);
  await api.ok(`/task/pause/${paused}`);
  await has(paused, /halted before/);
  await api.ok(`/task/start/${paused}`);
  await has(paused, /task finished/);

  const stopped = await create('a stop', templates.slow, nodes.slice(4, 7), { max_num: 2 });
  await claimed(stopped);
  await api.ok(`/task/stop/${stopped}`);
  await has(stopped, /ended on the node/);

  const held = await create('a command that cannot be ended', templates.stubborn, nodes.slice(7, 8));
  const pid = await waitFor(
    async () => Number(await readFile(join(sshd.home, 'stubborn'), 'utf8').catch(() => '')) || undefined,
    { what: 'the root process runs' },
  );
  await api.ok(`/task/stop/${held}`);
  await has(held, /may still run/, 60_000);
  const [run] = await api.detail(held);
  await api.ok(`/task/release_node/${run?.id}`, { reason: 'it is ended by hand' });
  process.kill(pid, 'SIGKILL');
  await has(held, /released by/);

  await has(late, /ended on the node/, 90_000);

  // Nobody else is at work now: what others have begun at home is out of sight for as long as this disk is there.
  const disk = await mountSmallDisk(join(sshd.home, '.rigel/attempts'));
  try {
    await disk.takeInodes();
    const full = await create('a full disk', templates.greet, nodes.slice(4, 5));
    await has(full, /it runs from the node's memory/);
    await has(full, /task finished/);
  } finally {
    await disk.unmount();
  }
}
