import type { CalendarEntry, ScheduleStanding } from '@rigel/api-client';
import { idOf, readId } from '../api/names.js';
import { readAll } from '../api/pages.js';
import { command, type Flags } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import type { Column } from '../output/printer.js';
import { plain } from '../output/screen.js';
import { localTime } from '../output/times.js';
import { confirmChange } from '../plan/change.js';
import { getData, postData } from './change-things.js';
import { limitFlag } from './flags.js';
import { saveSchedule } from './schedule-save.js';
import { itemText, type LedgerSum, sumLine } from './schedule-words.js';

interface Ledger {
  from_at: string;
  to_at: string;
  sum: LedgerSum;
  differences: { due_at: string; cause: string; what: 'no_outcome' | 'no_moment' }[];
  difference_count: number;
  rows: CalendarEntry[];
  next: string | null;
}

interface Page<Row> {
  rows: Row[];
  next: string | null;
}

const DAY_MS = 86_400_000;
/** The calendar answers so many days at most. */
const CALENDAR_DAYS = 100;

const DIFFERENCE = {
  no_outcome: 'has no outcome',
  no_moment: 'has an outcome, and no item called for it',
};

/** A time that a person wrote: RFC 3339, or a day, which begins at midnight here. @throws CommandError */
function readMoment(flag: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isTime = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?$/.test(text);
  const at = new Date(day ? `${text}T00:00:00` : text);
  if ((!day && !isTime) || Number.isNaN(at.getTime()))
    throw new CommandError(
      `${flag} must be a day like 2026-11-01 or a time like 2026-11-01T08:00:00Z (got ${JSON.stringify(text)})`,
    );
  return at.toISOString();
}

const RANGE_FLAGS = {
  from: {
    type: 'text',
    value: '<day|time>',
    help: { en: 'from this day or time on (default: 7 days back)', zh: '起始日期或时间（默认 7 天前）' },
  },
  to: {
    type: 'text',
    value: '<day|time>',
    help: { en: 'before this day or time', zh: '截止日期或时间' },
  },
} as const satisfies Flags;

const TYPE_FLAG = {
  type: 'text',
  value: '<type>',
  choices: ['expand', 'upload'],
  help: { en: 'which one of a pool: its expand, or its deployments', zh: '服务池的哪一个：扩容或上线' },
} as const;

const schedule = [{ name: 'schedule|pool', kind: 'schedule' }] as const;

/**
 * A scheduled task by its id, or by its pool, and its type where the pool has two.
 * @throws CommandError `notFound`
 */
async function scheduleNamed(
  invocation: Invocation,
  text: string,
  type: string | undefined,
): Promise<ScheduleStanding> {
  const isId = /^(schedule\/)?\d+$/.test(text);
  const pool_id = isId ? undefined : await idOf(invocation, 'pool', text);
  const all = await readAll<ScheduleStanding>(undefined, (part) =>
    getData<Page<ScheduleStanding>>(invocation, '/schedule/list', {
      query: { ...part, ...(pool_id === undefined ? {} : { pool_id }) },
    }),
  );
  const id = isId ? readId('schedule', text) : undefined;
  const found = all.filter((one) =>
    id === undefined ? one.pool_id === pool_id && (type === undefined || one.type === type) : one.id === id,
  );
  const [only, ...more] = found;
  if (only && more.length === 0) return only;
  if (only)
    throw new CommandError(
      `pool ${plain(text)} has several scheduled tasks: --type ${found.map(({ type }) => type).join(' or --type ')}`,
    );
  throw new CommandError(
    id === undefined
      ? `pool ${plain(text)} has no scheduled task${type === undefined ? '' : ` of type ${type}`}`
      : `there is no scheduled task ${id}: rigel schedule list`,
    EXIT.notFound,
  );
}

const MOMENT: Column<CalendarEntry>[] = [
  { field: 'due_at', title: 'due', text: ({ due_at }) => localTime(due_at) },
  { field: 'pool_name', title: 'pool' },
  { field: 'type', title: 'type' },
  { field: 'item', title: 'item', text: ({ item }) => itemText(item) },
  {
    field: 'outcome',
    title: 'outcome',
    text: ({ outcome, left_out_by }) =>
      left_out_by === '' ? outcome.replaceAll('_', ' ') : `left out by ${left_out_by}`,
  },
  { field: 'task_ids', title: 'tasks', text: ({ task_ids }) => task_ids.join(' ') },
  { field: 'reason', title: 'reason' },
  { field: 'cause', title: 'cause', isWide: true },
  { field: 'schedule_id', title: 'schedule', isWide: true, align: 'end' },
];

