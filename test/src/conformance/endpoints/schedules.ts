import type { EndpointSpec, WrongValue } from '../endpoint.js';
import { anything, exactly, id, integer, listOf, objectWith, oneOf, rfc3339, text } from '../shape.js';
import { stepOption, type World } from '../world.js';
import { lost, refusal } from './common.js';

const badPool = refusal(400, 'Bad pool id...', {});
const sharedPool = (world: World) => world.shared('pool', () => world.pool());

function list(id_: string, path: string, type: string): EndpointSpec {
  return {
    id: id_,
    methods: ['POST', 'GET'],
    paths: [`${path}/:poolId`],
    access: 'read',
    alsoSent: { pool_id: 1 },
    valid: async (world) => ({ poolId: (await sharedPool(world)).id }),
    data: listOf(
      objectWith({
        id,
        pool: objectWith({ id }),
        pool_id: id,
        cron_items: listOf(objectWith({})),
        depend_items: listOf(objectWith({})),
        type: exactly(type),
        exec_type: oneOf('crontab', 'depend'),
      }),
    ),
    refusal: badPool,
    unknownId: badPool,
  };
}

/* With what the web console has in every item. */
const cron = (fields: object) => ({
  id: 0,
  exec_task_id: 0,
  ConcurrRatio: 0,
  ConcurrNum: 0,
  instance_num: 2,
  concurr_ratio: 100,
  concurr_num: 5,
  week_day: 1,
  time: '08:30',
  ignore: 0,
  ...fields,
});
const depend = (fields: object) => ({
  id: 0,
  exec_task_id: 0,
  pool: {},
  ratio: 1,
  elastic_count: 0,
  step_name: '',
  ignore: 0,
  ...fields,
});
const withCron = (what: string, fields: object, says: string): WrongValue => ({
  what,
  change: { cron_itmes: [cron(fields)] },
  says,
});
const withDepend = (what: string, fields: object, says: string): WrongValue => ({
  what,
  change: async (world) => ({ depend_itmes: [depend({ ...(await dependency(world)), ...fields })] }),
  says,
});

/** A pool that another one can depend on, and a step of its template for expanding. */
async function dependency(world: World): Promise<{ pool_id: number; step_name: string }> {
  const { stepName } = await world.shared('runnable', () => world.runnableTemplate());
  const template = await world.template({ steps: [{ name: 'create_vm' }, stepOption(stepName)] });
  return { pool_id: (await world.pool({ tasks: { expand: template.id } })).id, step_name: stepName };
}

/** A scheduled task that does nothing, and its pool. */
export async function savedTask(world: World): Promise<{ id: number; pool_id: number }> {
  const pool = await world.pool();
  const items = { cron_itmes: [cron({ ignore: 1 })], depend_itmes: [] };
  await world.post('/task/saveTask', {
    id: 0,
    pool_id: pool.id,
    type: 'expand',
    exec_type: 'crontab',
    ...items,
  });
  world.unschedule(pool.id);
  const [saved] = (await world.post(`/task/expandList/${pool.id}`)) as [{ id: number }];
  return { id: saved.id, pool_id: pool.id };
}

const definitionParams = {
  id: { kind: 'integer', required: true },
  pool_id: { kind: 'integer', required: true },
  cron_itmes: { kind: 'structure', required: true },
  depend_itmes: { kind: 'structure', required: true },
  type: { kind: 'text', required: true },
  exec_type: { kind: 'text', required: true },
} as const;

/** A scheduled task that deploys every night, which a pool without nodes leaves with nothing to do. */
async function plannedTask(world: World): Promise<{ id: number; pool_id: number }> {
  const { id: pool_id } = await world.pool();
  const cron_itmes = [cron({ week_day: 0, time: '03:00' })];
  const body = { id: 0, pool_id, type: 'upload', exec_type: 'crontab', cron_itmes, depend_itmes: [] };
  await world.post('/task/saveTask', body);
  world.unschedule(pool_id, 'upload');
  const [saved] = (await world.post(`/task/uploadList/${pool_id}`)) as [{ id: number }];
  return { id: saved.id, pool_id };
}

const DAY_MS = 86_400_000;
const timeIn = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString();
const weekAhead = () => ({ from: timeIn(1), to: timeIn(8) });
/** A time ahead at which no item is due: not a whole second. */
const noMoment = (): string => `${timeIn(2).slice(0, 19)}.500Z`;

