import type { Flag, Flags, Values } from '../command/command.js';

/** Flags that several commands take. */

export const FIND = {
  type: 'text',
  value: '<text>',
  help: { en: 'whose name has this text', zh: '名称包含此文本的' },
} as const;

/** @param most what is read without the flag; undefined: all. */
export function limitFlag(most?: number) {
  const number = most === undefined ? { en: 'all', zh: '全部' } : { en: String(most), zh: ` ${most}` };
  return {
    type: 'number',
    value: '<n>',
    help: {
      en: `at most so many (default${most === undefined ? ':' : ''} ${number.en})`,
      zh: `最多条数（默认${number.zh}）`,
    },
  } as const satisfies Flag;
}

/** The flags of commands that can wait for the end of a task. */
export const WAIT_FLAGS = {
  wait: { type: 'switch', help: { en: 'wait until the task has ended', zh: '等待任务结束' } },
  timeout: {
    type: 'text',
    value: '<30m>',
    help: { en: 'wait no longer than this; the task goes on', zh: '最长等待时间；任务会继续' },
  },
  progress: {
    type: 'text',
    value: '<auto|none>',
    choices: ['auto', 'none'],
    help: { en: 'whether to show how it goes', zh: '是否显示进度' },
  },
} as const;

/** The flags of commands that show a plan. */
export const PLAN_FLAGS = {
  'show-scripts': {
    type: 'switch',
    help: { en: 'show what would run on the first node', zh: '显示将在首个节点上执行的脚本' },
  },
  'show-left-out': {
    type: 'switch',
    help: { en: 'name the nodes that are left out, and why', zh: '列出被排除的节点及原因' },
  },
} as const;

/** How a task goes over its nodes. */
export const ROLL_FLAGS = {
  'at-once': {
    type: 'number',
    value: '<n>',
    help: { en: 'at most so many nodes at once', zh: '同时最多节点数' },
  },
  'max-failed': {
    type: 'number',
    value: '<n>',
    help: { en: 'failed nodes that it tolerates', zh: '容许失败的节点数' },
  },
  'leave-out-held': {
    type: 'switch',
    help: { en: 'leave nodes out that another task holds', zh: '跳过被其他任务占用的节点' },
  },
} as const satisfies Flags;

/** What these flags are in the body of a request. */
export function rollBody(flags: Values<typeof ROLL_FLAGS>) {
  return {
    ...(flags['at-once'] === undefined ? {} : { max_num: flags['at-once'] }),
    ...(flags['max-failed'] === undefined ? {} : { max_fail_num: flags['max-failed'] }),
    ...(flags['leave-out-held'] ? { held_nodes: 'leave_out' as const } : {}),
  };
}
