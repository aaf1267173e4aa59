import type { Clock } from '@rigel/clock';
import {
  type CronItemInput,
  catalog,
  type DependItemInput,
  inventory,
  isTimeZone,
  noSuch,
  type Pool,
  type RpcRequest,
  ServiceError,
  type schedules,
  show,
} from '@rigel/contracts';
import { keepAnswer, metaOf, VersionConflict } from '@rigel/event-store';
import type { Bus, RequestContext } from '@rigel/messaging';
import type { Kysely, Transaction } from 'kysely';
import type { Tables } from '../store/tables.js';
import { readTime, secondOfDay } from './calendar.js';
import { type Definition, save } from './decide.js';
import { lastSavings } from './decisions.js';
import { conflictOf, type PoolItems } from './dependencies.js';
import { assertNotBeingDeleted, itemsOfAll } from './pool-deletion.js';
import type { ScheduleStore } from './store.js';

/** Another replica may write to the same scheduled task meanwhile. */
const MAX_TRIES = 5;

export interface SaveParts {
  bus: Bus;
  store: ScheduleStore;
  clock: Clock;
  /** Time zone of schedules that name none. */
  zone: string;
}

/**
 * Saves a scheduled task whole: everything is checked, then what came due until now is recorded with the new items.
 * @returns its id.
 * @throws ServiceError naming the field that is wrong, or what stands against a dependency.
 */
export async function saveSchedule(
  request: RpcRequest<typeof schedules.save>,
  context: RequestContext,
  parts: SaveParts,
): Promise<{ id: number }> {
  const { store, clock, zone } = parts;
  // Taken before the inventory is asked: a pool that is reserved for its deletion by now, or later, may be gone at the end.
  const lookedAt = clock.now();
  const { definition } = await checkDefinition(request, context, parts);
  const dependsOn = definition.dependItems.map((item) => item.pool_id);
  const meta = metaOf(context, request.opr_user);
  for (let attempt = 1; ; attempt++) {
    const known = await findSchedule(store, request);
    const id = known ?? (await store.nextId());
    const state = known === undefined ? undefined : await store.load(known);
    // After the state was read: a save that comes in between makes this one try again.
    await assertVersion(store, known, request.if_version);
    const now = clock.now();
    const events = save(id, state, definition, { now, zone });
    try {
      await store.append(id, state?.version ?? 0, events, meta, now, async (trx) => {
        await assertNotBeingDeleted(trx, [definition.pool, ...dependsOn], lookedAt);
        await checkAgainstOthers(trx, definition);
        if (context.once) await keepAnswer(trx as Transaction<unknown>, context.once, { id });
      });
      return { id };
    } catch (error) {
      if (!(error instanceof VersionConflict) || attempt === MAX_TRIES) throw error;
    }
  }
}

/** Checks everything that does not depend on the moment of saving. @throws ServiceError naming the field. */
export async function checkDefinition(
  request: RpcRequest<typeof schedules.save>,
  context: RequestContext,
  { bus, store }: SaveParts,
): Promise<{ definition: Definition }> {
  const definition = readDefinition(request);
  const pool = await poolOf(request.pool_id, 'pool_id', context, bus);
  await checkDependencies(pool, definition, context, bus);
  await findSchedule(store, request);
  return { definition };
}

/** @throws ServiceError `conflict` naming who has saved since the version that the client has seen. */
async function assertVersion(
  store: ScheduleStore,
  id: number | undefined,
  seen: number | undefined,
): Promise<void> {
  if (seen === undefined) return;
  const saving = id === undefined ? undefined : (await lastSavings(rawOf(store.db), [id])).get(id);
  if ((saving?.version ?? 0) === seen) return;
  const now = saving
    ? `${show(saving.by)} saved scheduled task ${id} at ${new Date(saving.at).toISOString()} as version ${saving.version}`
    : 'there is no such scheduled task yet';
  throw new ServiceError(
    'version_changed',
    `if_version is ${seen}, but ${now}: read it again`,
    'if_version',
    {
      value: seen,
      data: { version: saving?.version ?? 0, by: saving?.by ?? null, at: saving?.at ?? null },
    },
  );
}

const rawOf = (db: Kysely<Tables>): Kysely<unknown> => db as unknown as Kysely<unknown>;

/** The scheduled task that a request is to replace; undefined: it is a new one. */
export async function findSchedule(
  store: ScheduleStore,
  { id, pool_id, type }: Pick<RpcRequest<typeof schedules.save>, 'id' | 'pool_id' | 'type'>,
): Promise<number | undefined> {
  const rows = store.db.selectFrom('schedules').select(['id', 'pool_id', 'type']);
  if (id === 0) {
    const own = await rows.where('pool_id', '=', pool_id).where('type', '=', type).executeTakeFirst();
    return own?.id;
  }
  const row = await rows.where('id', '=', id).executeTakeFirst();
  if (!row) throw noSuch('schedule', id, `there is no scheduled task ${id}`, 'id');
  if (row.pool_id !== pool_id) {
    throw new ServiceError(
      'cannot_change',
      `scheduled task ${id} is of pool ${row.pool_id}, not ${pool_id}`,
      'id',
      {
        value: id,
        data: { is: row.pool_id },
      },
    );
  }
  if (row.type !== type) {
    throw new ServiceError(
      'cannot_change',
      `scheduled task ${id} is of type ${row.type}, not ${type}`,
      'id',
      {
        value: id,
        data: { is: row.type },
      },
    );
  }
  return row.id;
}

