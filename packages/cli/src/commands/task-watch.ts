import { command } from '../command/command.js';
import { EXIT } from '../command/exit.js';
import { judge, readTimeout, waitForTask } from '../follow/wait.js';
import { watchTask } from '../follow/watch.js';
import { WAIT_FLAGS } from './flags.js';
import { numberOf, taskId } from './task-id.js';

export const taskWatch = command({
  name: 'task watch',
  help: {
    en: 'Show all nodes of a task on the whole terminal, or lines elsewhere, until it has ended',
    zh: '全屏显示任务的全部节点（其他终端按行显示），直至结束',
  },
  args: taskId,
  flags: { timeout: WAIT_FLAGS.timeout },
  run: async (invocation, args, flags) => {
    const id = numberOf(args);
    const timeoutMs = readTimeout(flags.timeout);
    const { io, flags: all, print, note } = invocation;
    const isDrawn = io.screen !== undefined && !all.debug && !all.quiet && print.isForPeople;
    const task =
      isDrawn && io.screen
        ? await watchTask(invocation, io.screen, id, timeoutMs)
        : await waitForTask(invocation, id, { timeoutMs, progress: true });
    if (task === undefined) return EXIT.done;
    const { isGood, text } = judge(task);
    note(text);
    return isGood ? EXIT.done : EXIT.notGood;
  },
});
