import { parseArgs } from 'node:util';
import { nearestName } from '@rigel/contracts/nearest-name';
import type { Command, Flag, Flags } from './command.js';
import { CommandError } from './exit.js';

/** Verbs that have a second spelling. */
const ALIASES: Record<string, string> = { ls: 'list', get: 'show', rm: 'delete' };

/** Flags of every command. */
export const GLOBAL_FLAGS = {
  context: {
    type: 'text',
    value: '<name>',
    help: { en: 'use this context instead of the current one', zh: '使用此上下文，而不是当前的' },
  },
  url: { type: 'text', value: '<url>', help: { en: 'address of the gateway', zh: '网关地址' } },
  'token-file': {
    type: 'text',
    value: '<file>',
    help: {
      en: 'file that holds the API token; - reads standard input',
      zh: '存放 API 令牌的文件；- 为标准输入',
    },
  },
  output: {
    type: 'text',
    short: 'o',
    value: '<format>',
    choices: ['table', 'wide', 'json', 'jsonl', 'yaml', 'name', 'tsv'],
    help: { en: 'format of the output', zh: '输出格式' },
  },
  fields: {
    type: 'text',
    value: '<a,b>',
    help: { en: 'fields to print, with commas between them', zh: '要输出的字段，以逗号分隔' },
  },
  quiet: { type: 'switch', short: 'q', help: { en: 'print nothing but data', zh: '只输出数据' } },
  yes: { type: 'switch', short: 'y', help: { en: 'do it without asking', zh: '不询问直接执行' } },
  plan: {
    type: 'text',
    value: '<hash>',
    help: { en: 'do it only if the plan is still the one with this hash', zh: '仅当计划仍为此散列时执行' },
  },
  'dry-run': {
    type: 'switch',
    help: { en: 'print the plan, and change nothing', zh: '只输出计划，不作更改' },
  },
  debug: {
    type: 'switch',
    help: { en: 'print each request as a curl line, and its time', zh: '以 curl 命令输出每个请求及其用时' },
  },
  ascii: { type: 'switch', help: { en: 'draw with ASCII characters only', zh: '只用 ASCII 字符绘制' } },
  help: { type: 'switch', short: 'h', help: { en: 'show how to use the command', zh: '显示用法' } },
} as const satisfies Flags;

export interface Parsed {
  command: Command;
  args: string[];
  /** Values of all flags, those of every command too. */
  values: Record<string, unknown>;
}

/** The longest words at the beginning of a command line that name a command. */
export function findCommand(
  words: readonly string[],
  commands: readonly Command[],
): { command: Command; used: number } | undefined {
  for (const used of [2, 1]) {
    const name = words
      .slice(0, used)
      .map((word, at) => (at === 1 ? (ALIASES[word] ?? word) : word))
      .join(' ');
    const command = words.length >= used ? commands.find((known) => known.name === name) : undefined;
    if (command) return { command, used };
  }
  return undefined;
}

/**
 * Reads a command line.
 * @throws CommandError that names the part that is wrong, and the nearest known one.
 */
export function parse(argv: readonly string[], commands: readonly Command[]): Parsed {
  const words: string[] = [];
  // Flags may stand before the words of the command; those with a value take the next word with them.
  const rest = [...argv];
  const before: string[] = [];
  while (rest[0]?.startsWith('-') && rest[0] !== '-' && rest[0] !== '--') {
    const flag = rest.shift() as string;
    before.push(flag);
    if (takesNext(flag, GLOBAL_FLAGS) && rest.length > 0) before.push(rest.shift() as string);
  }
  for (const word of rest) {
    if (word.startsWith('-') || words.length === 2) break;
    words.push(word);
  }
  const found = findCommand(words, commands);
  if (!found) throw unknownCommand(words, commands);
  const { command, used } = found;
  const known: Flags = { ...GLOBAL_FLAGS, ...command.flags };
  const { values, positionals } = readFlags(command, [...before, ...rest.slice(used)], known);
  return { command, args: values.help === true ? [] : checkArguments(command, positionals), values };
}

const flagNamed = (text: string, known: Flags): Flag | undefined =>
  text.startsWith('--')
    ? known[text.slice(2)]
    : Object.values(known).find(({ short }) => short !== undefined && text === `-${short}`);

