import { idOf } from '../api/names.js';
import { command, type Flags, type Values } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';
import type { FieldChange } from '../plan/change.js';
import {
  createThing,
  DESC_FLAG,
  getData,
  NAME_FLAG,
  postData,
  type Thing,
  thingNamed,
  updateThing,
} from './change-things.js';
import { readParams, readValue } from './values.js';

/** What an action runs: a command line, or a script. */
interface Text {
  module: 'shell' | 'longscript';
  text: string;
}

type Params = Record<string, 'string' | 'integer'>;

interface Implementation {
  id: number;
  version?: number;
  template: { action?: { module?: string; args?: string; content?: string } };
}

interface Problem {
  reason: string;
  line?: number | null;
  column?: number | null;
  advice?: string | null;
}

interface Checked {
  accepted: boolean;
  refusal: Problem | null;
  uses: {
    name: string;
    line: number;
    column: number;
    context: string;
    integer: boolean;
    raw: boolean;
    declared: string | null;
  }[];
  unused: string[];
  notes: string[];
  value_refusal: Problem | null;
  rendered: string | null;
}

const TEXT_FLAGS = {
  shell: {
    type: 'text',
    value: '<command|@file|->',
    help: { en: 'the command line that it runs', zh: '要执行的命令行' },
  },
  script: {
    type: 'text',
    value: '<@file|->',
    help: { en: 'the script that it runs', zh: '要执行的脚本' },
  },
} as const satisfies Flags;

const TYPE_FLAG = {
  type: 'texts',
  value: '<name[=integer]>',
  help: { en: 'a parameter that it declares: string, or integer', zh: '声明的参数：字符串或整数' },
} as const;

/** The text that the flags name; undefined: none. @throws CommandError */
async function readText(invocation: Invocation, flags: Values<typeof TEXT_FLAGS>): Promise<Text | undefined> {
  if (flags.shell !== undefined && flags.script !== undefined)
    throw new CommandError('--shell and --script exclude each other: a command line, or a script');
  if (flags.shell !== undefined)
    return { module: 'shell', text: (await readValue(invocation, flags.shell)).replace(/\n$/, '') };
  if (flags.script !== undefined)
    return { module: 'longscript', text: await readValue(invocation, flags.script) };
  return undefined;
}

/** `tag`, `port=integer` */
function readTypes(given: readonly string[]): Params {
  const types: Params = {};
  for (const text of given) {
    const [, name, type = 'string'] = /^([^=]+)(?:=(.*))?$/.exec(text) ?? [];
    if (name === undefined || (type !== 'string' && type !== 'integer'))
      throw new CommandError(
        `--param must be name, name=string or name=integer (got ${JSON.stringify(text.slice(0, 60))})`,
      );
    if (Object.hasOwn(types, name)) throw new CommandError(`--param ${name} is given twice`);
    types[name] = type;
  }
  return types;
}

const templateOf = ({ module, text }: Text) => ({
  action: { module, ...(module === 'shell' ? { args: text } : { content: text }) },
});

const textIn = ({ template }: Implementation): Text => {
  const { module, args = '', content = '' } = template.action ?? {};
  return module === 'longscript' ? { module: 'longscript', text: content } : { module: 'shell', text: args };
};

const check = (invocation: Invocation, { module, text }: Text, params: Params, values: object = {}) =>
  postData<Checked>(invocation, '/template/check', { text, module, params, values });

const place = ({ reason, line, column, advice }: Problem): string =>
  `${line ? `line ${line}${column ? `, column ${column}` : ''}: ` : ''}${plain(reason)}${advice ? `; ${plain(advice)}` : ''}`;

/** Refuses a text that the catalog would refuse, before anything is changed. @throws CommandError */
async function assertAccepted(invocation: Invocation, text: Text, params: Params): Promise<void> {
  const { refusal, notes } = await check(invocation, text, params);
  if (refusal) throw new CommandError(`the text is refused: ${place(refusal)}`);
  for (const note of notes) invocation.note(`note: ${plain(note)}`);
}

/** The implementation of an action; undefined: it has none. */
async function implementationOf(invocation: Invocation, id: number): Promise<Implementation | undefined> {
  try {
    return await getData<Implementation>(invocation, '/actimpl/{id}', {
      path: { id },
      query: { by: 'action' },
    });
  } catch (error) {
    if ((error as { code?: unknown }).code === 404) return undefined;
    throw error;
  }
}

