import { unwrap } from '@rigel/api-client';
import { command } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import {
  type Context,
  checkUrl,
  readConfig,
  storeToken,
  type TokenSource,
  writeConfig,
} from '../settings/config-file.js';

interface ContextRow {
  name: string;
  url: string;
  current: boolean;
  protected: boolean;
  token: string;
}

const NAME = /^[\w.-]{1,50}$/;

function checkName(name: string): string {
  if (NAME.test(name)) return name;
  throw new CommandError(
    `${JSON.stringify(name)} is no name of a context: letters, digits, ., _ and -, 50 at most`,
  );
}

/** Where a token comes from, without the token. */
const describe = (token: TokenSource | undefined): string =>
  token === undefined ? '' : 'stored' in token ? 'kept' : Object.entries(token).join('').replace(',', ': ');

const context = { name: 'context', kind: 'context' } as const;

export const contextCommands = [
  command({
    name: 'context list',
    help: { en: 'List the systems that rigel knows', zh: '列出已知的系统' },
    run: async ({ io, print }) => {
      const { contexts, current } = readConfig(io.env);
      const rows = Object.entries(contexts).map(
        ([name, { url, token, protected: on }]): ContextRow => ({
          name,
          url,
          current: name === current,
          protected: on === true,
          token: describe(token),
        }),
      );
      print.rows('context', rows, [
        { field: 'current', title: '', text: ({ current }) => (current ? '*' : '') },
        { field: 'name', title: 'name' },
        { field: 'url', title: 'address' },
        { field: 'token', title: 'token' },
        { field: 'protected', title: 'protected', text: (row) => (row.protected ? 'yes' : '') },
      ]);
    },
  }),
  command({
    name: 'context show',
    help: {
      en: 'Show a context, or the current one; never its token',
      zh: '查看上下文（默认当前）；不显示令牌',
    },
    args: [{ ...context, optional: true }],
    run: async ({ io, print, settings }, [name]) => {
      const { contexts, current } = readConfig(io.env);
      const wanted = name ?? settings.context ?? current;
      const found = wanted === undefined ? undefined : contexts[wanted];
      if (wanted === undefined || !found)
        throw new CommandError(
          wanted === undefined
            ? 'there is no current context: rigel context add <name> <url>'
            : `there is no context ${JSON.stringify(wanted)}: rigel context list`,
          EXIT.notFound,
        );
      const row: ContextRow = {
        name: wanted,
        url: found.url,
        current: wanted === current,
        protected: found.protected === true,
        token: describe(found.token),
      };
      print.one('context', row, [
        ['context', row.name],
        ['address', row.url],
        ['current', row.current ? 'yes' : 'no'],
        ['token', row.token],
        ['protected', row.protected ? 'yes' : 'no'],
      ]);
    },
  }),
  command({
    name: 'context add',
    help: { en: 'Enter a system, or change where it is', zh: '添加或修改系统' },
    args: [{ name: 'context' }, { name: 'url' }],
    flags: {
      'token-from-file': {
        type: 'text',
        value: '<file>',
        help: { en: 'the token stands in this file', zh: '令牌所在文件' },
      },
      'token-from-env': {
        type: 'text',
        value: '<name>',
        help: { en: 'the token stands in this variable', zh: '令牌所在变量' },
      },
      'token-from-command': {
        type: 'text',
        value: '<command>',
        help: { en: 'this command prints the token', zh: '输出令牌的命令' },
      },
      protected: {
        type: 'switch',
        help: { en: 'large changes ask for its name', zh: '大的更改须输入其名称' },
      },
    },
    run: async ({ io, note }, [name = '', url = ''], flags) => {
      const config = readConfig(io.env);
      const sources: TokenSource[] = [
        ...(flags['token-from-file'] === undefined ? [] : [{ file: flags['token-from-file'] }]),
        ...(flags['token-from-env'] === undefined ? [] : [{ env: flags['token-from-env'] }]),
        ...(flags['token-from-command'] === undefined ? [] : [{ command: flags['token-from-command'] }]),
      ];
      const [token, second] = sources;
      if (second) throw new CommandError('a context takes its token from one place only');
      const known = config.contexts[checkName(name)];
      const added: Context = {
        url: checkUrl(url, 'url'),
        ...(token ? { token } : known?.token && known.url === url ? { token: known.token } : {}),
        ...(flags.protected ? { protected: true } : {}),
      };
      config.contexts[name] = added;
      config.current ??= name;
      writeConfig(io.env, config);
      note(`context ${name} is ${added.url}${config.current === name ? ', and the current one' : ''}`);
    },
  }),
  command({
    name: 'context use',
    help: { en: 'Make a context the current one', zh: '设为当前上下文' },
    args: [context],
    run: async ({ io, note }, [name = '']) => {
      const config = readConfig(io.env);
      const chosen = config.contexts[name];
      if (!chosen)
        throw new CommandError(
          `there is no context ${JSON.stringify(name)}: rigel context list`,
          EXIT.notFound,
        );
      writeConfig(io.env, { ...config, current: name });
      note(`context ${name} is ${chosen.url}`);
    },
  }),
  command({
    name: 'context remove',
    help: { en: 'Forget a context and its token', zh: '移除上下文及其令牌' },
    args: [context],
    run: async ({ io, note }, [name = '']) => {
      const config = readConfig(io.env);
      if (!config.contexts[name])
        throw new CommandError(
          `there is no context ${JSON.stringify(name)}: rigel context list`,
          EXIT.notFound,
        );
      delete config.contexts[name];
      if (config.current === name) delete config.current;
      writeConfig(io.env, config);
      storeToken(io.env, name, undefined);
      note(`context ${name} is forgotten`);
    },
  }),
  command({
    name: 'login',
    help: {
      en: 'Keep a token for a context: from --token-file, or typed',
      zh: '为上下文保存令牌：来自 --token-file 或键入',
    },
    run: async (invocation) => {
      const { io, settings, note, api } = invocation;
      const config = readConfig(io.env);
      const name = settings.context ?? config.current ?? 'default';
      if (io.inIsTerminal && io.env.RIGEL_TOKEN === undefined)
        note(`token of ${settings.url} (it is not shown again; it is kept in a file that only you read):`);
      // Not the one that is kept now: login replaces it.
      const given = (await settings.givenToken()) ?? (await io.readLine())?.trim();
      if (!given)
        throw new CommandError(
          'no token was given: rigel login --token-file <file>, or - for standard input',
        );
      invocation.settings.token = async () => given;
      const who = (await unwrap(api().GET('/session'))) as { name: string; role: string };
      const known = config.contexts[name];
      config.contexts[name] = { ...known, url: settings.url, token: { stored: true } };
      config.current ??= name;
      writeConfig(io.env, config);
      storeToken(io.env, name, given);
      note(`context ${name}: ${who.name} (${who.role}) at ${settings.url}`);
    },
  }),
  command({
    name: 'whoami',
    help: { en: 'Say where rigel speaks to, and as whom', zh: '显示所连系统与身份' },
    run: async ({ api, print, settings }) => {
      const who = (await unwrap(api().GET('/session'))) as Record<string, unknown>;
      print.one('session', { context: settings.context ?? null, url: settings.url, ...who }, [
        ['context', settings.context],
        ['address', settings.url],
        ['name', who.name],
        ['role', who.role],
      ]);
    },
  }),
];