function takesNext(text: string, known: Flags): boolean {
  const flag = flagNamed(text, known);
  return flag !== undefined && flag.type !== 'switch';
}

function unknownCommand(words: readonly string[], commands: readonly Command[]): CommandError {
  const [noun = ''] = words;
  if (noun === '') return new CommandError('no command is given; rigel help lists them');
  const verbs = commands.filter(({ name }) => name.startsWith(`${noun} `)).map(({ name }) => name);
  if (verbs.length > 0 && words.length === 1)
    return new CommandError(`${noun} needs a verb: ${verbs.map((name) => name.split(' ')[1]).join(', ')}`);
  const known = verbs.length > 0 ? verbs : commands.map(({ name }) => name);
  const name = words.slice(0, verbs.length > 0 ? 2 : 1).join(' ');
  return new CommandError(`there is no command ${name}; did you mean rigel ${nearestName(name, known)}?`);
}

function readFlags(command: Command, args: string[], known: Flags) {
  const options = Object.fromEntries(
    Object.entries(known).map(([name, { type, short }]) => [
      name,
      {
        type: type === 'switch' ? ('boolean' as const) : ('string' as const),
        ...(short ? { short } : {}),
        ...(type === 'texts' ? { multiple: true } : {}),
      },
    ]),
  );
  const { values, positionals, tokens } = parseArgs({ args, options, strict: false, tokens: true });
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator' && command.takesRest !== true) continue;
    if (token.kind !== 'option') continue;
    const flag = known[token.name];
    if (!flag) {
      const nearest = nearestName(token.name, Object.keys(known));
      throw new CommandError(
        `${command.name} has no flag ${token.rawName}; did you mean --${nearest}? (rigel ${command.name} --help)`,
      );
    }
    if (seen.has(token.name) && flag.type !== 'texts')
      throw new CommandError(`${token.rawName} is given twice`);
    seen.add(token.name);
    if (flag.type === 'switch') {
      if (token.value !== undefined) throw new CommandError(`${token.rawName} takes no value`);
      continue;
    }
    // An empty value is a value; a flag as the value is a forgotten one.
    if (token.value === undefined || (!token.inlineValue && /^--./.test(token.value)))
      throw new CommandError(`${token.rawName} needs a value: ${token.rawName} ${flag.value ?? '<value>'}`);
    if (flag.choices && !flag.choices.includes(token.value))
      throw new CommandError(
        `${token.rawName} must be one of ${flag.choices.join(', ')} (got ${JSON.stringify(token.value)})`,
      );
    if (flag.type === 'number' && !/^\d{1,15}$/.test(token.value))
      throw new CommandError(
        `${token.rawName} must be a whole number from 0 (got ${JSON.stringify(token.value)})`,
      );
  }
  const typed: Record<string, unknown> = { ...values };
  for (const [name, { type }] of Object.entries(known)) {
    if (type === 'number' && values[name] !== undefined) typed[name] = Number(values[name]);
    if (type === 'texts') typed[name] = values[name] ?? [];
    if (type === 'switch') typed[name] = values[name] === true;
  }
  return { values: typed, positionals };
}

function checkArguments(command: Command, given: readonly string[]): string[] {
  const args = command.args ?? [];
  const most = args.at(-1)?.many || command.takesRest ? Number.POSITIVE_INFINITY : args.length;
  const missing = args.find(({ optional }, at) => optional !== true && given[at] === undefined);
  if (missing) {
    throw new CommandError(`${command.name} needs <${missing.name}>: rigel ${usageOf(command)}`);
  }
  if (given.length > most) {
    throw new CommandError(
      `${command.name} takes no argument ${JSON.stringify(given[most])}: rigel ${usageOf(command)}`,
    );
  }
  return [...given];
}

/** `pool deploy <pool> <tag> [flags]` */
export function usageOf({ name, args = [], flags = {}, takesRest }: Command): string {
  const words = args.map(({ name, optional, many }) => {
    const word = `<${name}>${many ? '…' : ''}`;
    return optional ? `[${word}]` : word;
  });
  return [
    name,
    ...words,
    ...(Object.keys(flags).length > 0 ? ['[flags]'] : []),
    ...(takesRest ? ['-- <command>'] : []),
  ].join(' ');
}
