import { command } from '../command/command.js';
import { CommandError } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';

/*
 * The fleet as files. What reads and compares documents is loaded when one of these commands runs: it is half of the
 * program.
 */

const load = () => import('../files/commands.js');
const loadImport = () => import('../import/commands.js');

const PATH = {
  type: 'text',
  short: 'f',
  value: '<path>',
  help: { en: 'folder, file or - with the documents', zh: '文档所在的目录或文件；- 为标准输入' },
} as const;
const SET = {
  type: 'text',
  value: '<set>',
  help: { en: 'the set of files that the objects belong to', zh: '对象所属的文件集' },
} as const;
const PRUNE = {
  type: 'switch',
  help: { en: 'delete objects of the set that are in no file', zh: '删除文件集中已无文件的对象' },
} as const;
const FOLDER = {
  type: 'text',
  short: 'd',
  value: '<folder>',
  help: { en: 'write files into this folder', zh: '将文件写入此目录' },
} as const;
const REPLACE = {
  type: 'switch',
  help: { en: 'replace the files of an earlier export', zh: '替换先前导出的文件' },
} as const;
const SERVICE = {
  type: 'text',
  value: '<service>',
  help: {
    en: 'the service of the pools; default: a new one, imported',
    zh: '服务池所属的服务；默认新建 imported',
  },
} as const;
const OUTPUT = {
  type: 'text',
  short: 'o',
  value: '<format>',
  choices: ['table', 'json', 'yaml', 'markdown'],
  help: { en: 'format of the plan', zh: '计划的输出格式' },
} as const;

function pathOf(flag: string | undefined, name: string): string {
  if (flag !== undefined) return flag;
  throw new CommandError(`${name} needs -f: the folder, the file or - with the documents`);
}

export const fileCommands = [
  command({
    name: 'lint',
    help: { en: 'Check files without a server', zh: '不连服务器检查文件' },
    args: [{ name: 'path' }],
    flags: {
      partial: {
        type: 'switch',
        help: {
          en: 'the files are a part of the fleet: names may stand for objects elsewhere',
          zh: '文件只是舰队的一部分：可引用其他对象',
        },
      },
    },
    run: async (invocation, [path = ''], flags) => (await load()).lint(invocation, path, flags),
  }),
  command({
    name: 'plan',
    help: { en: 'Show what apply would change', zh: '显示 apply 将作的更改' },
    flags: {
      file: PATH,
      set: SET,
      prune: PRUNE,
      'exit-code': {
        type: 'switch',
        help: { en: 'status 1 if there is something to do', zh: '有更改时以 1 退出' },
      },
      output: OUTPUT,
    },
    run: async (invocation, _args, flags) =>
      (await load()).plan(invocation, pathOf(flags.file, 'plan'), { ...flags, exitCode: flags['exit-code'] }),
  }),
  command({
    name: 'apply',
    help: { en: 'Make the fleet what the files say', zh: '使舰队与文件一致' },
    flags: {
      file: PATH,
      set: SET,
      prune: PRUNE,
      'prune-max': {
        type: 'number',
        value: '<n>',
        help: { en: 'with --yes: deletions at most', zh: '与 --yes 同用：最多删除数' },
      },
    },
    run: async (invocation, _args, flags) =>
      (await load()).apply(invocation, pathOf(flags.file, 'apply'), {
        ...flags,
        pruneMax: flags['prune-max'],
      }),
  }),
  command({
    name: 'adopt',
    help: {
      en: 'Mark objects that are as the files say as objects of a set',
      zh: '将与文件一致的对象标记为属于某文件集',
    },
    flags: {
      file: PATH,
      set: SET,
      from: {
        type: 'text',
        value: '<set>',
        help: { en: 'take objects over from this set', zh: '从此文件集接管对象' },
      },
    },
    run: async (invocation, _args, flags) => {
      const { set, from } = flags;
      if (set === undefined)
        throw new CommandError('adopt needs --set: the set that the objects belong to from now on');
      return (await load()).adoptAll(invocation, pathOf(flags.file, 'adopt'), { set, from });
    },
  }),
  command({
    name: 'export',
    help: { en: 'Write the fleet as files', zh: '将舰队写为文件' },
    args: [{ name: 'kind', optional: true, many: true }],
    flags: {
      folder: FOLDER,
      set: SET,
      replace: REPLACE,
    },
    run: async (invocation: Invocation, kinds: string[], flags) =>
      (await load()).exportFleet(invocation, kinds, flags),
  }),
  command({
    name: 'import ansible-inventory',
    help: {
      en: 'Write the groups of an Ansible inventory (INI, YAML or JSON) as pools',
      zh: '将 Ansible 清单（INI、YAML 或 JSON）的组写为服务池',
    },
    args: [{ name: 'file|-' }],
    flags: {
      pools: {
        type: 'text',
        value: '<a,b>',
        help: {
          en: 'the groups that become pools; default: each that lists hosts',
          zh: '成为服务池的组；默认每个列出主机的组',
        },
      },
      service: SERVICE,
      folder: FOLDER,
      replace: REPLACE,
    },
    run: async (invocation, [path = ''], flags) =>
      (await loadImport()).importAnsible(invocation, path, flags),
  }),
  command({
    name: 'import ssh-config',
    help: { en: 'Write the hosts of a configuration of ssh as a pool', zh: '将 ssh 配置中的主机写为服务池' },
    args: [{ name: 'file|-' }],
    flags: {
      pool: {
        type: 'text',
        value: '<pool>',
        help: { en: 'name of the pool; default: ssh', zh: '服务池名称；默认 ssh' },
      },
      service: SERVICE,
      folder: FOLDER,
      replace: REPLACE,
    },
    run: async (invocation, [path = ''], flags) => (await loadImport()).importSsh(invocation, path, flags),
  }),
];
