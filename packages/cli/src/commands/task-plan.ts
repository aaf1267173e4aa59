import type { Command } from '../command/command.js';
import { taskChanges } from './task-changes.js';

const create = taskChanges.find(({ name }) => name === 'task create') as Command;

/** `rigel task plan …`: what `rigel task create … --dry-run` does, under the name that people look for. */
export const taskPlan: Command = {
  ...create,
  name: 'task plan',
  help: {
    en: 'Show what task create would do, and change nothing',
    zh: '显示 task create 将执行的内容，不作更改',
  },
  run: (invocation, args, flags) =>
    create.run({ ...invocation, flags: { ...invocation.flags, dryRun: true } }, args, flags) as Promise<void>,
};
