import type { CronItem, SchedulePreview } from '@rigel/api-client';
import { parse } from 'yaml';
import { idOf } from '../api/names.js';
import { command } from '../command/command.js';
import { CommandError } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';
import { localTime } from '../output/times.js';
import { confirmChange, type FieldChange } from '../plan/change.js';
import { getData, postData } from './change-things.js';
import { itemText } from './schedule-words.js';
import { readValue } from './values.js';

/** As many of the next moments are named. */
const SOME = 3;

type Body = Record<string, unknown> & { pool_id: number };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Puts the id of a pool where a file names it. */
async function withPoolId(
  invocation: Invocation,
  value: Record<string, unknown>,
  where: string,
): Promise<Record<string, unknown>> {
  const { pool, ...rest } = value;
  if (pool === undefined) return value;
  if (rest.pool_id !== undefined) throw new CommandError(`${where}: pool and pool_id exclude each other`);
  if (typeof pool !== 'string' && typeof pool !== 'number')
    throw new CommandError(`${where}: pool must be a name or an id`);
  return { ...rest, pool_id: await idOf(invocation, 'pool', String(pool)) };
}

/** Reads what is to be saved: the body of the API, with pools by name or by id. @throws CommandError */
async function readBody(invocation: Invocation, file: string): Promise<Body> {
  let value: unknown;
  try {
    value = parse(await readValue(invocation, file === '-' ? '-' : `@${file}`), { maxAliasCount: 0 });
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`-f must be JSON or YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  if (!isObject(value))
    throw new CommandError(
      '-f must hold one object: pool or pool_id, type, exec_type, cron_items, depend_items',
    );
  const { cron_items, cron_itmes, depend_items, depend_itmes, ...rest } = value;
  const follows = depend_itmes ?? depend_items ?? [];
  const depends = Array.isArray(follows)
    ? await Promise.all(
        follows.map((item: unknown, at) =>
          isObject(item) ? withPoolId(invocation, item, `depend_items ${at + 1}`) : item,
        ),
      )
    : follows;
  const body = await withPoolId(
    invocation,
    {
      id: 0,
      exec_type: 'crontab',
      ...rest,
      cron_itmes: cron_itmes ?? cron_items ?? [],
      depend_itmes: depends,
    },
    '-f',
  );
  if (typeof body.pool_id !== 'number') throw new CommandError('-f needs pool (a name) or pool_id');
  return body as Body;
}

const follow = (item: Record<string, unknown> | null): unknown =>
  item === null
    ? undefined
    : `pool ${item.pool_id}: ${item.ratio} for each node and ${item.elastic_count}, waits for step ${item.step_name}${item.ignore ? ', ignored' : ''}`;

function fieldsOf({ differences }: SchedulePreview): FieldChange[] {
  const { time_zone, exec_type, cron_items, depend_items } = differences;
  const change = (field: string, before: unknown, after: unknown): FieldChange => ({
    field,
    ...(before === null || before === undefined ? {} : { before }),
    after: after ?? 'removed',
  });
  return [
    ...(time_zone ? [change('time_zone', time_zone.before, time_zone.after)] : []),
    ...(exec_type ? [change('exec_type', exec_type.before, exec_type.after)] : []),
    ...cron_items.map(({ before, after }) =>
      change('item', before && itemText(before as CronItem), after ? itemText(after as CronItem) : undefined),
    ),
    ...depend_items.map(({ before, after }) =>
      change('follows', before && follow(before), after ? follow(after) : undefined),
    ),
  ];
}

/** What saving leads to: what is made at once, what is next, which moments the clocks move. */
function consequencesOf({ at_saving, moments, overlaps, clock_changes }: SchedulePreview): string[] {
  const lines: string[] = [];
  for (const { pool_name, nodes, target, plan, missing, again, surplus } of at_saving?.pools ?? []) {
    const does = {
      nothing: 'nothing to do',
      expand: `a task is made at once: ${missing} to be made, ${again} to run again`,
      shrink: `a task is made at once: ${surplus} to be given back`,
      wait: `it waits for ${surplus} nodes that are being worked on`,
    }[plan];
    lines.push(`pool ${pool_name}: the item in force wants ${target}, ${nodes} are there: ${does}`);
  }
  if (at_saving === null) lines.push('nothing happens at once');
  for (const { due_at, item } of moments.slice(0, SOME))
    lines.push(`next ${localTime(due_at)}: ${itemText(item)}`);
  if (moments.length === 0) lines.push('no item will be due');
  for (const { pool_name, due_at, own_due_at } of overlaps.slice(0, SOME))
    lines.push(
      `! ${localTime(own_due_at)} is within an hour of ${localTime(due_at)}, when pool ${pool_name} changes too`,
    );
  for (const { moments: moved } of clock_changes)
    for (const { time, due_at, what } of moved)
      lines.push(
        `! ${time} ${what === 'comes_twice' ? 'comes twice' : 'does not exist'} when the clocks change: due ${localTime(due_at)}`,
      );
  return lines;
}

/** `rigel schedule save -f <file|->` */
export const saveSchedule = command({
  name: 'schedule save',
  help: {
    en: 'Save a scheduled task from JSON or YAML: shows what follows, asks, saves',
    zh: '由 JSON 或 YAML 保存定时任务：显示后果、询问、保存',
  },
  flags: {
    file: {
      type: 'text',
      short: 'f',
      value: '<file|->',
      help: {
        en: 'body of task/saveTask; pool may be a name',
        zh: 'task/saveTask 的正文；pool 可用名称',
      },
    },
  },
  run: async (invocation, _args, flags) => {
    if (flags.file === undefined) throw new CommandError('schedule save needs -f <file|->');
    const body = await readBody(invocation, flags.file);
    const preview = await postData<SchedulePreview>(invocation, '/task/saveTask/preview', body);
    const pool = await getData<{ name: string }>(invocation, '/pool/{id}', { path: { id: body.pool_id } });
    const change = {
      title: `save the ${plain(body.type)} schedule of pool ${plain(pool.name)} (times in ${plain(preview.zone)})`,
      fields: fieldsOf(preview),
      consequences: consequencesOf(preview),
      version: preview.version ?? 0,
      needsFields: true,
    };
    if (!(await confirmChange(invocation, change))) return;
    await postData(
      invocation,
      '/task/saveTask',
      { if_version: preview.version ?? 0, ...body },
      { keyed: true },
    );
    const { rows } = await getData<{ rows: { id: number; type: string }[] }>(invocation, '/schedule/list', {
      query: { pool_id: body.pool_id },
    });
    const saved = rows.find(({ type }) => (type === 'expand') === /^\s*expand/.test(String(body.type)));
    if (!saved) return;
    if (invocation.print.isForPeople || invocation.print.format === 'name')
      invocation.print.line(`schedule/${saved.id}`);
    else invocation.print.one('schedule', saved, []);
  },
});
