import type { EndpointSpec, WrongValue } from '../endpoint.js';
import { exactly, id, listOf, objectWith, oneOf, text } from '../shape.js';
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
    unknownId: refusal(404, 'schedule not found', {}),
  },
  list('task.expand_list', '/task/expandList', 'expand'),
  list('task.upload_list', '/task/uploadList', 'upload'),
  {
    id: 'task.save_task',
    methods: ['POST'],
    paths: ['/task/saveTask'],
    access: 'write',
    key: 'kept',
    params: {
      id: { kind: 'integer', required: true },
      pool_id: { kind: 'integer', required: true },
      cron_itmes: { kind: 'structure', required: true },
      depend_itmes: { kind: 'structure', required: true },
      type: { kind: 'text', required: true },
      exec_type: { kind: 'text', required: true },
    },
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
