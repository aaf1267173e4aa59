import { Cluster, Id, inventory } from '@rigel/contracts';
import { Type } from 'typebox';
import { done, listed } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { exactFailure, failure } from '../failures.js';
import {
  DELETE_BY_POST,
  Desc,
  EmptyText,
  filter,
  filterOf,
  ID_WRONG,
  idOf,
  Name,
  READ_BY_GET,
  READ_BY_POST,
  REFUSED,
  STORE_LOST,
} from './common.js';
import { ServiceRow } from './services.js';
import { exampleStamp, IfVersion, ManagedBy, managedRow, withStampRow } from './stamps.js';

export const ClusterRow = Type.Object({ ...Cluster.properties, ...managedRow });

const Biz = Type.String({ description: 'Product line, usually 1.' });
const example = { id: 1, name: 'web', desc: 'public web servers', biz: '1', ...exampleStamp };

export const clusters: Endpoint[] = [
  defineEndpoint({
    id: 'cluster.list',
    title: 'List clusters, newest first',
    methods: READ_BY_GET,
    paths: ['/cluster/list'],
    access: 'read',
    paged: true,
    params: Type.Object({ name: filter('name') }),
    failures: { otherwise: failure(400, STORE_LOST, []) },
    result: Type.Array(ClusterRow),
    example: [example],
    handler: async ({ name }, { page, call }) => {
      const { rows, total } = await call(inventory.listClusters, { ...page, name: filterOf(name) });
      return listed(page, { total, rows: rows.map(withStampRow) });
    },
  }),
  defineEndpoint({
    id: 'cluster.create',
    title: 'Create a cluster',
    methods: ['POST'],
    paths: ['/cluster/create'],
    access: 'write',
    role: 'operator',
    params: Type.Object({
      name: Name,
      desc: Desc,
      biz: Type.String({ ...Biz, default: '' }),
      managed_by: Type.Optional(ManagedBy),
    }),
    key: 'kept',
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: Id,
    example: 1,
    handler: async (input, { call }) => done((await call(inventory.createCluster, input)).id),
  }),
  defineEndpoint({
    id: 'cluster.update',
    title: 'Change a cluster',
    notes: 'The name must be given; other fields that are absent stay as they are.',
    methods: ['POST'],
    paths: ['/cluster/update/:id'],
    access: 'write',
    role: 'operator',
    params: Type.Object({
      id: idOf('cluster'),
      name: Name,
      desc: Type.Optional(Desc),
      biz: Type.Optional(Biz),
      managed_by: Type.Optional(ManagedBy),
      if_version: IfVersion,
    }),
    failures: { otherwise: failure(400, STORE_LOST, null) },
    result: EmptyText,
    example: '',
    handler: async (input, { call }) => {
      await call(inventory.updateCluster, input);
      return done('');
    },
  }),
  defineEndpoint({
    id: 'cluster.delete',
    title: 'Delete a cluster that has no services',
    methods: DELETE_BY_POST,
    paths: ['/cluster/delete/:id'],
    access: 'write',
    role: 'operator',
    params: Type.Object({ id: idOf('cluster'), if_version: IfVersion }),
    failures: { otherwise: failure(400, STORE_LOST, null) },
    result: EmptyText,
    example: '',
    handler: async (input, { call }) => {
      await call(inventory.deleteCluster, input);
      return done('');
    },
  }),
  defineEndpoint({
    id: 'cluster.info',
    title: 'One cluster',
    methods: READ_BY_POST,
    paths: ['/cluster/:id'],
    access: 'read',
    params: Type.Object({ id: idOf('cluster') }),
    failures: {
      otherwise: failure(400, ID_WRONG, {}),
      not_found: exactFailure(404, 'cluster in db not found', {}),
    },
    result: ClusterRow,
    example,
    handler: async ({ id }, { call }) => done(withStampRow(await call(inventory.getCluster, { id }))),
  }),
  defineEndpoint({
    id: 'cluster.list_services',
    title: 'List the services of a cluster, oldest first',
    methods: READ_BY_POST,
    paths: ['/cluster/:id/list_services'],
    access: 'read',
    paged: true,
    params: Type.Object({ id: idOf('cluster'), name: filter('name') }),
    failures: { otherwise: failure(400, REFUSED, {}) },
    result: Type.Array(ServiceRow),
    example: [
      {
        id: 1,
        name: 'shop',
        desc: 'web shop',
        service_type: 'Java',
        docker_image: '-',
        cluster_id: 1,
        ...exampleStamp,
      },
    ],
    handler: async ({ id, name }, { page, call }) => {
      const request = { ...page, cluster_id: id, name: filterOf(name) };
      const { rows, total } = await call(inventory.listServices, request);
      return listed(page, { total, rows: rows.map(withStampRow) });
    },
  }),
];