/** Half of a change is done: says which, so that it can be completed. */
async function andThen(done: string, rest: () => Promise<unknown>): Promise<void> {
  try {
    await rest();
  } catch (error) {
    throw new CommandError(
      `${done}, but its command could not be saved: ${(error as Error).message}; rigel action update does the rest`,
      error instanceof CommandError ? error.status : EXIT.couldNot,
    );
  }
}

const shownText = ({ module, text }: Text, before?: Text): FieldChange[] => [
  ...(before && before.module === module
    ? []
    : [{ field: 'module', ...(before ? { before: before.module } : {}), after: module }]),
  ...(before?.text === text
    ? []
    : [{ field: 'text', ...(before ? { before: before.text } : {}), after: text }]),
];

/** The text and the parameters that a command looks at: those of an action, or those of the flags. */
async function textToCheck(
  invocation: Invocation,
  action: string | undefined,
  file: string | undefined,
  flags: { declare: string[]; shell: boolean },
): Promise<{ text: Text; params: Params }> {
  if ((action === undefined) === (file === undefined))
    throw new CommandError('which text? name an action, or -f <file|-> with a text that is not saved');
  if (file !== undefined)
    return {
      text: {
        module: flags.shell ? 'shell' : 'longscript',
        text: await readValue(invocation, file === '-' ? '-' : `@${file}`),
      },
      params: readTypes(flags.declare),
    };
  const id = await idOf(invocation, 'action', action as string);
  const [thing, implementation] = [
    await getData<Thing>(invocation, '/action/{id}', { path: { id } }),
    await implementationOf(invocation, id),
  ];
  if (!implementation)
    throw new CommandError(
      `action ${plain(thing.name)} has no command: rigel action update --shell gives it one`,
    );
  return { text: textIn(implementation), params: thing.params as Params };
}

const FILE_FLAGS = {
  file: {
    type: 'text',
    short: 'f',
    value: '<file|->',
    help: { en: 'a script that is not saved', zh: '尚未保存的脚本' },
  },
  declare: { ...TYPE_FLAG, help: { en: 'a parameter of that script', zh: '该脚本的参数' } },
  shell: {
    type: 'switch',
    help: { en: 'the file holds a command line, no script', zh: '文件内容为命令行而非脚本' },
  },
} as const satisfies Flags;

const anyAction = [{ name: 'action', kind: 'action', optional: true }] as const;

