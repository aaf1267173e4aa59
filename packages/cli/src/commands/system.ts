import { once, unwrap } from '@rigel/api-client';
import { readId } from '../api/names.js';
import { readPages } from '../api/pages.js';
import { command } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';
import { localTime, readSpan } from '../output/times.js';
import { limitFlag } from './flags.js';

async function get<Data>({ api }: Invocation, path: string, query: object = {}): Promise<Data> {
  return (await unwrap((api().GET as CallableFunction)(path, { params: { query } }))) as Data;
}

const limit = limitFlag(50);

export const systemCommands = [
  command({
    name: 'system status',
    help: { en: 'Show the processes of the system, and how far each follows', zh: '显示系统各进程及其进度' },
    run: async (invocation) => {
      const { print } = invocation;
      const system = await get<{
        release: string;
        parts: Record<string, unknown>[];
        missing: { part: string; reason: string }[];
      }>(invocation, '/system');
      if (!print.isForPeople) print.one('system', system, []);
      else {
        print.line(`release ${plain(system.release)}`);
        print.rows('part', system.parts, [
          { field: 'part', title: 'part' },
          { field: 'state', title: 'state' },
          { field: 'since_at', title: 'since', text: ({ since_at }) => localTime(String(since_at)) },
        ]);
        for (const { part, reason } of system.missing)
          print.line(`${plain(part)} is missing: ${plain(reason)}`);
      }
      return system.missing.length === 0 ? EXIT.done : EXIT.notGood;
    },
  }),
  command({
    name: 'system executors',
    help: { en: 'List the executors', zh: '列出执行器' },
    run: async (invocation) => {
      const { executors } = await get<{ executors: Record<string, unknown>[] | null }>(invocation, '/system');
      invocation.print.rows('executor', executors ?? [], [
        { field: 'name', title: 'name' },
        { field: 'present', title: 'state', text: ({ present }) => (present ? 'present' : 'away') },
        { field: 'taken', title: 'taken', align: 'end', text: ({ taken, slots }) => `${taken}/${slots}` },
        {
          field: 'capabilities',
          title: 'can',
          text: ({ capabilities }) => (capabilities as string[]).join(' '),
        },
        { field: 'heard_at', title: 'heard of', text: ({ heard_at }) => localTime(String(heard_at)) },
      ]);
    },
  }),
  command({
    name: 'system verification',
    help: { en: 'Say whether the tables say what the events say', zh: '显示数据表与事件是否一致' },
    run: async (invocation) => {
      const found = await get<Record<string, unknown>>(invocation, '/verification');
      invocation.print.one('verification', found, Object.entries(found));
    },
  }),
  command({
    name: 'orphans',
    help: { en: 'List machines at providers that no node has', zh: '列出无节点对应的机器' },
    run: async (invocation) => {
      const found = await get<{ machines?: unknown[] }>(invocation, '/orphans');
      invocation.print.one('orphans', found, Object.entries(found));
      return (found.machines ?? []).length === 0 ? EXIT.done : EXIT.notGood;
    },
  }),
  command({
    name: 'search',
    help: { en: 'Find objects by id, name, address or machine', zh: '按编号、名称、地址或机器查找' },
    args: [{ name: 'words', many: true }],
    run: async (invocation, words) => {
      const { rows } = await get<{ rows: Record<string, unknown>[] }>(invocation, '/search', {
        q: words.join(' '),
      });
      invocation.print.rows('found', rows, [
        { field: 'kind', title: 'kind' },
        { field: 'id', title: 'id', align: 'end' },
        { field: 'name', title: 'name' },
        { field: 'detail', title: 'detail' },
      ]);
      return rows.length > 0 ? EXIT.done : EXIT.notGood;
    },
  }),
  command({
    name: 'token list',
    help: { en: 'List API tokens', zh: '列出 API 令牌' },
    flags: { limit },
    run: async (invocation, _args, flags) => {
      const rows = await readPages<Record<string, unknown>>(flags.limit ?? 50, (page) =>
        get(invocation, '/token/list', page),
      );
      invocation.print.rows('token', rows, [
        { field: 'id', title: 'id', align: 'end' },
        { field: 'name', title: 'name' },
        { field: 'role', title: 'role' },
        { field: 'expires', title: 'until' },
        { field: 'last_used', title: 'last used' },
        { field: 'revoked', title: 'revoked' },
        { field: 'created_by', title: 'made by', isWide: true },
      ]);
    },
  }),
  command({
    name: 'token create',
    help: { en: 'Make an API token, and print it once', zh: '创建 API 令牌（仅显示一次）' },
    flags: {
      name: { type: 'text', value: '<name>', help: { en: 'whose token it is', zh: '令牌名称' } },
      role: {
        type: 'text',
        value: '<role>',
        choices: ['viewer', 'operator', 'admin'],
        help: { en: 'what it may do', zh: '权限' },
      },
      expires: { type: 'text', value: '<30d>', help: { en: 'how long it is valid', zh: '有效期' } },
    },
    run: async ({ api, io, print, note }, _args, flags) => {
      if (flags.name === undefined || flags.role === undefined)
        throw new CommandError('token create needs --name <name> and --role <viewer|operator|admin>');
      const span = flags.expires === undefined ? undefined : readSpan(flags.expires);
      if (flags.expires !== undefined && span === undefined)
        throw new CommandError(
          `--expires must be a time like 12h or 30d (got ${JSON.stringify(flags.expires)})`,
        );
      const made = (await unwrap(
        (api().POST as CallableFunction)('/token/create', {
          body: {
            name: flags.name,
            role: flags.role,
            ...(span === undefined ? {} : { expires: String(io.now() + span) }),
          },
          ...once(),
        }),
      )) as { id: number; token: string };
      note(`token ${made.id} of ${flags.name} (${flags.role}); it cannot be shown again`);
      if (print.isForPeople) print.line(made.token);
      else print.one('token', made, []);
    },
  }),
  command({
    name: 'token revoke',
    help: { en: 'Revoke a token: it is refused within a second', zh: '吊销令牌：一秒内失效' },
    args: [{ name: 'token', kind: 'token' }],
    run: async ({ api, note }, [text = '']) => {
      const id = readId('token', text);
      await unwrap(api().POST('/token/revoke/{id}', { params: { path: { id } } }));
      note(`token ${id} is revoked`);
    },
  }),
];
