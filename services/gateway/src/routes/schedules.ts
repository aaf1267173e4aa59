import { inventory, Pool, ServiceError, show } from '@rigel/contracts';
import { Type } from 'typebox';
import { defineEndpoint, type Endpoint, type Invocation } from '../endpoint.js';
import { done } from '../envelope.js';
import { failure } from '../failures.js';
import { CronItem, checkCronItems, checkDependItems, DependItem } from '../request/schedule-items.js';
import { idOf, READ_BY_POST, STORE_LOST } from './common.js';
import { notAvailable } from './not-available.js';
import { type PoolOperation, poolAndTemplate } from './operation-template.js';

const Schedule = Type.Object({
  id: Type.Integer(),
  pool: Pool,
  pool_id: Type.Integer(),
  cron_items: Type.Array(CronItem),
  depend_items: Type.Array(DependItem),
  type: Type.String({ description: 'expand or upload' }),
  exec_type: Type.String({ description: 'crontab or depend' }),
});

/** Clients print alternatives as one value (`expand/upload`), with blanks around: the first one is meant. */
const firstOf = (...alternatives: string[]): string => `^\\s*(${alternatives.join('|')})\\s*(/.*)?$`;

function listEndpoint(id: string, type: 'expand' | 'upload', path: string): Endpoint {
  return defineEndpoint({
    id,
    title: `Scheduled ${type} tasks of a pool`,
    notes:
      'One at most. A request with a parameter named action gets it without the array, or null. None can be saved in this ' +
      'version.',
    methods: READ_BY_POST,
    paths: [`${path}/:poolId`],
    access: 'read',
    params: Type.Object({
      poolId: idOf('pool'),
      action: Type.Optional(Type.String({ description: 'Any text: the answer is no array.' })),
    }),
    failures: { otherwise: failure(400, 'Bad pool id...', {}) },
    result: Type.Union([Type.Array(Schedule), Schedule, Type.Null()]),
    example: [],
    handler: async ({ poolId, action }, { call }) => {
      await call(inventory.getPool, { id: poolId });
      // No pool can have scheduled tasks as long as none can be saved.
      return done(action === undefined ? [] : null);
    },
  });
}

/** @throws ServiceError when a step is not in the template of the pool that is depended on. */
async function assertDependencies(
  items: readonly DependItem[],
  operation: PoolOperation,
  invocation: Invocation,
): Promise<void> {
  for (const { pool_id, step_name } of items) {
    const { pool, template } = await poolAndTemplate(pool_id, operation, invocation);
    if (!template.steps.some(({ name }) => name === step_name.trim())) {
      throw new ServiceError(
        'invalid',
        `the template for ${operation} of pool ${show(pool.name)} has no step ${show(step_name)}`,
        'depend_itmes',
      );
    }
  }
}

export const schedules: Endpoint[] = [
  listEndpoint('task.expand_list', 'expand', '/task/expandList'),
  listEndpoint('task.upload_list', 'upload', '/task/uploadList'),
  defineEndpoint({
    id: 'task.save_task',
    title: 'Save a scheduled task',
    notes: 'Not available in this version.',
    methods: ['POST'],
    paths: ['/task/saveTask'],
    access: 'write',
    params: Type.Object({
      id: Type.Integer({ minimum: 0, description: 'Scheduled task to replace, 0 = a new one.' }),
      pool_id: idOf('pool'),
      cron_itmes: Type.Array(CronItem),
      depend_itmes: Type.Array(DependItem),
      type: Type.String({ pattern: firstOf('expand', 'upload', 'deploy'), description: 'expand or upload.' }),
      exec_type: Type.String({ pattern: firstOf('crontab', 'depend'), description: 'crontab or depend.' }),
    }),
    spellings: { cron_itmes: ['cron_items'], depend_itmes: ['depend_items'] },
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: Type.Literal(true),
    example: true,
    handler: async ({ id, pool_id, cron_itmes, depend_itmes, type }, invocation) => {
      checkCronItems(cron_itmes);
      checkDependItems(pool_id, depend_itmes);
      await invocation.call(inventory.getPool, { id: pool_id });
      if (id !== 0) throw new ServiceError('not_found', `scheduled task ${id} does not exist`, 'id');
      const operation = type.trim().startsWith('expand') ? 'expand' : 'deploy';
      await assertDependencies(depend_itmes, operation, invocation);
      return notAvailable('task/saveTask');
    },
  }),
];
