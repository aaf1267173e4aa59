import { Id, inventory, Labels, PoolTasks, ServiceError, schedules } from '@rigel/contracts';
import { Type } from 'typebox';
import { done, listed } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { DocumentedFailure, exactFailure, failure, reasonFor, WrongParameter } from '../failures.js';
import { namedOrSelected, SelectInput } from '../request/targets.js';
import {
  DELETE_BY_DELETE,
  Desc,
  EmptyObject,
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
  STORE_LOST,
} from './common.js';
import { Confirm, exampleNode, NodeRow, schedulerFacts, toNodeRow } from './node-rows.js';
import { examplePool, PoolRow, toPoolRow } from './pool-rows.js';
import { IfVersion } from './stamps.js';

/** Most addresses in one look-up of pools: a text of 1 MiB holds ten times as many. */
const MOST_SEARCHED = 50_000;

const VmType = Type.Integer({ description: 'Id of the VM template of new machines.' });
const ServiceDiscovery = Type.Integer({ description: 'Id of the service-discovery entry.' });
const PoolLabels = Type.Optional({ ...Labels, description: 'Labels of nodes that enter from now on.' });
const tasksOptions = {
  additionalProperties: false,
  description: 'Template ids for expand, shrink and deploy; 0 means not set.',
} as const;

export const FlaggedPoolRow = Type.Object({
  ...PoolRow.properties,
  is_bedepen: Type.Integer({ description: "1 when another pool's scheduled task depends on this pool." }),
  is_hascron: Type.Integer({ description: '1 when a scheduled task of the pool has cron items.' }),
});

const NO_ADDRESS = failure(404, 'ip is empty', []);

const isBlank = (nodes: readonly string[]): boolean =>
  nodes.length === 0 || nodes.some((entry) => entry.trim() === '');

/** A template id of 0 means no template. */
function setTasks(tasks: PoolTasks): PoolTasks {
  return Object.fromEntries(Object.entries(tasks).filter(([, template]) => template !== 0));
}

