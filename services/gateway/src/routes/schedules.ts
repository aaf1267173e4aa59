import {
  CronItem,
  CronItemInput,
  DependItem,
  DependItemInput,
  Id,
  inventory,
  Occurrence,
  type Pool,
  type Schedule,
  ServiceError,
  schedules as scheduler,
} from '@rigel/contracts';
import { type Static, Type } from 'typebox';
import { done, listed } from '../answer/envelope.js';
import type { TimeFormat } from '../answer/time-format.js';
import { defineEndpoint, type Endpoint, type Invocation } from '../endpoint.js';
import { exactFailure, failure } from '../failures.js';
import { idOf, READ_BY_GET, READ_BY_POST, STORE_LOST } from './common.js';
import { PoolRow, toPoolRow } from './pool-rows.js';

const cron = CronItemInput.properties;
const depend = DependItemInput.properties;

/** A field that only the other type uses may be left out. */
export const CronItemParam = Type.Object({
  week_day: Type.Optional(cron.week_day),
  time: Type.String({ description: 'HH:mm or HH:mm:ss.' }),
  instance_num: Type.Optional(cron.instance_num),
  concurr_ratio: Type.Optional(cron.concurr_ratio),
  concurr_num: Type.Optional(cron.concurr_num),
  ignore: Type.Optional(cron.ignore),
});
export const DependItemParam = Type.Object({
  pool_id: depend.pool_id,
  ratio: Type.Optional(depend.ratio),
  elastic_count: Type.Optional(depend.elastic_count),
  step_name: depend.step_name,
  ignore: Type.Optional(depend.ignore),
});

/** A pool as `pool.info` shows it; without any field when it was deleted. */
const PoolOrNone = Type.Union([PoolRow, Type.Object({}, { additionalProperties: false })]);
export const ScheduleRow = Type.Object({
  id: Id,
  pool: PoolOrNone,
  pool_id: Id,
  cron_items: Type.Array(CronItem),
  depend_items: Type.Array(Type.Object({ ...DependItem.properties, pool: PoolOrNone })),
  type: Type.String({ description: 'expand or upload' }),
  exec_type: Type.String({ description: 'crontab or depend' }),
  time_zone: Type.String({ description: 'IANA time zone; empty: that of the deployment.' }),
  version: Type.Optional(Type.Integer({ description: 'For if_version of the next save.' })),
  updated_at: Type.Optional(Type.String({ description: 'When it was saved last (RFC 3339, UTC).' })),
  updated_by: Type.Optional(Type.String()),
});

const Time = Type.String({ description: 'In the time zone of the deployment.' });
const Moment = {
  due: Time,
  due_at: Type.String({ description: 'The same in UTC (RFC 3339).' }),
  item: CronItem,
};
export const OccurrenceRow = Type.Object({
  ...Moment,
  cause: Occurrence.properties.cause,
  outcome: Occurrence.properties.outcome,
  reason: Type.String(),
  task_ids: Type.Array(Id),
  updated: Time,
});

/** Clients send alternatives as one value (`expand/upload`), with blanks around: the first one counts. */
const firstOf = (...alternatives: string[]): string => `^\\s*(${alternatives.join('|')})\\s*(/.*)?$`;
const first = (value: string): string => value.split('/')[0]?.trim() ?? '';

/** A pool that may have been deleted since. */
async function poolOrNone(id: number, call: Invocation['call']): Promise<Static<typeof PoolOrNone>> {
  try {
    return toPoolRow(await call(inventory.getPool, { id }));
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'not_found') return {};
    throw error;
  }
}

async function toRow({ updated_at, ...schedule }: Schedule, pool: Pool, { call, times }: Invocation) {
  const depends = schedule.depend_items.map(async (item) => ({
    ...item,
    pool: await poolOrNone(item.pool_id, call),
  }));
  return {
    ...schedule,
    ...(updated_at === undefined ? {} : { updated_at: times.rfc3339(updated_at) }),
    pool: toPoolRow(pool),
    depend_items: await Promise.all(depends),
  };
}

function toMoment({ due, item }: { due: number; item: CronItem }, times: TimeFormat) {
  return { due: times.local(due), due_at: times.rfc3339(due), item };
}

function listEndpoint(id: string, type: 'expand' | 'upload', path: string): Endpoint {
  return defineEndpoint({
    id,
    title: `Scheduled ${type} tasks of a pool`,
    notes: 'An array of at most one. A request with a parameter action gets the task itself, or null.',
    methods: READ_BY_POST,
    paths: [`${path}/:poolId`],
    access: 'read',
    params: Type.Object({
      poolId: idOf('pool'),
      action: Type.Optional(Type.String({ description: 'Any value: answer one task instead of an array.' })),
    }),
    failures: { otherwise: failure(400, 'Bad pool id...', {}) },
    result: Type.Union([Type.Array(ScheduleRow), ScheduleRow, Type.Null()]),
    example: [],
    handler: async ({ poolId, action }, invocation) => {
      const { call } = invocation;
      const pool = await call(inventory.getPool, { id: poolId });
      const { schedule } = await call(scheduler.find, { pool_id: poolId, type });
      const row = schedule && (await toRow(schedule, pool, invocation));
      if (action !== undefined) return done(row);
      return done(row ? [row] : []);
    },
  });
}

