import type {
  CronItem,
  CronItemInput,
  DependItem,
  DependItemInput,
  RpcRequest,
  SchedulePreview,
  schedules,
} from '@rigel/contracts';
import type { RequestContext } from '@rigel/messaging';
import type { Kysely } from 'kysely';
import type { ScheduleTable } from '../store/tables.js';
import { dueTimes } from './calendar.js';
import { clockChanges } from './clock-changes.js';
import { type Definition, firingItems, save, targetInForce, zoneOf } from './decide.js';
import { lastSavings } from './decisions.js';
import type { Firing } from './fire.js';
import { roundOf } from './round.js';
import { checkAgainstOthers, checkDefinition, findSchedule, type SaveParts } from './save.js';
import { evolveSchedule, leftOutOf, type ScheduleState } from './state.js';

/** Moments that a preview names. */
const MOMENTS = 20;
/** Moments of two scheduled tasks that are no further apart overlap. */
const OVERLAP_MS = 3_600_000;
/** Overlaps are looked for so far ahead, and so many are named. */
const OVERLAPS_AHEAD_MS = 8 * 86_400_000;
const MAX_OVERLAPS = 50;
/** Moments that are compared for overlaps. */
const MAX_COMPARED = 500;

/**
 * What saving would do, found out by the same functions that save and fire. Changes nothing.
 * @throws ServiceError as saving does.
 */
export async function previewSchedule(
  request: RpcRequest<typeof schedules.preview>,
  context: RequestContext,
  { firing, ...parts }: SaveParts & { firing: Pick<Firing, 'preview'> },
): Promise<SchedulePreview> {
  const { store, clock, zone } = parts;
  const { definition } = await checkDefinition({ ...request, opr_user: '' }, context, parts);
  await store.db.transaction().execute((trx) => checkAgainstOthers(trx, definition));
  const known = await findSchedule(store, request);
  const before = known === undefined ? undefined : await store.load(known);
  const now = clock.now();
  // An id that no scheduled task has: it stands in no event that is kept.
  const id = known ?? 0;
  let after = before;
  for (const event of save(id, before, definition, { now, zone })) after = evolveSchedule(after, event, id);
  const state = after as ScheduleState;
  const own = zoneOf(state, zone);
  const items = firingItems(state).filter(({ ignore }) => !ignore);
  const leftOut = leftOutOf(state);
  const inForce = targetInForce(state, { now: state.saved.at, zone });
  const saving = known === undefined ? undefined : (await lastSavings(rawOf(store.db), [known])).get(known);
  const all = await store.db.selectFrom('schedules').selectAll().execute();
  const others = all.filter((row) => row.pool_id !== definition.pool || row.type !== definition.type);
  const moments = [];
  for (const moment of dueTimes(items, own, now)) {
    if (!leftOut.has(moment.due) && moments.push(moment) === MOMENTS) break;
  }
  return {
    version: saving?.version ?? null,
    zone: own,
    moments,
    at_saving: inForce ? { item: inForce, pools: await firing.preview(state, inForce, context) } : null,
    overlaps: overlapsOf(state, others, { now, zone }),
    clock_changes: clockChanges(items, own, now),
    differences: differencesOf(before, definition),
  };
}

const rawOf = (db: SaveParts['store']['db']): Kysely<unknown> => db as unknown as Kysely<unknown>;

/** Other scheduled tasks that change one of the same pools close to a moment of this one. */
function overlapsOf(
  state: ScheduleState,
  others: readonly ScheduleTable[],
  { now, zone }: { now: number; zone: string },
): SchedulePreview['overlaps'] {
  const dependencies = new Map(others.map((row) => [`${row.type} ${row.pool_id}`, row.depend_items]));
  const { pool, type, dependItems } = state.saved;
  dependencies.set(`${type} ${pool}`, dependItems);
  const poolsOf = (root: number, kind: ScheduleTable['type']): number[] =>
    roundOf(root, 1, (one): readonly DependItem[] => dependencies.get(`${kind} ${one}`) ?? []).map(
      (one) => one.pool,
    );
  const mine = new Set(poolsOf(pool, type));
  const own = timesAhead(firingItems(state), zoneOf(state, zone), now);
  const found: SchedulePreview['overlaps'] = [];
  for (const other of others) {
    if (other.exec_type !== 'crontab') continue;
    const shared = poolsOf(other.pool_id, other.type).find((one) => mine.has(one));
    if (shared === undefined) continue;
    for (const due of timesAhead(other.cron_items, other.time_zone || zone, now)) {
      const near = nearest(own, due);
      if (near === undefined || Math.abs(near - due) > OVERLAP_MS) continue;
      const { id: schedule_id, pool_id: schedule_pool_id } = other;
      found.push({ schedule_id, schedule_pool_id, type: other.type, pool_id: shared, due, own_due: near });
    }
  }
  return found.sort((a, b) => a.due - b.due).slice(0, MAX_OVERLAPS);
}

function timesAhead(items: readonly CronItem[], zone: string, now: number): number[] {
  const times: number[] = [];
  const acting = items.filter(({ ignore }) => !ignore);
  for (const { due } of dueTimes(acting, zone, now)) {
    if (due > now + OVERLAPS_AHEAD_MS || times.push(due) >= MAX_COMPARED) break;
  }
  return times;
}

function nearest(times: readonly number[], to: number): number | undefined {
  let best: number | undefined;
  for (const time of times) {
    if (best === undefined || Math.abs(time - to) < Math.abs(best - to)) best = time;
  }
  return best;
}

/** What is different from the saved form; items are the same when they have the same day and time, or the same pool. */
function differencesOf(
  before: ScheduleState | undefined,
  definition: Definition,
): SchedulePreview['differences'] {
  const saved = before?.saved;
  const { timeZone, execType, cronItems, dependItems } = definition;
  return {
    ...((saved?.timeZone ?? '') === timeZone
      ? {}
      : { time_zone: { before: saved?.timeZone ?? null, after: timeZone } }),
    ...(saved?.execType === execType
      ? {}
      : { exec_type: { before: saved?.execType ?? null, after: execType } }),
    cron_items: pairs<CronItemInput>(
      saved?.cronItems ?? [],
      cronItems,
      ({ week_day, time }) => `${week_day} ${time.length === 5 ? `${time}:00` : time}`,
    ),
    depend_items: pairs<DependItemInput>(
      saved?.dependItems ?? [],
      dependItems,
      ({ pool_id }) => `${pool_id}`,
    ),
  };
}

function pairs<Item extends object>(
  before: readonly (Item & { id?: number })[],
  after: readonly Item[],
  keyOf: (item: Item) => string,
): { before: Item | null; after: Item | null }[] {
  const plain = ({ id: _, ...item }: Item & { id?: number }): Item => item as unknown as Item;
  const old = new Map(before.map((item) => [keyOf(item), plain(item)]));
  const found: { before: Item | null; after: Item | null }[] = [];
  for (const item of after) {
    const key = keyOf(item);
    const same = old.get(key) ?? null;
    old.delete(key);
    if (same === null || !isSame(same, item)) found.push({ before: same, after: item });
  }
  return [...[...old.values()].map((item) => ({ before: item, after: null })), ...found];
}

function isSame(a: object, b: object): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => a[name as keyof typeof a] === b[name as keyof typeof b]);
}
