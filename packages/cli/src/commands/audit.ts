import type { AuditEntry } from '@rigel/api-client';
import { readPages } from '../api/pages.js';
import { command } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { patiently } from '../follow/wait.js';
import { plain } from '../output/screen.js';
import { localTime } from '../output/times.js';
import { getData } from './change-things.js';
import { limitFlag } from './flags.js';

const LOOK_MS = 2_000;
const PAGE = 100;

const what = ({ target, name }: AuditEntry): string => (name === '' ? target : `${target} ${name}`);

const lineOf = (row: AuditEntry): string =>
  [
    localTime(row.time_at),
    plain(row.operator),
    plain(row.action),
    plain(what(row)),
    row.outcome === 'done' ? 'done' : `${row.outcome}: ${plain(row.reason)}`,
  ].join('  ');

/** Lines that are newer than one, oldest first. @param after id of the newest line that is known. */
async function newerThan(invocation: Invocation, after: number, query: object): Promise<AuditEntry[]> {
  const newer: AuditEntry[] = [];
  let before: number | undefined;
  for (;;) {
    const page = await patiently(invocation, Number.POSITIVE_INFINITY, () =>
      getData<AuditEntry[]>(invocation, '/audit', {
        query: { ...query, page: 1, page_size: PAGE, ...(before === undefined ? {} : { before }) },
      }),
    );
    const fresh = page.filter(({ id }) => id > after);
    newer.push(...fresh);
    if (fresh.length < PAGE) return newer.reverse();
    before = fresh.at(-1)?.id;
  }
}

/** Prints new lines as they come, until Ctrl-C. */
async function follow(invocation: Invocation, last: number, query: object): Promise<never> {
  const { io, signal, print } = invocation;
  let after = last;
  for (;;) {
    await io.sleep(LOOK_MS, signal);
    if (signal.aborted) throw new CommandError('interrupted', EXIT.interrupted);
    for (const row of await newerThan(invocation, after, query)) {
      print.item(row, lineOf(row));
      after = Math.max(after, row.id);
    }
  }
}

export const auditCommands = [
  command({
    name: 'audit',
    help: { en: 'Say who did what to what, newest first', zh: '显示操作审计，最新的在前' },
    flags: {
      by: { type: 'text', value: '<name>', help: { en: 'only of this operator', zh: '仅此操作人的' } },
      action: {
        type: 'text',
        value: '<action>',
        help: { en: 'only this action, like task.stop', zh: '仅此操作，例如 task.stop' },
      },
      target: {
        type: 'text',
        value: '<kind-id>',
        help: { en: 'only about this, like task-7', zh: '仅此对象，例如 task-7' },
      },
      outcome: {
        type: 'text',
        value: '<outcome>',
        choices: ['done', 'denied', 'refused', 'failed'],
        help: { en: 'only with this outcome', zh: '仅此结果' },
      },
      from: {
        type: 'text',
        value: '<time>',
        help: { en: 'only from this time on, like 2026-11-01T08:00:00Z', zh: '仅此时刻之后' },
      },
      to: { type: 'text', value: '<time>', help: { en: 'only before this time', zh: '仅此时刻之前' } },
      follow: {
        type: 'switch',
        help: { en: 'oldest first, and go on as lines come', zh: '按时间顺序持续输出' },
      },
      limit: limitFlag(50),
    },
    run: async (invocation, _args, flags) => {
      if (flags.follow && flags.to !== undefined)
        throw new CommandError('--follow and --to exclude each other: what comes is after any time');
      const query = {
        ...(flags.by === undefined ? {} : { operator: flags.by }),
        ...(flags.action === undefined ? {} : { action: flags.action }),
        ...(flags.target === undefined ? {} : { target: flags.target }),
        ...(flags.outcome === undefined ? {} : { outcome: flags.outcome }),
        ...(flags.from === undefined ? {} : { from: flags.from }),
        ...(flags.to === undefined ? {} : { to: flags.to }),
      };
      const rows = await readPages<AuditEntry>(flags.limit ?? 50, (page) =>
        getData<AuditEntry[]>(invocation, '/audit', { query: { ...query, ...page } }),
      );
      const { print } = invocation;
      if (flags.follow) {
        for (const row of rows.toReversed()) print.item(row, lineOf(row));
        return follow(invocation, Math.max(0, ...rows.map(({ id }) => id)), query);
      }
      print.rows('audit', rows, [
        { field: 'time_at', title: 'time', text: ({ time_at }) => localTime(time_at) },
        { field: 'operator', title: 'who' },
        { field: 'action', title: 'what' },
        { field: 'target', title: 'on', text: what },
        { field: 'outcome', title: 'outcome' },
        { field: 'reason', title: 'reason', isWide: true },
        { field: 'correlation_id', title: 'correlation id', isWide: true },
      ]);
    },
  }),
];
