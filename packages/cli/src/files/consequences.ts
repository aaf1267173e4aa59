import { type SchedulePreview, unwrap } from '@rigel/api-client';
import type { Invocation } from '../command/invocation.js';
import { scheduleBody } from './apply.js';
import { type Fields, keyOf, type ScheduleItem } from './documents.js';
import type { Change, Plan } from './plan.js';
import type { Present } from './present.js';

/** Schedules that are asked about. */
const MOST = 50;

/** What follows at once from the changes of pools and schedules, in words. */
export async function consequencesOf(
  invocation: Invocation,
  { changes }: Plan,
  present: Present,
): Promise<string[]> {
  const words = changes.flatMap(poolConsequences);
  const schedules = changes.filter(({ kind, do: what }) => kind === 'Schedule' && what !== 'delete');
  for (const change of schedules.slice(0, MOST))
    words.push(...(await scheduleConsequences(invocation, change, present)));
  if (schedules.length > MOST)
    words.push(`what follows from ${schedules.length - MOST} more schedules was not asked`);
  return words;
}

function poolConsequences({ kind, name, nodes, fields, do: what }: Change): string[] {
  if (kind !== 'Pool' || what !== 'change') return [];
  const words: string[] = [];
  if (nodes && nodes.remove.length > 0)
    words.push(
      `pool ${name}: ${nodes.remove.length} nodes leave it; no machine is given back, no command is run`,
    );
  for (const { field, after } of fields) {
    if (field === 'vm_type')
      words.push(`pool ${name}: only machines that are made from now on are of type ${String(after)}`);
    if (field === 'protected' && after === false)
      words.push(`pool ${name}: what takes its nodes out of service needs no confirmation any more`);
  }
  return words;
}

async function scheduleConsequences(
  { api }: Invocation,
  { name, fields, thing }: Change,
  { things }: Present,
): Promise<string[]> {
  const at = name.lastIndexOf(' ');
  const idOf = (pool: string): number => things.get(keyOf({ kind: 'Pool', name: pool }))?.id ?? 0;
  const whole: Fields = {
    time_zone: '',
    items: [],
    takes_along: [],
    ...thing?.fields,
    ...Object.fromEntries(fields.map(({ field, after }) => [field, after])),
  };
  const items = whole.items as ScheduleItem[];
  const body = scheduleBody(idOf(name.slice(0, at)), name.slice(at + 1), whole, items, idOf);
  if (body.pool_id === 0 || body.depend_itmes.some(({ pool_id }) => pool_id === 0))
    return [`schedule ${name}: what follows at once is known when its pools are there`];
  let preview: SchedulePreview;
  try {
    preview = await unwrap(api().POST('/task/saveTask/preview', { body: body as never }));
  } catch (error) {
    // For example a template that these files still have to give to the pool.
    return [`schedule ${name}: what follows at once cannot be said yet: ${(error as Error).message}`];
  }
  const { at_saving } = preview;
  if (at_saving === null) return [];
  const nameOf = new Map(
    [...things.values()].filter(({ kind }) => kind === 'Pool').map((pool) => [pool.id, pool.name]),
  );
  return at_saving.pools.flatMap(({ pool_id, nodes, target, plan }) => {
    const pool = nameOf.get(pool_id) ?? String(pool_id);
    const there = `the item in force wants ${target} nodes of pool ${pool}, ${nodes} are there`;
    if (plan === 'expand' || plan === 'shrink')
      return [`schedule ${name}: ${there}: a task is made at once (${plan})`];
    return plan === 'wait' ? [`schedule ${name}: ${there}: it waits for the task that is under way`] : [];
  });
}
