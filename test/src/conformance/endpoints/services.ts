import type { EndpointSpec } from '../endpoint.js';
import { exactly, id, listOf, objectWith } from '../shape.js';
import {
  changedMeanwhile,
  exactRefusal,
  listRefused,
  parseFailed,
  poolRow,
  READ,
  refusal,
  serviceRow,
  storeFailed,
  TEXT_WRONG,
} from './common.js';

const idError = refusal(400, 'id is error', []);
const wrong = [
  ...TEXT_WRONG,
  { what: 'a cluster that does not exist', change: { cluster_id: 2_147_483_001 } },
  { what: 'a cluster id that is no number', change: { cluster_id: 'first' } },
  { what: 'a type that is a list', change: { service_type: [] } },
];

export const services: EndpointSpec[] = [
  {
    id: 'service.create',
    methods: ['POST', 'GET'],
    paths: ['/service/create'],
    access: 'write',
    key: 'kept',
    params: {
      name: { kind: 'name', required: true },
      desc: { kind: 'text', required: true },
      service_type: { kind: 'text', required: true },
      docker_image: { kind: 'text', required: true },
      cluster_id: { kind: 'integer', required: true },
    },
    valid: async (world) => ({
      name: world.name('service'),
      desc: 'web服务',
      service_type: 'Java',
      docker_image: 'myregistry/myweb:1.0',
      cluster_id: (await world.shared('cluster', () => world.cluster())).id,
    }),
    data: objectWith({ id }),
    refusal: parseFailed,
    wrong: [
      ...wrong,
      { what: 'a name that is taken', change: async (world) => ({ name: (await world.service()).name }) },
    ],
  },
  {
    id: 'service.update',
    methods: ['POST'],
    paths: ['/service/update/:id'],
    access: 'write',
    params: {
      name: { kind: 'name' },
      desc: { kind: 'text' },
      service_type: { kind: 'text' },
      docker_image: { kind: 'text' },
      cluster_id: { kind: 'integer' },
    },
    valid: async (world) => {
      const { id, cluster_id } = await world.service();
      return {
        id,
        name: world.name('service'),
        desc: '',
        service_type: 'Go',
        docker_image: '-',
        cluster_id,
      };
    },
    data: exactly(''),
    refusal: parseFailed,
    unknownId: storeFailed,
    empty: parseFailed,
    wrong: [...wrong, changedMeanwhile],
  },
  {
    id: 'service.delete',
    methods: ['DELETE', 'POST'],
    paths: ['/service/delete/:id'],
    access: 'write',
    valid: async (world) => ({ id: (await world.service()).id }),
    data: exactly({}),
    refusal: idError,
    unknownId: storeFailed,
    wrong: [
      changedMeanwhile,
      {
        what: 'a service with pools',
        change: async (world) => ({ id: (await world.pool()).service_id }),
        refusal: refusal(400, '', []),
        says: 'pools',
      },
    ],
  },
  {
    id: 'service.info',
    methods: READ,
    paths: ['/service/:id'],
    access: 'read',
    valid: async (world) => ({ id: (await world.shared('service', () => world.service())).id }),
    data: serviceRow,
    refusal: refusal(400, 'id is error !', []),
    unknownId: exactRefusal(404, 'db error', []),
  },
  {
    id: 'service.list_pools',
    methods: ['POST', 'GET'],
    paths: ['/service/:id/list_pools'],
    access: 'read',
    alsoSent: { service_id: '1' },
    valid: async (world) => ({ id: (await world.shared('service', () => world.service())).id }),
    data: listOf(poolRow),
    paged: {
      order: 'oldest first',
      filter: { param: 'name', field: 'name' },
      row: async (world, params) => {
        const { id, name } = await world.pool({ service_id: Number(params.id) });
        return { id, keyword: name };
      },
    },
    refusal: listRefused,
    unknownId: listRefused,
  },
];
