import type { ApiToken, Session } from '@rigel/api-client';
import { once, unwrap } from '@rigel/api-client';
import { readId } from '../api/names.js';
import { readAll, readPages } from '../api/pages.js';
import { command } from '../command/command.js';
import { CommandError } from '../command/exit.js';
import { plain } from '../output/screen.js';
import { localTime, readSpan } from '../output/times.js';
import { confirmChange } from '../plan/change.js';
import { getData, postData } from './change-things.js';
import { limitFlag } from './flags.js';

const ROLES = ['viewer', 'operator', 'admin'];

/** When a token is refused: after a span from now, or at a time. @returns RFC 3339. @throws CommandError */
function readExpiry(text: string, now: number): string {
  const span = readSpan(text);
  const at = span === undefined ? new Date(text).getTime() : now + span;
  if ((span === undefined && !/^\d{4}-\d{2}-\d{2}/.test(text)) || Number.isNaN(at))
    throw new CommandError(
      `--expires must be a span like 12h or 30d, or a time like 2027-01-01T00:00:00Z (got ${JSON.stringify(text)})`,
    );
  if (at <= now) throw new CommandError(`--expires must be in the future (got ${JSON.stringify(text)})`);
  return new Date(at).toISOString();
}

const standing = ({ revoked, expires }: ApiToken, now: number): string => {
  if (revoked !== null) return 'revoked';
  return expires !== null && new Date(expires).getTime() <= now ? 'expired' : 'valid';
};

const END: Record<string, string> = {
  signed_out: 'signed out',
  revoked: 'revoked',
  token: 'its token has ended',
  idle: 'idle for too long',
  expired: 'expired',
};

/** Commands about who may do what: tokens, and the sessions of browsers. */
export const accessCommands = [
  command({
    name: 'token list',
    help: { en: 'List API tokens', zh: '列出 API 令牌' },
    flags: {
      valid: { type: 'switch', help: { en: 'only those that are valid', zh: '仅有效的' } },
      limit: limitFlag(50),
    },
    run: async (invocation, _args, flags) => {
      const now = invocation.io.now();
      const rows = await readPages<ApiToken>(flags.valid ? undefined : (flags.limit ?? 50), (page) =>
        getData<ApiToken[]>(invocation, '/token/list', { query: page }),
      );
      const shown = flags.valid
        ? rows.filter((row) => standing(row, now) === 'valid').slice(0, flags.limit)
        : rows;
      invocation.print.rows('token', shown, [
        { field: 'id', title: 'id', align: 'end' },
        { field: 'name', title: 'name' },
        { field: 'role', title: 'role', text: ({ role, may_run }) => (may_run ? `${role}, runs` : role) },
        { field: 'state', title: 'state', text: (row) => standing(row, now) },
        { field: 'expires', title: 'until', text: ({ expires }) => localTime(expires) },
        { field: 'last_used', title: 'last used', text: ({ last_used }) => localTime(last_used) },
        { field: 'created_by', title: 'made by', isWide: true },
        { field: 'created', title: 'made', isWide: true, text: ({ created }) => localTime(created) },
        { field: 'revoked_by', title: 'revoked by', isWide: true },
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
        choices: ROLES,
        help: { en: 'what it may do', zh: '权限' },
      },
      'may-run': {
        type: 'switch',
        help: { en: 'it may run one-off commands too', zh: '还可以执行一次性命令' },
      },
      expires: {
        type: 'text',
        value: '<30d|time>',
        help: { en: 'how long it is valid (default: until it is revoked)', zh: '有效期（默认直至吊销）' },
      },
    },
    run: async (invocation, _args, flags) => {
      const { api, io, print, note } = invocation;
      if (flags.name === undefined || flags.role === undefined)
        throw new CommandError('token create needs --name <name> and --role <viewer|operator|admin>');
      const expires = flags.expires === undefined ? undefined : readExpiry(flags.expires, io.now());
      const rights = flags['may-run'] ? `${flags.role}, may run commands` : flags.role;
      if (invocation.flags.dryRun) {
        print.line(
          `token of ${plain(flags.name)} (${rights})${expires === undefined ? '' : ` until ${localTime(expires)}`}`,
        );
        return;
      }
      const made = (await unwrap(
        api().POST('/token/create', {
          body: {
            name: flags.name,
            role: flags.role as ApiToken['role'],
            ...(flags['may-run'] ? { may_run: true } : {}),
            ...(expires === undefined ? {} : { expires }),
          },
          ...once(),
        }),
      )) as { id: number; token: string };
      note(
        `token ${made.id} of ${plain(flags.name)} (${rights})${expires === undefined ? '' : ` until ${localTime(expires)}`}; it cannot be shown again`,
      );
      if (print.isForPeople) print.line(plain(made.token));
      else print.one('token', made, []);
    },
  }),
  command({
    name: 'token revoke',
    help: { en: 'Revoke a token: it is refused within a second', zh: '吊销令牌：一秒内失效' },
    args: [{ name: 'token', kind: 'token' }],
    run: async (invocation, [text = '']) => {
      const id = readId('token', text);
      if (!(await confirmChange(invocation, { title: `revoke token ${id}`, fields: [] }))) return;
      await postData(invocation, '/token/revoke/{id}', {}, { params: { path: { id } } });
      invocation.note(`token ${id} is revoked`);
    },
  }),
  command({
    name: 'session list',
    help: { en: 'List the sessions of browsers, newest first', zh: '列出浏览器会话，最新的在前' },
    flags: {
      ended: { type: 'switch', help: { en: 'those too that have ended', zh: '包括已结束的' } },
      limit: limitFlag(50),
    },
    run: async (invocation, _args, flags) => {
      const rows = await readAll<Session>(flags.limit ?? 50, (part) =>
        getData(invocation, '/session/list', { query: { ...part, ...(flags.ended ? { ended: true } : {}) } }),
      );
      invocation.print.rows('session', rows, [
        { field: 'id', title: 'id', align: 'end' },
        { field: 'name', title: 'name' },
        { field: 'role', title: 'role' },
        { field: 'client', title: 'from' },
        { field: 'last_used_at', title: 'last used', text: ({ last_used_at }) => localTime(last_used_at) },
        {
          field: 'expires_at',
          title: 'until',
          text: ({ expires_at, ended_at, end }) =>
            ended_at === null ? localTime(expires_at) : `${END[end ?? ''] ?? 'ended'} ${localTime(ended_at)}`,
        },
        { field: 'started_with', title: 'with', isWide: true },
        { field: 'token_id', title: 'token', isWide: true, align: 'end' },
      ]);
    },
  }),
  command({
    name: 'session revoke',
    help: { en: 'End a session: it is refused within a second', zh: '终止会话：一秒内失效' },
    args: [{ name: 'session', kind: 'session' }],
    run: async (invocation, [text = '']) => {
      const id = readId('session', text);
      if (!(await confirmChange(invocation, { title: `revoke session ${id}`, fields: [] }))) return;
      await postData(invocation, '/session/revoke/{id}', {}, { params: { path: { id } } });
      invocation.note(`session ${id} is revoked`);
    },
  }),
];
