import { Type } from 'typebox';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { failure } from '../failures.js';
import { idOf, READ_BY_POST, STORE_LOST } from './common.js';
import { notAvailable } from './not-available.js';

const Items = Type.Array(Type.Record(Type.String(), Type.Unknown()));
const Schedule = Type.Object({
  id: Type.Integer(),
  pool: Type.Object({}),
  pool_id: Type.Integer(),
  cron_items: Items,
  depend_items: Items,
  type: Type.String({ description: 'expand or upload' }),
  exec_type: Type.String({ description: 'crontab or depend' }),
});

/** Clients print alternatives as one value (`expand/upload`), with blanks around: the first one is meant. */
const firstOf = (...alternatives: string[]): string => `^\\s*(${alternatives.join('|')})\\s*(/.*)?$`;

function listEndpoint(id: string, type: 'expand' | 'upload', path: string): Endpoint {
  return defineEndpoint({
    id,
    title: `Scheduled ${type} tasks of a pool`,
    notes: 'Not available in this version.',
    methods: READ_BY_POST,
    paths: [`${path}/:poolId`],
    access: 'read',
    params: Type.Object({ poolId: idOf('pool') }),
    failures: { otherwise: failure(400, 'Bad pool id...', {}) },
    result: Type.Array(Schedule),
    example: [],
    handler: async () => notAvailable(path.slice(1)),
  });
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
      cron_itmes: Items,
      depend_itmes: Items,
      type: Type.String({ pattern: firstOf('expand', 'upload', 'deploy'), description: 'expand or upload.' }),
      exec_type: Type.String({ pattern: firstOf('crontab', 'depend'), description: 'crontab or depend.' }),
    }),
    spellings: { cron_itmes: ['cron_items'], depend_itmes: ['depend_items'] },
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: Type.Literal(true),
    example: true,
    handler: async () => notAvailable('task/saveTask'),
  }),
];