export const pools: Endpoint[] = [
  defineEndpoint({
    id: 'pool.create',
    title: 'Create a pool',
    methods: ['POST', 'GET'],
    paths: ['/pool/create'],
    access: 'write',
    role: 'operator',
    getNeedsBody: true,
    params: Type.Object({
      name: Name,
      desc: Desc,
      vm_type: VmType,
      sd_id: ServiceDiscovery,
      service_id: idOf('service that the pool belongs to'),
      tasks: Type.Object(PoolTasks.properties, { ...tasksOptions, default: {} }),
      labels: PoolLabels,
    }),
    key: 'kept',
    failures: { otherwise: failure(400, PARSE_FAILED, []) },
    result: NewId,
    example: { id: 1 },
    handler: async (input, { call }) => {
      const { id } = await call(inventory.createPool, { ...input, tasks: setTasks(input.tasks) });
      return done({ id });
    },
  }),
  defineEndpoint({
    id: 'pool.delete',
    title: 'Delete a pool that has no nodes',
    methods: DELETE_BY_DELETE,
    paths: ['/pool/delete/:id'],
    access: 'write',
    role: 'operator',
    params: Type.Object({ id: idOf('pool'), if_version: IfVersion }),
    failures: {
      otherwise: failure(400, 'fail to delete pool', []),
      invalid: failure(400, 'data not found', []),
      not_found: exactFailure(400, 'data not found', []),
      in_use: exactFailure(400, 'node exists in this pool', []),
    },
    result: EmptyObject,
    example: {},
    handler: async (input, { call }) => {
      await call(inventory.deletePool, input);
      return done({});
    },
  }),
  defineEndpoint({
    id: 'pool.update',
    title: 'Change a pool',
    notes:
      'Fields that are absent stay as they are; tasks and labels are replaced as a whole. A service_id must be the one the pool has. ' +
      'DELETE on this address changes the pool too, it never deletes it.',
    methods: ['POST', 'DELETE'],
    paths: ['/pool/update/:id'],
    access: 'write',
    role: 'operator',
    params: Type.Object({
      id: idOf('pool'),
      name: Type.Optional(Name),
      desc: Type.Optional(Desc),
      vm_type: Type.Optional(VmType),
      sd_id: Type.Optional(ServiceDiscovery),
      service_id: Type.Optional(idOf('service that the pool belongs to')),
      tasks: Type.Optional(Type.Object(PoolTasks.properties, tasksOptions)),
      labels: PoolLabels,
      if_version: IfVersion,
    }),
    changes: ['name', 'desc', 'vm_type', 'sd_id', 'service_id', 'tasks', 'labels'],
    failures: {
      otherwise: failure(400, '参数解析错误', []),
      not_found: failure(404, STORE_FAILED, []),
      unavailable: failure(404, STORE_FAILED, []),
    },
    result: EmptyObject,
    example: {},
    handler: async ({ tasks, ...input }, { call }) => {
      await call(inventory.updatePool, { ...input, tasks: tasks && setTasks(tasks) });
      return done({});
    },
  }),
  defineEndpoint({
    id: 'pool.protect',
    title: 'Protect a pool, or end its protection',
    notes:
      'Shrink, deploy, removal of nodes and stop of a protected pool must come with its name (confirm). Schedules go on as before.',
    methods: ['POST'],
    paths: ['/pool/protect/:id'],
    access: 'write',
    role: 'admin',
    params: Type.Object({
      id: idOf('pool'),
      protected: Type.Boolean({ description: 'Whether the pool is protected from now on.' }),
      if_version: IfVersion,
    }),
    failures: { otherwise: failure(400, '', {}), not_found: failure(404, '', {}) },
    result: EmptyObject,
    example: {},
    handler: async (input, { call }) => {
      await call(inventory.protectPool, input);
      return done({});
    },
  }),
  defineEndpoint({
    id: 'pool.list',
    title: 'List all pools, newest first',
    methods: READ_BY_GET,
    paths: ['/pool/list'],
    access: 'read',
    paged: true,
    params: Type.Object({ name: filter('name') }),
    failures: { otherwise: failure(400, STORE_LOST, []) },
    result: Type.Array(FlaggedPoolRow),
    example: [{ ...examplePool, is_bedepen: 0, is_hascron: 0 }],
    handler: async ({ name }, { page, call }) => {
      const { rows, total } = await call(inventory.listPools, { ...page, name: filterOf(name) });
      const flags = await call(schedules.flags, { pool_ids: rows.map((pool) => pool.id) });
      const flagged = rows.map((pool) => ({
        ...toPoolRow(pool),
        is_bedepen: Number(flags.depended_on.includes(pool.id)),
        is_hascron: Number(flags.with_cron.includes(pool.id)),
      }));
      return listed(page, { total, rows: flagged });
    },
  }),
  defineEndpoint({
    id: 'pool.info',
    title: 'One pool',
    methods: READ_BY_GET,
    paths: ['/pool/:id'],
    access: 'read',
    params: Type.Object({ id: idOf('pool') }),
    failures: {
      otherwise: failure(404, 'db error', []),
      not_found: exactFailure(404, 'db error', []),
    },
    result: PoolRow,
    example: examplePool,
    handler: async ({ id }, { call }) => done(toPoolRow(await call(inventory.getPool, { id }))),
  }),
  defineEndpoint({
    id: 'pool.list_nodes',
    title: 'List the nodes of a pool, oldest first',
    notes:
      'status: 0 not ready, 1 ok, 3 failed. state: the state of the run in its last task (0 init, 1 running, 2 success, ' +
      '3 failed, 4 stopped). held_by: the task that holds the node now, null: none; absent while the scheduler does not answer. ' +
      'last_task: the last task that had it. last_reason: why its last finished run failed. version_tag: the image tag that a task put on it last.',
    methods: READ_BY_POST,
    paths: ['/pool/:id/list_nodes'],
    access: 'read',
    paged: true,
    params: Type.Object({ id: idOf('pool'), ip: filter('address') }),
    failures: { otherwise: failure(400, REFUSED, {}) },
    result: Type.Array(NodeRow),
    example: [exampleNode],
    handler: async ({ id, ip }, { page, call, times }) => {
      const { rows, total } = await call(inventory.listNodes, { ...page, pool_id: id, ip: filterOf(ip) });
      const facts = await schedulerFacts(rows, call, times);
      return listed(page, { total, rows: rows.map((node) => toNodeRow(node, facts)) });
    },
  }),
  defineEndpoint({
    id: 'pool.add_nodes',
    title: 'Enter nodes into a pool',
    notes: 'All addresses are entered or none. The ids of the new nodes are in the order of the request.',
    methods: ['POST', 'GET'],
    paths: ['/pool/:id/add_nodes'],
    body: 'large',
    access: 'write',
    role: 'operator',
    getNeedsBody: true,
    params: Type.Object({
      id: idOf('pool'),
      // An absent list goes to the service as an empty one: whether the pool exists is checked before the list.
      nodes: Type.Array(Type.String(), {
        default: [],
        description:
          'Addresses, with an SSH port where it is not the usual one (10.0.0.7:2222). At least one.',
      }),
      labels: Type.Optional({ ...Labels, description: 'Labels of all of them, over those of the pool.' }),
    }),
    key: 'kept',
    failures: {
      otherwise: failure(404, PARSE_FAILED, []),
      parameter: failure(404, PARSE_FAILED, []),
      parameters: { id: exactFailure(404, 'pool_id is not vaild', []) },
      blank: NO_ADDRESS,
      not_found: exactFailure(404, 'pool_id is not vaild', []),
      conflict: failure(404, 'ip exists already', []),
    },
    result: Type.Array(Id),
    example: [1, 2, 3],
    handler: async ({ id, nodes, labels }, { call }) => {
      try {
        const request = { pool_id: id, nodes, ...(labels ? { labels } : {}) };
        return done((await call(inventory.addNodes, request)).ids);
      } catch (error) {
        // The service looks at the pool first, and at blanks before anything else of the list.
        const blank = error instanceof ServiceError && error.code === 'invalid' && isBlank(nodes);
        throw blank ? new DocumentedFailure(NO_ADDRESS, error.message, reasonFor(error)) : error;
      }
    },
  }),
  defineEndpoint({
    id: 'pool.remove_nodes',
    title: 'Remove nodes from a pool',
    notes: 'All nodes are removed or none. Only the entry in the pool goes, no machine is given back.',
    methods: ['DELETE', 'POST', 'GET'],
    paths: ['/pool/:id/remove_nodes'],
    access: 'write',
    role: 'operator',
    getNeedsBody: true,
    params: Type.Object({
      id: idOf('pool'),
      nodes: Type.Optional(
        Type.Array(Type.Union([Type.String(), Type.Integer()]), {
          minItems: 1,
          description: 'Addresses or node ids.',
        }),
      ),
      select: SelectInput,
      confirm: Confirm,
    }),
    failures: {
      otherwise: failure(400, '参数解析出错', []),
      in_use: failure(400, '', []),
      not_found: failure(404, 'error when delete id...', []),
    },
    result: EmptyObject,
    example: {},
    handler: async ({ id, nodes, select, ...request }, { call }) => {
      await call(inventory.removeNodes, { pool_id: id, ...request, ...namedOrSelected(nodes, select) });
      return done({});
    },
  }),
  defineEndpoint({
    id: 'pool.search_by_ip',
    title: 'Find the pool of each address',
    notes:
      'An address that no node has gets -1. A list that is too long for an address may come in the body.',
    methods: READ_BY_POST,
    paths: ['/pool/search_by_ip/:iplist', '/pool/search_by_ip'],
    body: 'text',
    access: 'read',
    params: Type.Object({
      iplist: Type.String({ default: '', description: 'Addresses, separated by commas; at most 50,000.' }),
    }),
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: Type.Record(Type.String(), Type.Integer()),
    example: { '10.0.0.7': 1, '10.0.0.8': -1 },
    handler: async ({ iplist }, { call }) => {
      const ips = new Set(iplist.split(',').map((ip) => ip.trim()));
      ips.delete('');
      if (ips.size > MOST_SEARCHED) {
        throw new WrongParameter(
          `iplist has ${ips.size} addresses, more than ${MOST_SEARCHED}: ask for them in several requests`,
          'iplist',
        );
      }
      return done((await call(inventory.findPools, { ips: [...ips] })).pools);
    },
  }),
];
