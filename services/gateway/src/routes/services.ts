import { FleetService, inventory } from '@rigel/contracts';
import { Type } from 'typebox';
import { done, listed } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { exactFailure, failure } from '../failures.js';
import {
  DELETE_BY_DELETE,
  Desc,
  EmptyObject,
  EmptyText,
  filter,
  filterOf,
  idOf,
  Name,
  NewId,
  PARSE_FAILED,
  READ_BY_GET,
  READ_BY_POST,
  REFUSED,
  STORE_FAILED,
} from './common.js';
import { examplePool, PoolRow, toPoolRow } from './pool-rows.js';
import { exampleStamp, IfVersion, ManagedBy, managedRow, withStampRow } from './stamps.js';

export const ServiceRow = Type.Object({ ...FleetService.properties, ...managedRow });

const fields = {
  name: Name,
  desc: Desc,
  service_type: Type.String({ description: 'Kind of service, for example Java.' }),
  docker_image: Type.String({ description: 'Image reference; - means none.' }),
  cluster_id: idOf('cluster that the service belongs to'),
};

export const services: Endpoint[] = [
  defineEndpoint({
    id: 'service.create',
    title: 'Create a service',
    methods: ['POST', 'GET'],
    paths: ['/service/create'],
    access: 'write',
    role: 'operator',
    getNeedsBody: true,
    params: Type.Object({ ...fields, managed_by: Type.Optional(ManagedBy) }),
    key: 'kept',
    failures: { otherwise: failure(400, PARSE_FAILED, []) },
    result: NewId,
    example: { id: 1 },
    handler: async (input, { call }) => done({ id: (await call(inventory.createService, input)).id }),
  }),
  defineEndpoint({
    id: 'service.update',
    title: 'Change a service',
    notes: 'Fields that are absent stay as they are.',
    methods: ['POST'],
    paths: ['/service/update/:id'],
    access: 'write',
    role: 'operator',
    params: Type.Object({
      id: idOf('service'),
      name: Type.Optional(fields.name),
      desc: Type.Optional(fields.desc),
      service_type: Type.Optional(fields.service_type),
      docker_image: Type.Optional(fields.docker_image),
      cluster_id: Type.Optional(fields.cluster_id),
      managed_by: Type.Optional(ManagedBy),
      if_version: IfVersion,
    }),
    changes: [...Object.keys(fields), 'managed_by'],
    failures: {
      otherwise: failure(400, PARSE_FAILED, []),
      reference: failure(400, PARSE_FAILED, []),
      not_found: failure(404, STORE_FAILED, []),
    },
    result: EmptyText,
    example: '',
    handler: async (input, { call }) => {
      await call(inventory.updateService, input);
      return done('');
    },
  }),
  defineEndpoint({
    id: 'service.delete',
    title: 'Delete a service that has no pools',
    methods: DELETE_BY_DELETE,
    paths: ['/service/delete/:id'],
    access: 'write',
    role: 'operator',
    params: Type.Object({ id: idOf('service'), if_version: IfVersion }),
    failures: {
      otherwise: failure(400, 'id is error', []),
      in_use: failure(400, '', []),
      not_found: failure(404, STORE_FAILED, []),
      unavailable: failure(404, STORE_FAILED, []),
    },
    result: EmptyObject,
    example: {},
    handler: async (input, { call }) => {
      await call(inventory.deleteService, input);
      return done({});
    },
  }),
  defineEndpoint({
    id: 'service.info',
    title: 'One service',
    methods: READ_BY_GET,
    paths: ['/service/:id'],
    access: 'read',
    params: Type.Object({ id: idOf('service') }),
    failures: {
      otherwise: failure(400, 'id is error !', []),
      not_found: exactFailure(404, 'db error', []),
    },
    result: ServiceRow,
    example: {
      id: 1,
      name: 'shop',
      desc: 'web shop',
      service_type: 'Java',
      docker_image: '-',
      cluster_id: 1,
      ...exampleStamp,
    },
    handler: async ({ id }, { call }) => done(withStampRow(await call(inventory.getService, { id }))),
  }),
  defineEndpoint({
    id: 'service.list_pools',
    title: 'List the pools of a service, oldest first',
    methods: READ_BY_POST,
    paths: ['/service/:id/list_pools'],
    access: 'read',
    paged: true,
    params: Type.Object({ id: idOf('service'), name: filter('name') }),
    failures: { otherwise: failure(400, REFUSED, {}) },
    result: Type.Array(PoolRow),
    example: [examplePool],
    handler: async ({ id, name }, { page, call }) => {
      const request = { ...page, service_id: id, name: filterOf(name) };
      const { rows, total } = await call(inventory.listPools, request);
      return listed(page, { total, rows: rows.map(toPoolRow) });
    },
  }),
];