/** @throws ServiceError `invalid` naming the item and its field. */
function readDefinition(request: RpcRequest<typeof schedules.save>): Definition {
  const { pool_id, type, exec_type } = request;
  const timeZone = request.time_zone.trim();
  if (timeZone !== '' && !isTimeZone(timeZone)) {
    throw new ServiceError(
      'not_a_time_zone',
      `time_zone ${show(timeZone)} is not an IANA time zone`,
      'time_zone',
      {
        value: timeZone,
      },
    );
  }
  return {
    pool: pool_id,
    type,
    execType: exec_type,
    timeZone,
    cronItems: readCronItems(request.cron_items),
    dependItems: readDependItems(request.depend_items, pool_id),
  };
}

function readCronItems(items: readonly CronItemInput[]): CronItemInput[] {
  const seen = new Set<string>();
  return items.map((given, index) => {
    const where = `cron_items.${index}`;
    const item = { ...given, time: given.time.trim() };
    if (!readTime(item.time)) {
      throw new ServiceError(
        'wrong_form',
        `${where}.time must be HH:mm or HH:mm:ss (got ${show(item.time)})`,
        `${where}.time`,
        { value: item.time, data: { form: 'HH:mm' } },
      );
    }
    const time = `${item.week_day} ${secondOfDay(item.time)}`;
    if (seen.has(time)) {
      const day = item.week_day;
      throw new ServiceError(
        'listed_twice',
        `${where}: two items with week_day ${day} and time ${item.time}`,
        `${where}.time`,
        { value: item.time },
      );
    }
    seen.add(time);
    return item;
  });
}

function readDependItems(items: readonly DependItemInput[], pool: number): DependItemInput[] {
  const seen = new Set<number>();
  return items.map((given, index) => {
    const where = `depend_items.${index}`;
    const item = { ...given, step_name: given.step_name.trim() };
    if (item.pool_id === pool) {
      throw new ServiceError(
        'depends_on_itself',
        `${where}.pool_id: pool ${pool} cannot depend on itself`,
        `${where}.pool_id`,
        { value: pool },
      );
    }
    if (seen.has(item.pool_id)) {
      throw new ServiceError(
        'listed_twice',
        `${where}.pool_id: the list names pool ${item.pool_id} twice`,
        `${where}.pool_id`,
        { value: item.pool_id },
      );
    }
    seen.add(item.pool_id);
    return item;
  });
}

async function poolOf(id: number, field: string, context: RequestContext, bus: Bus): Promise<Pool> {
  try {
    return await bus.call(inventory.getPool, { id }, context);
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'not_found') throw error;
    throw noSuch('pool', id, `${field}: pool ${id} does not exist`, field);
  }
}

/** The pools exist, and the steps that are waited for are in their templates. */
async function checkDependencies(
  pool: Pool,
  { type, dependItems }: Definition,
  context: RequestContext,
  bus: Bus,
): Promise<void> {
  const kind = type === 'expand' ? 'expand' : 'deploy';
  for (const [index, { pool_id, step_name }] of dependItems.entries()) {
    const where = `depend_items.${index}`;
    const { name, tasks } = await poolOf(pool_id, `${where}.pool_id`, context, bus);
    const template = tasks[kind];
    if (!template) {
      throw new ServiceError(
        'invalid',
        `${where}: pool ${show(name)}, on which ${show(pool.name)} is to depend, has no template to ${kind}`,
        `${where}.pool_id`,
        { data: { pool: name, kind } },
      );
    }
    const { steps } = await bus.call(catalog.getTemplate, { id: template }, context);
    if (steps.some((step) => step.name === step_name)) continue;
    throw new ServiceError(
      'no_such_step',
      `${where}.step_name: the template to ${kind} pool ${show(name)} has no step ${show(step_name)}`,
      `${where}.step_name`,
      { value: step_name, data: { pool: name, kind } },
    );
  }
}

/** @throws ServiceError `conflict` when the dependencies of all scheduled tasks together make no sense. */
export async function checkAgainstOthers(trx: Transaction<Tables>, definition: Definition): Promise<void> {
  const { pool, type, cronItems, dependItems } = definition;
  const others = (await itemsOfAll(trx)).filter((other) => other.pool !== pool || other.type !== type);
  const dependsOn = dependItems.map((item) => item.pool_id);
  const all: PoolItems[] = [...others, { pool, hasCron: cronItems.length > 0, dependsOn }];
  const conflict = conflictOf(all, pool);
  if (conflict) throw new ServiceError('dependency_circle', conflict, 'depend_items');
}