function cronItem(given: Static<typeof CronItemParam>, index: number, type: string): CronItemInput {
  if (type === 'expand' && given.instance_num === undefined) {
    throw new ServiceError('missing', `cron_items.${index}.instance_num is missing`, 'cron_items');
  }
  return {
    week_day: given.week_day ?? 0,
    time: given.time,
    instance_num: given.instance_num ?? 0,
    concurr_ratio: given.concurr_ratio ?? 100,
    concurr_num: given.concurr_num ?? 0,
    ignore: given.ignore ?? false,
  };
}

function dependItem(given: Static<typeof DependItemParam>): DependItemInput {
  const { pool_id, ratio = 1, step_name, elastic_count = 0, ignore = false } = given;
  return { pool_id, ratio, step_name, elastic_count, ignore };
}

/** The parameters of a save, and of its preview. */
export const definitionParams = {
  id: Type.Integer({
    minimum: 0,
    description: 'Scheduled task to replace, 0 = the one of the type, or a new one.',
  }),
  pool_id: idOf('pool'),
  cron_itmes: Type.Array(CronItemParam, {
    description: 'week_day: 0 = every day, 1 = Sunday … 7 = Saturday.',
  }),
  depend_itmes: Type.Array(DependItemParam, {
    description: 'Pools that follow with ceil(nodes * ratio) + elastic_count nodes of their own.',
  }),
  type: Type.String({ pattern: firstOf('expand', 'upload', 'deploy'), description: 'expand or upload.' }),
  exec_type: Type.String({ pattern: firstOf('crontab', 'depend'), description: 'crontab or depend.' }),
  time_zone: Type.Optional(
    Type.String({ description: 'IANA time zone of the times; absent or empty: that of the deployment.' }),
  ),
};

const Definition = Type.Object(definitionParams);

/** A scheduled task of a request, as the scheduler takes it. @throws ServiceError `invalid` */
export function definitionOf(input: Static<typeof Definition>) {
  const type = first(input.type) === 'expand' ? ('expand' as const) : ('upload' as const);
  return {
    id: input.id,
    pool_id: input.pool_id,
    type,
    exec_type: first(input.exec_type) === 'depend' ? ('depend' as const) : ('crontab' as const),
    time_zone: input.time_zone ?? '',
    cron_items: input.cron_itmes.map((item, index) => cronItem(item, index, type)),
    depend_items: input.depend_itmes.map(dependItem),
  };
}

export const schedules: Endpoint[] = [
  listEndpoint('task.expand_list', 'expand', '/task/expandList'),
  listEndpoint('task.upload_list', 'upload', '/task/uploadList'),
  defineEndpoint({
    id: 'task.save_task',
    title: 'Save a scheduled task',
    notes:
      'A pool has at most one of each type; saving replaces its items whole. An expand item sets how many nodes the pool ' +
      'has that schedules made; the one in force is applied at once. An upload item deploys the docker_image of the ' +
      'pool’s service.',
    methods: ['POST'],
    paths: ['/task/saveTask'],
    access: 'write',
    role: 'operator',
    params: Type.Object({
      ...definitionParams,
      if_version: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 2_147_483_647,
          description:
            'The version that the client has seen; 0: there is none. Refused when somebody has saved since.',
        }),
      ),
    }),
    spellings: { cron_itmes: ['cron_items'], depend_itmes: ['depend_items'] },
    key: 'kept',
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: Type.Literal(true),
    example: true,
    handler: async (input, { call, operator }) => {
      await call(scheduler.save, {
        ...definitionOf(input),
        opr_user: operator,
        ...(input.if_version === undefined ? {} : { if_version: input.if_version }),
      });
      return done(true);
    },
  }),
  defineEndpoint({
    id: 'schedule.occurrences',
    title: 'What became of the moments of a scheduled task',
    notes:
      'Newest first. outcome: waiting or firing (not the end yet, reason: what it waits for), fired, caught_up (later than due), nothing_to_do, or ' +
      'skipped with its reason. cause: due, saved or restarted (the item in force was applied). next: the next ten.',
    methods: READ_BY_GET,
    paths: ['/schedule/:id/occurrences'],
    access: 'read',
    paged: true,
    params: Type.Object({ id: idOf('scheduled task') }),
    failures: {
      otherwise: failure(400, STORE_LOST, {}),
      not_found: exactFailure(404, 'schedule not found', {}),
    },
    result: Type.Object({
      occurrences: Type.Array(OccurrenceRow),
      next: Type.Array(Type.Object(Moment)),
    }),
    example: { occurrences: [], next: [] },
    handler: async ({ id }, { page, call, times }) => {
      const { rows, total, next } = await call(scheduler.occurrences, { id, ...page });
      const occurrences = rows.map((row) => ({
        ...row,
        ...toMoment(row, times),
        updated: times.local(row.updated),
      }));
      const answer = listed(page, { total, rows: [] });
      return { ...answer, data: { occurrences, next: next.map((moment) => toMoment(moment, times)) } };
    },
  }),
];