/** Moments of a calendar, oldest first, until there are enough. */
function readCalendar(
  invocation: Invocation,
  limit: number | undefined,
  query: object,
): Promise<CalendarEntry[]> {
  return readAll(limit, (part) =>
    getData<Page<CalendarEntry>>(invocation, '/schedule/calendar', { query: { ...part, ...query } }),
  );
}

const given = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** Commands about what runs by the clock. */
export const scheduleCommands = [
  command({
    name: 'schedule list',
    help: { en: 'List scheduled tasks and how they stand', zh: '列出定时任务及其状态' },
    flags: {
      pool: {
        type: 'text',
        short: 'p',
        value: '<pool>',
        help: { en: 'only of this pool', zh: '仅此服务池的' },
      },
      limit: limitFlag(),
    },
    run: async (invocation, _args, flags) => {
      const pool_id = flags.pool === undefined ? undefined : await idOf(invocation, 'pool', flags.pool);
      const rows = await readAll<ScheduleStanding>(flags.limit, (part) =>
        getData<Page<ScheduleStanding>>(invocation, '/schedule/list', {
          query: { ...part, ...given({ pool_id }) },
        }),
      );
      invocation.print.rows('schedule', rows, [
        { field: 'id', title: 'id', align: 'end' },
        { field: 'pool_name', title: 'pool' },
        { field: 'type', title: 'type' },
        { field: 'exec_type', title: 'by' },
        { field: 'state', title: 'state' },
        { field: 'next', title: 'next', text: ({ next }) => localTime(next?.due_at) },
        {
          field: 'last',
          title: 'last',
          text: ({ last }) => (last ? `${last.outcome.replaceAll('_', ' ')} ${localTime(last.due_at)}` : ''),
        },
        { field: 'zone', title: 'zone', isWide: true },
        { field: 'version', title: 'version', isWide: true, align: 'end' },
      ]);
    },
  }),
  command({
    name: 'schedule show',
    help: { en: 'Show a scheduled task', zh: '查看定时任务' },
    args: schedule,
    flags: { type: TYPE_FLAG },
    run: async (invocation, [text = ''], flags) => {
      const one = await scheduleNamed(invocation, text, flags.type);
      const follows = one.depend_items.map(
        ({ pool_id, ratio, elastic_count, step_name }) =>
          `pool ${pool_id}: ${ratio} for each node${elastic_count > 0 ? ` and ${elastic_count}` : ''}, waits for step ${step_name}`,
      );
      invocation.print.one('schedule', one, [
        ['schedule', `${one.id} ${one.type} of pool ${one.pool_name} (${one.pool_id})`],
        ['state', one.reason === '' ? one.state : `${one.state}: ${one.reason}`],
        ['times in', one.zone],
        ...one.cron_items.map((item) => ['item', itemText(item)] as const),
        ...follows.map((line) => ['follows', line] as const),
        [
          'next',
          one.next ? `${localTime(one.next.due_at)}: ${itemText(one.next.item)}` : 'nothing is planned',
        ],
        ...one.left_out.map(({ due_at, by }) => ['left out', `${localTime(due_at)} by ${by}`] as const),
        [
          'last',
          one.last === null
            ? ''
            : `${localTime(one.last.due_at)} ${one.last.outcome.replaceAll('_', ' ')} ${one.last.reason}`.trim(),
        ],
        ['version', `${one.version}, saved by ${one.updated_by} ${localTime(one.updated_at)}`.trim()],
      ]);
    },
  }),
  command({
    name: 'schedule next',
    help: { en: 'List the next moments of one scheduled task or of all', zh: '列出接下来的触发时刻' },
    args: [{ name: 'schedule|pool', kind: 'schedule', optional: true }],
    flags: {
      type: TYPE_FLAG,
      count: {
        type: 'number',
        value: '<n>',
        help: { en: 'so many at most (default 10)', zh: '最多条数（默认 10）' },
      },
    },
    run: async (invocation, [text], flags) => {
      const one = text === undefined ? undefined : await scheduleNamed(invocation, text, flags.type);
      const now = invocation.io.now();
      const query = {
        from: new Date(now).toISOString(),
        // Less by a second: both ends are rounded.
        to: new Date(now + CALENDAR_DAYS * DAY_MS - 1_000).toISOString(),
        ...given({ pool_id: one?.pool_id, type: one?.type ?? flags.type }),
      };
      const count = flags.count ?? 10;
      const rows: CalendarEntry[] = [];
      let cursor: string | null = '';
      while (cursor !== null && rows.length < count) {
        const page: Page<CalendarEntry> = await getData(invocation, '/schedule/calendar', {
          query: { ...query, limit: 100, cursor },
        });
        // An item that is ignored has no next moment; one that somebody left out is worth a line.
        rows.push(
          ...page.rows.filter(({ outcome, left_out_by }) => outcome !== 'ignored' || left_out_by !== ''),
        );
        cursor = page.next;
      }
      rows.splice(count);
      invocation.print.rows('moment', rows, MOMENT);
      if (rows.length === 0) invocation.note(`nothing is planned within ${CALENDAR_DAYS} days`);
    },
  }),
  command({
    name: 'schedule calendar',
    help: { en: 'List moments, past and to come, of all scheduled tasks', zh: '列出全部定时任务的触发时刻' },
    flags: {
      ...RANGE_FLAGS,
      pool: {
        type: 'text',
        short: 'p',
        value: '<pool>',
        help: { en: 'only of this pool', zh: '仅此服务池的' },
      },
      type: { ...TYPE_FLAG, help: { en: 'only of this type', zh: '仅此类型' } },
      limit: limitFlag(),
    },
    run: async (invocation, _args, flags) => {
      const rows = await readCalendar(
        invocation,
        flags.limit,
        given({
          from: readMoment('--from', flags.from),
          to: readMoment('--to', flags.to),
          pool_id: flags.pool === undefined ? undefined : await idOf(invocation, 'pool', flags.pool),
          type: flags.type,
        }),
      );
      invocation.print.rows('moment', rows, MOMENT);
    },
  }),
  command({
    name: 'schedule ledger',
    help: {
      en: 'Account for each moment of a scheduled task; the last line is the sum',
      zh: '核对定时任务的每个时刻；末行为合计',
    },
    args: schedule,
    flags: { ...RANGE_FLAGS, type: TYPE_FLAG, limit: limitFlag() },
    run: async (invocation, [text = ''], flags) => {
      const { id } = await scheduleNamed(invocation, text, flags.type);
      const query = given({ from: readMoment('--from', flags.from), to: readMoment('--to', flags.to) });
      let first: Ledger | undefined;
      const rows = await readAll<CalendarEntry>(flags.limit, async (part) => {
        // The end of the range stays where it was at the first part.
        const range = first ? { from: first.from_at, to: first.to_at } : query;
        const answer = await getData<Ledger>(invocation, '/schedule/{id}/ledger', {
          path: { id },
          query: { ...part, limit: Math.max(1, part.limit), ...range },
        });
        first ??= answer;
        return answer;
      });
      const { print } = invocation;
      const { sum, differences, difference_count: count, from_at, to_at } = first as unknown as Ledger;
      if (print.isForPeople) {
        print.rows('moment', rows, MOMENT);
        for (const { due_at, what } of differences) print.line(`${localTime(due_at)} ${DIFFERENCE[what]}`);
        if (count > differences.length) print.line(`and ${count - differences.length} more differences`);
        print.line(sumLine(sum));
      } else if (print.format === 'tsv' || print.format === 'name') print.rows('moment', rows, MOMENT);
      else print.one('ledger', { from_at, to_at, sum, differences, difference_count: count, rows }, []);
      return sum.balanced ? EXIT.done : EXIT.notGood;
    },
  }),
  command({
    name: 'schedule ignore-next',
    help: { en: 'Leave the next moment of a scheduled task out', zh: '跳过定时任务的下一时刻' },
    args: schedule,
    flags: {
      type: TYPE_FLAG,
      at: {
        type: 'text',
        value: '<time>',
        help: { en: 'this moment instead of the next one', zh: '跳过此时刻而不是下一个' },
      },
      undo: { type: 'switch', help: { en: 'take it back', zh: '撤销跳过' } },
    },
    run: async (invocation, [text = ''], flags) => {
      const one = await scheduleNamed(invocation, text, flags.type);
      const at = readMoment('--at', flags.at);
      const due_at = at ?? (flags.undo ? one.left_out[0]?.due_at : one.next?.due_at);
      if (due_at === undefined)
        throw new CommandError(
          flags.undo
            ? `no moment of scheduled task ${one.id} is left out`
            : `scheduled task ${one.id} has no next moment`,
          EXIT.refused,
        );
      const moment = `${localTime(due_at)} of ${one.type} of pool ${plain(one.pool_name)}`;
      const change = {
        title: `${flags.undo ? 'take the moment' : 'leave the moment'} ${moment} ${flags.undo ? 'in again' : 'out'}`,
        fields: [{ field: 'left_out', before: flags.undo, after: !flags.undo }],
        version: one.version,
      };
      if (!(await confirmChange(invocation, change))) return;
      const answer = await postData<{ due_at: string; left_out: boolean }>(
        invocation,
        '/schedule/{id}/ignore_next',
        { due_at, ...(flags.undo ? { undo: true } : {}) },
        { params: { path: { id: one.id } } },
      );
      if (!invocation.print.isForPeople) return invocation.print.one('moment', answer, []);
      invocation.print.line(
        `${localTime(answer.due_at)} ${answer.left_out ? 'is left out' : 'is planned again'}`,
      );
    },
  }),
  saveSchedule,
];
