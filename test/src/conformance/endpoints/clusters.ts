import type { EndpointSpec } from '../endpoint.js';
import { exactly, id, listOf } from '../shape.js';
import {
  changedMeanwhile,
  clusterRow,
  DELETE,
  exactRefusal,
  idWrong,
  listRefused,
  lost,
  READ,
  serviceRow,
  TEXT_WRONG,
} from './common.js';

export const clusters: EndpointSpec[] = [
  {
    id: 'cluster.list',
    methods: READ,
    paths: ['/cluster/list'],
    access: 'read',
    // The documented sample of task.create is printed with this address.
    alsoSent: {
      template_id: 1,
      task_name: 'expand_nignix',
      timeout: 10,
      auto: 1,
      max_ratio: 20,
      max_num: 10,
      opr_user: 'root',
      nodes: [{ '': 'object' }],
      params: [{ '': '' }],
    },
    valid: async () => ({}),
    data: listOf(clusterRow),
    paged: {
      order: 'newest first',
      filter: { param: 'name', field: 'name' },
      row: async (world) => {
        const { id, name } = await world.cluster();
        return { id, keyword: name };
      },
    },
    refusal: lost.list,
  },
  {
    id: 'cluster.create',
    methods: ['POST'],
    paths: ['/cluster/create'],
    access: 'write',
    key: 'kept',
    params: {
      name: { kind: 'name', required: true },
      desc: { kind: 'text', required: true },
      biz: { kind: 'text' },
    },
    valid: async (world) => ({ name: world.name('cluster'), desc: 'servers', biz: '1' }),
    data: id,
    refusal: lost.object,
    wrong: [
      ...TEXT_WRONG,
      { what: 'a name that is taken', change: async (world) => ({ name: (await world.cluster()).name }) },
    ],
  },
  {
    id: 'cluster.update',
    methods: ['POST'],
    paths: ['/cluster/update/:id'],
    access: 'write',
    params: {
      name: { kind: 'name', required: true },
      desc: { kind: 'text' },
      biz: { kind: 'text' },
    },
    valid: async (world) => ({
      id: (await world.cluster()).id,
      name: world.name('cluster'),
      desc: 'other servers',
      biz: '2',
    }),
    data: exactly(''),
    refusal: lost.nothing,
    unknownId: lost.nothing,
    empty: lost.nothing,
    wrong: [
      changedMeanwhile,
      ...TEXT_WRONG,
      { what: 'a name that is taken', change: async (world) => ({ name: (await world.cluster()).name }) },
    ],
  },
  {
    id: 'cluster.delete',
    methods: DELETE,
    paths: ['/cluster/delete/:id'],
    access: 'write',
    valid: async (world) => ({ id: (await world.cluster()).id }),
    data: exactly(''),
    refusal: lost.nothing,
    unknownId: lost.nothing,
    wrong: [
      changedMeanwhile,
      {
        what: 'a cluster with services',
        change: async (world) => ({ id: (await world.service()).cluster_id }),
        says: 'services',
      },
    ],
  },
  {
    id: 'cluster.info',
    methods: ['POST', 'GET'],
    paths: ['/cluster/:id'],
    access: 'read',
    valid: async (world) => ({ id: (await world.shared('cluster', () => world.cluster())).id }),
    data: clusterRow,
    refusal: idWrong,
    unknownId: exactRefusal(404, 'cluster in db not found', {}),
  },
  {
    id: 'cluster.list_services',
    methods: ['POST', 'GET'],
    paths: ['/cluster/:id/list_services'],
    access: 'read',
    alsoSent: { cluster_id: '1' },
    valid: async (world) => ({ id: (await world.shared('cluster', () => world.cluster())).id }),
    data: listOf(serviceRow),
    paged: {
      order: 'oldest first',
      filter: { param: 'name', field: 'name' },
      row: async (world, params) => {
        const { id, name } = await world.service({ cluster_id: Number(params.id) });
        return { id, keyword: name };
      },
    },
    refusal: listRefused,
    unknownId: listRefused,
  },
];