const said = refusal(400, '', {});
const unknownSchedule = refusal(404, 'schedule not found', {});
const rangeOfRows: WrongValue[] = [
  { what: 'no rows', change: { limit: 0 }, says: 'limit' },
  { what: 'more rows than there may be', change: { limit: 1_001 }, says: 'limit' },
  { what: 'a cursor that was never answered', change: { cursor: 'nowhere' }, says: 'cursor' },
];
const WRONG_RANGES: WrongValue[] = [
  { what: 'a beginning that is no time', change: { from: 'yesterday' }, says: 'from' },
  { what: 'an end before the beginning', change: { to: '2020-01-01T00:00:00Z' }, says: 'to' },
  { what: 'a range of more than 100 days', change: { to: '2999-01-01T00:00:00Z' }, says: '100 days' },
];
const calendarRow = objectWith({
  schedule_id: id,
  pool_id: id,
  pool_name: text,
  due_at: rfc3339,
  outcome: text,
  item: objectWith({ id }),
});

const moment = { due: text, due_at: text, item: objectWith({ id }) };

export const schedules: EndpointSpec[] = [
  {
    id: 'schedule.occurrences',
    methods: ['GET', 'POST'],
    paths: ['/schedule/:id/occurrences'],
    access: 'read',
    valid: async (world) => ({ id: (await world.shared('saved task', () => savedTask(world))).id }),
    data: objectWith({
      occurrences: listOf(objectWith({ ...moment, outcome: text, reason: text, updated: text })),
      next: listOf(objectWith(moment)),
    }),
    pagingBeside: ['GET', 'POST'],
    refusal: lost.object,
    unknownId: unknownSchedule,
  },
  {
    id: 'schedule.list',
    methods: ['GET'],
    paths: ['/schedule/list'],
    access: 'read',
    params: { pool_id: { kind: 'integer' } },
    valid: async (world) => ({ pool_id: (await world.shared('saved task', () => savedTask(world))).pool_id }),
    data: objectWith({
      rows: listOf(
        objectWith({
          id,
          pool_id: id,
          pool_name: text,
          zone: text,
          version: id,
          updated_at: rfc3339,
          updated_by: text,
          state: oneOf('idle', 'waiting', 'firing', 'never'),
          left_out: listOf(objectWith({})),
          example: listOf(objectWith({ pool_id: id, nodes: integer }), 1),
        }),
        1,
      ),
      next: anything,
    }),
    refusal: said,
    wrong: rangeOfRows,
  },
  {
    id: 'schedule.calendar',
    methods: ['GET'],
    paths: ['/schedule/calendar'],
    access: 'read',
    params: {
      pool_id: { kind: 'integer' },
      type: { kind: 'text' },
    },
    valid: async (world) => ({
      pool_id: (await world.shared('planned task', () => plannedTask(world))).pool_id,
      ...weekAhead(),
    }),
    data: objectWith({ rows: listOf(calendarRow, 7), next: anything }),
    refusal: said,
    wrong: [
      ...rangeOfRows,
      ...WRONG_RANGES,
      { what: 'a type that there is not', change: { type: 'shrink' }, says: 'type' },
    ],
  },
  {
    id: 'schedule.ledger',
    methods: ['GET'],
    paths: ['/schedule/:id/ledger'],
    access: 'read',
    valid: async (world) => ({
      id: (await world.shared('planned task', () => plannedTask(world))).id,
      from: '2026-01-01T00:00:00Z',
      to: '2026-02-01T00:00:00Z',
    }),
    data: objectWith({
      from_at: rfc3339,
      to_at: rfc3339,
      sum: objectWith({ moments: integer, fired: integer, not_noticed: integer, balanced: exactly(true) }),
      differences: exactly([]),
      difference_count: exactly(0),
      rows: listOf(calendarRow),
      next: anything,
    }),
    refusal: said,
    unknownId: unknownSchedule,
    wrong: [...rangeOfRows, ...WRONG_RANGES],
  },
  {
    id: 'schedule.ignore_next',
    methods: ['POST'],
    paths: ['/schedule/:id/ignore_next'],
    access: 'write',
    params: { undo: { kind: 'flag' } },
    valid: async (world) => ({ id: (await plannedTask(world)).id }),
    data: objectWith({ due_at: rfc3339, left_out: exactly(true) }),
    refusal: said,
    unknownId: unknownSchedule,
    wrong: [
      { what: 'a moment that has passed', change: { due_at: '2020-01-01T00:00:00Z' }, says: 'has passed' },
      { what: 'a moment of no item', change: { due_at: noMoment() }, says: 'no item' },
      { what: 'a moment that is no time', change: { due_at: 'noon' }, says: 'due_at' },
    ],
  },
  {
    id: 'task.save_task_preview',
    methods: ['POST'],
    paths: ['/task/saveTask/preview'],
    access: 'read',
    strict: true,
    params: definitionParams,
    spellings: { cron_itmes: 'cron_items', depend_itmes: 'depend_items' },
    valid: async (world) => ({
      id: 0,
      pool_id: (await sharedPool(world)).id,
      cron_itmes: [cron({ week_day: 0, time: '02:30' })],
      depend_itmes: [],
      type: 'expand',
      exec_type: 'crontab',
      time_zone: 'Europe/Berlin',
    }),
    data: objectWith({
      version: exactly(null),
      zone: text,
      moments: listOf(objectWith({ due_at: rfc3339, item: objectWith({}) }), 20),
      at_saving: objectWith({
        pools: listOf(
          objectWith({ pool_id: id, nodes: integer, target: exactly(2), missing: exactly(2) }),
          1,
        ),
      }),
      overlaps: exactly([]),
      clock_changes: listOf(
        objectWith({ at: rfc3339, moments: listOf(objectWith({ due_at: rfc3339 }), 1) }),
        2,
      ),
      differences: objectWith({ cron_items: listOf(objectWith({ before: exactly(null) }), 1) }),
    }),
    refusal: said,
    wrong: [
      { what: 'a pool that does not exist', change: { pool_id: 2_147_483_008 }, says: '2147483008' },
      { what: 'a type that there is not', change: { type: 'shrink' }, says: 'must be expand or upload' },
      { what: 'a zone that there is not', change: { time_zone: 'Mars/North' }, says: 'Mars/North' },
      withCron('a time that there is not', { time: '24:00' }, 'time'),
    ],
  },
  list('task.expand_list', '/task/expandList', 'expand'),
  list('task.upload_list', '/task/uploadList', 'upload'),
  {
    id: 'task.save_task',
    methods: ['POST'],
    paths: ['/task/saveTask'],
    access: 'write',
    key: 'kept',
    params: definitionParams,
    spellings: { cron_itmes: 'cron_items', depend_itmes: 'depend_items' },
    valid: async (world) => {
      const { id: pool_id } = await world.pool();
      const other = await dependency(world);
      world.unschedule(pool_id);
      return {
        id: 0,
        pool_id,
        cron_itmes: [cron({ ignore: 1 }), cron({ week_day: 0, time: '23:59:59', ignore: true })],
        depend_itmes: [depend({ ...other, ratio: 0.5, ignore: true })],
        type: 'expand',
        exec_type: 'crontab',
      };
    },
    data: exactly(true),
    refusal: lost.object,
    wrong: [
      {
        what: 'a version that it does not have',
        change: { if_version: 7 },
        refusal: refusal(409, 'if_version is 7', {}),
      },
      { what: 'a pool that does not exist', change: { pool_id: 2_147_483_008 }, says: '2147483008' },
      { what: 'a scheduled task that does not exist', change: { id: 2_147_483_009 }, says: '2147483009' },
      { what: 'a negative id', change: { id: -1 } },
      { what: 'a type that there is not', change: { type: 'shrink' }, says: 'must be expand or upload' },
      { what: 'a way to run that there is not', change: { exec_type: 'never' } },
      { what: 'cron items that are text', change: { cron_itmes: 'x' }, says: 'cron' },
      { what: 'a cron item that is text', change: { cron_itmes: ['x'] }, says: 'cron' },
      withCron('a field that is not known', { weekday: 1 }, 'nearest known name is week_day'),
      withCron('a time that there is not', { time: '24:00' }, 'time'),
      withCron('a time in words', { time: 'noon' }, 'time'),
      withCron('no time', { time: null }, 'time'),
      withCron('an eighth day of the week', { week_day: 8 }, 'week_day'),
      withCron('a negative day of the week', { week_day: -1 }, 'week_day'),
      withCron('more than 200 machines', { instance_num: 201 }, 'instance_num'),
      withCron('less than no machines', { instance_num: -1 }, 'instance_num'),
      withCron('a ratio over 100 percent', { concurr_ratio: 101 }, 'concurr_ratio'),
      withCron('ignore that is neither yes nor no', { ignore: 2 }, 'ignore'),
      {
        what: 'the same time twice',
        change: { cron_itmes: [cron({}), cron({ time: '08:30:00', instance_num: 3 })] },
        says: '08:30',
      },
      { what: 'depend items that are text', change: { depend_itmes: 'x' }, says: 'depend' },
      withDepend('a pool to depend on that does not exist', { pool_id: 2_147_483_010 }, '2147483010'),
      withDepend('a dependency with a field that is not known', { ratoi: 1 }, 'nearest known name is ratio'),
      withDepend('a negative ratio', { ratio: -1 }, 'ratio'),
      withDepend('a negative number of spare machines', { elastic_count: -1 }, 'elastic_count'),
      withDepend('a step that its template does not have', { step_name: 'conf-nowhere' }, 'conf-nowhere'),
      {
        what: 'a pool that depends on itself',
        change: async (world) => {
          const { pool_id, step_name } = await dependency(world);
          return { pool_id, depend_itmes: [depend({ pool_id, step_name })] };
        },
        says: 'itself',
      },
      {
        what: 'the same pool twice',
        change: async (world) => {
          const item = depend(await dependency(world));
          return { depend_itmes: [item, item] };
        },
        says: 'twice',
      },
    ],
  },
];
