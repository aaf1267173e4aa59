import type { EndpointSpec } from '../endpoint.js';
import { both, exactly, flag, id, listOf, objectWith } from '../shape.js';
import type { World } from '../world.js';
import {
  changedMeanwhile,
  exactRefusal,
  lost,
  parseFailed,
  poolRow,
  READ,
  refusal,
  storeFailed,
  TEXT_WRONG,
} from './common.js';
import { savedTask } from './schedules.js';

const updateFailed = refusal(400, '参数解析错误', []);
const missing = refusal(400, 'data not found', []);
const params = {
  name: { kind: 'name', required: true },
  desc: { kind: 'text', required: true },
  vm_type: { kind: 'integer', required: true },
  sd_id: { kind: 'integer', required: true },
  service_id: { kind: 'integer', required: true },
  labels: { kind: 'structure' },
} as const;
const wrong = [
  ...TEXT_WRONG,
  { what: 'labels that are a list', change: { labels: ['a'] } },
  { what: 'a wrong key of a label', change: { labels: { 'a b': '' } }, says: 'a b is no key' },
  { what: 'a VM template that is no number', change: { vm_type: 'large' } },
  { what: 'a negative VM template', change: { vm_type: -1 }, says: 'vm_type' },
  { what: 'a fraction', change: { sd_id: 1.5 } },
  { what: 'tasks that are a list', change: { tasks: [1] } },
  { what: 'tasks of another kind', change: { tasks: { shrinks: 1 } }, says: 'nearest known name is shrink' },
  {
    what: 'a template that was deleted',
    change: async (world: World) => {
      const template = await world.template();
      await world.post(`/task_tpl/delete/${template.id}`);
      return { tasks: { deploy: template.id } };
    },
    says: 'was deleted',
  },
  { what: 'a task that is no number', change: { tasks: { expand: 'x' } } },
];

export const pools: EndpointSpec[] = [
  {
    id: 'pool.create',
    methods: ['POST', 'GET'],
    paths: ['/pool/create'],
    access: 'write',
    key: 'kept',
    params,
    valid: async (world) => ({
      name: world.name('pool'),
      desc: 'web服务池',
      vm_type: 1,
      sd_id: 1,
      service_id: (await world.shared('service', () => world.service())).id,
    }),
    data: objectWith({ id }),
    refusal: parseFailed,
    wrong: [
      ...wrong,
      { what: 'a service that does not exist', change: { service_id: 2_147_483_002 } },
      { what: 'a name that is taken', change: async (world) => ({ name: (await world.pool()).name }) },
    ],
  },
  {
    id: 'pool.delete',
    methods: ['DELETE', 'POST'],
    paths: ['/pool/delete/:id'],
    access: 'write',
    valid: async (world) => ({ id: (await world.pool()).id }),
    data: exactly({}),
    refusal: missing,
    unreadable: refusal(400, '', []),
    unknownId: missing,
    wrong: [
      changedMeanwhile,
      {
        what: 'a pool with nodes',
        change: async (world) => ({ id: (await world.node()).pool_id }),
        refusal: exactRefusal(400, 'node exists in this pool', []),
      },
      {
        what: 'a pool with a scheduled task',
        change: async (world) => ({ id: (await savedTask(world)).pool_id }),
        refusal: refusal(400, 'fail to delete pool', []),
        says: 'scheduled task',
      },
    ],
  },
  {
    id: 'pool.update',
    methods: ['POST', 'DELETE'],
    paths: ['/pool/update/:id'],
    access: 'write',
    params: {
      name: { kind: 'name' },
      desc: { kind: 'text' },
      vm_type: { kind: 'integer' },
      sd_id: { kind: 'integer' },
    },
    valid: async (world) => ({
      id: (await world.pool()).id,
      name: world.name('pool'),
      desc: 'second room',
      vm_type: 3,
      sd_id: 4,
    }),
    data: exactly({}),
    refusal: updateFailed,
    unknownId: storeFailed,
    empty: updateFailed,
    wrong: [
      changedMeanwhile,
      ...wrong,
      {
        what: 'another service',
        change: async (world) => ({ service_id: (await world.service()).id }),
        says: 'service',
      },
    ],
  },
  {
    id: 'pool.protect',
    methods: ['POST'],
    paths: ['/pool/protect/:id'],
    access: 'write',
    params: { protected: { kind: 'flag', required: true } },
    valid: async (world) => ({ id: (await world.pool()).id, protected: true }),
    data: exactly({}),
    refusal: refusal(400, '', {}),
    unknownId: refusal(404, '', {}),
    wrong: [changedMeanwhile, { what: 'a word', change: { protected: 'yes' } }],
  },
  {
    id: 'pool.info',
    methods: READ,
    paths: ['/pool/:id'],
    access: 'read',
    valid: async (world) => ({ id: (await world.shared('pool', () => world.pool())).id }),
    data: poolRow,
    refusal: refusal(404, 'db error', []),
    unknownId: exactRefusal(404, 'db error', []),
  },
  {
    id: 'pool.list',
    methods: READ,
    paths: ['/pool/list'],
    access: 'read',
    valid: async () => ({}),
    data: listOf(both(poolRow, objectWith({ is_bedepen: flag, is_hascron: flag }))),
    paged: {
      order: 'newest first',
      filter: { param: 'name', field: 'name' },
      row: async (world) => {
        const { id, name } = await world.pool();
        return { id, keyword: name };
      },
    },
    refusal: lost.list,
  },
];