/** Commands that make, change and try actions. */
export const actionChanges = [
  command({
    name: 'action create',
    help: { en: 'Make an action with its command or script', zh: '创建动作及其命令或脚本' },
    args: [{ name: 'name' }],
    flags: { desc: DESC_FLAG, param: TYPE_FLAG, ...TEXT_FLAGS },
    run: async (invocation, [name = ''], flags) => {
      const text = await readText(invocation, flags);
      if (!text)
        throw new CommandError('action create needs --shell <command|@file|-> or --script <@file|->');
      const params = readTypes(flags.param);
      await assertAccepted(invocation, text, params);
      const desc = flags.desc === undefined ? '' : await readValue(invocation, flags.desc);
      await createThing(
        invocation,
        'action',
        name,
        { body: { desc, params }, shown: shownText(text) },
        (action_id) =>
          andThen(`action ${plain(name)} (${action_id}) is made`, () =>
            postData(
              invocation,
              '/actimpl/create',
              { type: 'ansible', action_id, template: templateOf(text) },
              { keyed: true },
            ),
          ),
      );
    },
  }),
  command({
    name: 'action update',
    help: { en: 'Change an action or what it runs', zh: '修改动作或其命令' },
    args: [{ name: 'action', kind: 'action' }],
    flags: {
      name: NAME_FLAG,
      desc: DESC_FLAG,
      param: TYPE_FLAG,
      'drop-param': {
        type: 'texts',
        value: '<name>',
        help: { en: 'a parameter that it declares no more', zh: '不再声明的参数' },
      },
      ...TEXT_FLAGS,
    },
    run: async (invocation, [named = ''], flags) => {
      const thing = await thingNamed(invocation, 'action', named);
      const implementation = await implementationOf(invocation, thing.id);
      const before = implementation && textIn(implementation);
      const text = await readText(invocation, flags);
      const params = { ...(thing.params as Params), ...readTypes(flags.param) };
      for (const name of flags['drop-param']) {
        if (!Object.hasOwn(params, name))
          throw new CommandError(`action ${plain(thing.name)} declares no parameter ${JSON.stringify(name)}`);
        delete params[name];
      }
      const now = text ?? before;
      if (now) await assertAccepted(invocation, now, params);
      const shown = text ? shownText(text, before) : [];
      const body = {
        ...(flags.name === undefined ? {} : { name: flags.name }),
        ...(flags.desc === undefined ? {} : { desc: await readValue(invocation, flags.desc) }),
        ...(flags.param.length + flags['drop-param'].length === 0 ? {} : { params }),
      };
      const save =
        text === undefined || shown.length === 0
          ? undefined
          : () =>
              andThen(`action ${plain(thing.name)} is changed`, () =>
                implementation
                  ? postData(
                      invocation,
                      '/actimpl/update/{id}',
                      {
                        by: 'impl',
                        template: templateOf(text),
                        ...(implementation.version === undefined
                          ? {}
                          : { if_version: implementation.version }),
                      },
                      { params: { path: { id: implementation.id } } },
                    )
                  : postData(
                      invocation,
                      '/actimpl/create',
                      { type: 'ansible', action_id: thing.id, template: templateOf(text) },
                      { keyed: true },
                    ),
              );
      if (text !== undefined && save === undefined && Object.keys(body).length === 0)
        return invocation.note(`update action ${plain(thing.name)}: nothing differs, nothing to do`);
      await updateThing(invocation, 'action', thing, { body, shown }, save);
    },
  }),
  command({
    name: 'action check',
    help: {
      en: 'Say whether a text would be saved, and where its parameters land',
      zh: '检查文本能否保存，以及参数的落点',
    },
    args: anyAction,
    flags: FILE_FLAGS,
    run: async (invocation, [action], flags) => {
      const { text, params } = await textToCheck(invocation, action, flags.file, flags);
      const checked = await check(invocation, text, params);
      const { print, note } = invocation;
      if (!print.isForPeople) print.one('check', checked, []);
      else {
        print.rows('use', checked.uses, [
          { field: 'name', title: 'parameter' },
          { field: 'line', title: 'line', align: 'end' },
          { field: 'column', title: 'column', align: 'end' },
          { field: 'context', title: 'stands in' },
          { field: 'declared', title: 'declared', text: ({ declared }) => declared ?? 'not declared' },
          {
            field: 'raw',
            title: 'note',
            text: ({ raw, integer }) => (raw ? 'raw' : integer ? 'integers only' : ''),
          },
        ]);
        for (const name of checked.unused) note(`parameter ${plain(name)} is declared and not used`);
        for (const text of checked.notes) note(plain(text));
      }
      if (checked.refusal) invocation.io.err(`refused: ${place(checked.refusal)}\n`);
      else note('accepted');
      return checked.accepted ? EXIT.done : EXIT.notGood;
    },
  }),
  command({
    name: 'action render',
    help: { en: 'Print what an executor would run with these values', zh: '输出以这些值执行的脚本' },
    args: anyAction,
    flags: {
      param: {
        type: 'texts',
        value: '<name=value>',
        help: { en: 'a value; name=@file reads it', zh: '参数值；name=@文件 从文件读取' },
      },
      ...FILE_FLAGS,
    },
    run: async (invocation, [action], flags) => {
      const { text, params } = await textToCheck(invocation, action, flags.file, flags);
      const values = await readParams(invocation, flags.param);
      // A shell knows texts alone: what is declared as an integer is sent as one.
      for (const [name, value] of Object.entries(values))
        if (params[name] === 'integer' && /^-?\d{1,15}$/.test(String(value))) values[name] = Number(value);
      const { rendered, refusal, value_refusal } = await check(invocation, text, params, values);
      const problem = refusal ?? value_refusal;
      if (problem) throw new CommandError(`refused: ${place(problem)}`, EXIT.notGood);
      if (!invocation.print.isForPeople) return invocation.print.one('script', { rendered }, []);
      for (const line of (rendered ?? '').replace(/\n$/, '').split('\n')) invocation.print.line(plain(line));
    },
  }),
];
