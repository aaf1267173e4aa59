import type { Command, Flags, Words } from './command.js';
import { CommandError } from './exit.js';
import type { Invocation } from './invocation.js';
import { GLOBAL_FLAGS, usageOf } from './parse.js';

type Language = Invocation['language'];

const WORDS = {
  intro: { en: 'rigel: the command line of Rigel', zh: 'rigel：Rigel 的命令行' },
  usage: { en: 'rigel <noun> <verb> [name or id] [flags]', zh: 'rigel <对象> <动作> [名称或编号] [选项]' },
  more: {
    en: 'rigel help <command> says more about one; rigel help exit-codes lists the exit statuses.',
    zh: 'rigel help <命令> 查看详情；rigel help exit-codes 列出退出码。',
  },
  flags: { en: 'Flags', zh: '选项' },
  everywhere: { en: 'Flags of every command', zh: '通用选项' },
} satisfies Record<string, Words>;

/** The exit statuses, in words. */
export const EXIT_CODES: readonly (readonly [number, Words])[] = [
  [0, { en: 'done; the answer is good', zh: '完成；结果良好' }],
  [
    1,
    {
      en: 'looked or waited, and the answer is not good: a task failed, was partial, stopped or timed out; differences; orphans',
      zh: '已查看或等待，但结果不佳：任务失败、部分成功、被终止或超时；有差异；有孤立机器',
    },
  ],
  [
    2,
    {
      en: 'could not look or do: command line, connection, server',
      zh: '无法执行：命令行、连接或服务器问题',
    },
  ],
  [
    3,
    {
      en: 'refused by a rule or a state: the plan or the version is another one, nodes are held, not confirmed',
      zh: '被规则或状态拒绝：计划或版本已变、节点被占用、未确认',
    },
  ],
  [4, { en: 'no token, a wrong one, or its role is too low', zh: '无令牌、令牌无效或权限不足' }],
  [5, { en: 'there is no such object', zh: '对象不存在' }],
  [7, { en: 'the time of a wait is over; what it waited for goes on', zh: '等待超时；所等待的仍在继续' }],
  [130, { en: 'interrupted by Ctrl-C', zh: '被 Ctrl-C 中断' }],
];

function flagLines(flags: Flags, language: Language): string[] {
  const rows = Object.entries(flags).map(([name, { short, value, help, type, choices }]) => {
    const takes = type === 'switch' ? '' : ` ${value ?? '<value>'}`;
    const more = choices === undefined ? '' : ` (${choices.join(', ')})`;
    return [
      `${short === undefined ? '    ' : `-${short}, `}--${name}${takes}`,
      `${help[language]}${more}`,
    ] as const;
  });
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

/** How to use all of it. */
export function overview(commands: readonly Command[], language: Language): string[] {
  const width = Math.max(...commands.map((command) => nameOf(command).length));
  return [
    WORDS.intro[language],
    '',
    `  ${WORDS.usage[language]}`,
    '',
    ...commands.map((command) => `  ${nameOf(command).padEnd(width)}  ${command.help[language]}`),
    '',
    `${WORDS.everywhere[language]}:`,
    ...flagLines(GLOBAL_FLAGS, language),
    '',
    WORDS.more[language],
  ];
}

const nameOf = (command: Command): string => usageOf({ ...command, flags: {} });

/** How to use one command. */
export function helpOf(command: Command, language: Language): string[] {
  const own = flagLines(command.flags ?? {}, language);
  return [
    `rigel ${usageOf(command)}`,
    '',
    `  ${command.help[language]}`,
    ...(own.length === 0 ? [] : ['', `${WORDS.flags[language]}:`, ...own]),
    '',
    `${WORDS.everywhere[language]}:`,
    ...flagLines(GLOBAL_FLAGS, language),
  ];
}

/** What `rigel help …` prints. @throws CommandError */
export function help(words: readonly string[], commands: readonly Command[], language: Language): string[] {
  if (words.length === 0) return overview(commands, language);
  if (words.join(' ') === 'exit-codes')
    return EXIT_CODES.map(([status, words]) => `${String(status).padStart(3)}  ${words[language]}`);
  const name = words.join(' ');
  const command = commands.find((known) => known.name === name);
  if (command) return helpOf(command, language);
  const verbs = commands.filter((known) => known.name.startsWith(`${name} `));
  if (verbs.length > 0)
    return verbs.map((known) => `  rigel ${usageOf(known)}\n      ${known.help[language]}`);
  throw new CommandError(`there is no command ${name}; rigel help lists them`);
}
