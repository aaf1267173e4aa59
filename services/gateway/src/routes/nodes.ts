import { inventory, type NodeType, RunOfNode, ServiceError, tasks as scheduler } from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint, type Invocation } from '../endpoint.js';
import { type Failures, failure } from '../failures.js';
import { readAddressList } from '../request/address-list.js';
import { namedOrSelected, SelectInput } from '../request/targets.js';
import { filterOf, idOf, READ_BY_GET, READ_BY_POST } from './common.js';
import { Cursor, cursorOf, Limit, numbersOf, partOf, placeOf } from './list-parts.js';
import { examplePlacedNode, PlacedNodeRow, schedulerFacts, toNodeRow } from './node-rows.js';

const FAILURES: Failures = { otherwise: failure(400, '', {}), not_found: failure(404, '', {}) };

const RunOfNodeRow = Type.Object({
  ...RunOfNode.properties,
  created: Type.String({ description: 'RFC 3339, in UTC.' }),
  updated: Type.String({ description: 'RFC 3339, in UTC.' }),
});
const { created: created_at, updated: updated_at, ...runFields } = RunOfNodeRow.properties;
const NodeTaskRow = Type.Object({ ...runFields, created_at, updated_at });

const only = (what: string) => Type.Optional(Type.String({ description: `Only nodes ${what}.` }));
const onlyIn = (what: string) =>
  Type.Optional(Type.Integer({ minimum: 1, description: `Only nodes of this ${what}.` }));

/** The pool of a node, also of one that was removed. @throws ServiceError `not_found` */
async function poolOf(id: number, call: Invocation['call']): Promise<number> {
  try {
    return (await call(inventory.getNode, { id })).pool_id;
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'not_found') throw error;
    const { entries } = await call(inventory.history, { kind: 'node', id, limit: 1_000 });
    const entered = entries.at(-1)?.fields.find(({ name }) => name === 'pool_id');
    if (typeof entered?.after !== 'number') throw error;
    return entered.after;
  }
}

export const nodes: Endpoint[] = [
  defineEndpoint({
    id: 'node.list',
    title: 'Nodes of the whole fleet by filters, oldest first',
    notes:
      'All filters must hold. held_by and host_key are absent while the scheduler does not answer; a filter held_by is refused then.',
    methods: READ_BY_GET,
    paths: ['/node/list'],
    access: 'read',
    params: Type.Object({
      pool_id: onlyIn('pool'),
      service_id: onlyIn('service'),
      cluster_id: onlyIn('cluster'),
      status: only('with this status, or one of several (0,3)'),
      state: only('whose last run has this state, or one of several (3,4)'),
      ip: only('whose address begins so, or is in this IPv4 network (10.0.3.0/24)'),
      vm_id: only('with exactly this machine'),
      held_by: Type.Optional(Type.Integer({ minimum: 1, description: 'Only nodes that this task holds.' })),
      made_by: Type.Optional(
        Type.Enum(['manual', 'crontab'], {
          description:
            'Only nodes entered by hand or by an expand (manual), or made by a schedule (crontab).',
        }),
      ),
      labels: only('whose labels match this selector (zone=a,!canary)'),
      version: only('whose version_tag is exactly this; - means that no task put one on them'),
      limit: Limit,
      cursor: Cursor,
      count: Type.Enum(['exact', 'none'], {
        default: 'none',
        description: 'exact: the answer has the number of all matching nodes.',
      }),
    }),
    failures: FAILURES,
    result: partOf(PlacedNodeRow, {
      total: Type.Optional(Type.Integer({ description: 'Matching nodes; with count=exact.' })),
    }),
    example: { rows: [examplePlacedNode], next: null, total: 1 },
    handler: async (filters, { call, times }) => {
      const { status, state, ip, vm_id, held_by, made_by, version, labels, cursor, count, ...others } =
        filters;
      const after = placeOf(cursor);
      const held = held_by === undefined ? undefined : await call(scheduler.heldNodes, { task_id: held_by });
      const tag = filterOf(version);
      const { rows, more, total } = await call(inventory.selectNodes, {
        ...others,
        status: numbersOf('status', status, [0, 1, 3]),
        state: numbersOf('state', state, [0, 1, 2, 3, 4]),
        ip: filterOf(ip),
        vm_id: filterOf(vm_id),
        labels: filterOf(labels),
        node_type: made_by as NodeType | undefined,
        ...(tag === undefined ? {} : { version_tag: tag === '-' ? '' : tag }),
        ...(held ? { ids: held.node_ids } : {}),
        ...(after === undefined ? {} : { after }),
        count: count === 'exact',
      });
      const facts = await schedulerFacts(rows, call, times, { hostKeys: true });
      const last = rows.at(-1);
      return done({
        rows: rows.map((node) => toNodeRow(node, facts)),
        next: more && last ? cursorOf(last.id) : null,
        ...(total === undefined ? {} : { total }),
      });
    },
  }),
  defineEndpoint({
    id: 'node.find',
    title: 'The node of each address of a list',
    notes:
      'The list may be pasted: commas, semicolons, blanks and line ends between the entries, each an address, an IPv4 ' +
      'network (10.0.3.0/28: its hosts) or one with ranges (10.0.3.[1-40]); at most 10,000 addresses in all. node is null ' +
      'where no node has the address; problem says why an entry is no address; same_as names the entry before it that is the same machine.',
    methods: READ_BY_POST,
    paths: ['/node/find'],
    body: 'text',
    access: 'read',
    params: Type.Object({ addresses: Type.String({ default: '', description: 'The list.' }) }),
    failures: FAILURES,
    result: Type.Array(
      Type.Object({
        address: Type.String(),
        node: Type.Union([PlacedNodeRow, Type.Null()]),
        same_as: Type.Union([Type.String(), Type.Null()]),
        problem: Type.Union([Type.String(), Type.Null()]),
      }),
    ),
    example: [
      { address: '10.0.0.7', node: examplePlacedNode, same_as: null, problem: null },
      { address: '10.0.0.8', node: null, same_as: null, problem: null },
    ],
    handler: async ({ addresses }, { call, times }) => {
      const list = readAddressList('addresses', addresses);
      if (list.length === 0) return done([]);
      const { found } = await call(inventory.findNodes, { addresses: list });
      const facts = await schedulerFacts(
        found.flatMap(({ node }) => node ?? []),
        call,
        times,
        { hostKeys: true },
      );
      return done(
        found.map(({ address, node, same_as = null, problem = null }) => ({
          address,
          node: node ? toNodeRow(node, facts) : null,
          same_as,
          problem,
        })),
      );
    },
  }),
  defineEndpoint({
    id: 'node.label',
    title: 'Set and remove labels of nodes',
    notes:
      'On all nodes or none. A label that is there already, or a key to remove that is not, is no fault. `changed` counts the nodes ' +
      'whose labels are others than before.',
    methods: ['POST'],
    paths: ['/node/label'],
    body: 'large',
    access: 'write',
    role: 'operator',
    params: Type.Object({
      nodes: Type.Optional(
        Type.Array(Type.Union([Type.String(), Type.Integer()]), {
          minItems: 1,
          description: 'Addresses or node ids.',
        }),
      ),
      select: SelectInput,
      set: Type.Record(Type.String(), Type.String(), {
        default: {},
        description: 'Values by key; a node has at most 64 labels.',
      }),
      remove: Type.Array(Type.String(), { default: [], maxItems: 64, description: 'Keys.' }),
    }),
    failures: FAILURES,
    result: Type.Object({ nodes: Type.Integer(), changed: Type.Integer() }),
    example: { nodes: 2, changed: 1 },
    handler: async ({ nodes, select, ...change }, { call }) =>
      done(await call(inventory.labelNodes, { ...change, ...namedOrSelected(nodes, select) })),
  }),
  defineEndpoint({
    id: 'node.info',
    title: 'One node',
    methods: READ_BY_GET,
    paths: ['/node/:id'],
    access: 'read',
    params: Type.Object({ id: idOf('node') }),
    failures: FAILURES,
    result: PlacedNodeRow,
    example: examplePlacedNode,
    handler: async ({ id }, { call, times }) => {
      const node = await call(inventory.getNode, { id });
      return done(toNodeRow(node, await schedulerFacts([node], call, times, { hostKeys: true })));
    },
  }),
  defineEndpoint({
    id: 'node.runs',
    title: 'Runs of a node, newest first',
    notes:
      'Also of a node that was removed. The scheduler looks through the tasks of the node’s pool, about 100,000 runs in each ' +
      'request: rows may be few, or none, although next is not null.',
    methods: READ_BY_GET,
    paths: ['/node/:id/runs'],
    access: 'read',
    params: Type.Object({
      id: idOf('node'),
      limit: Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'Most rows of the answer.' }),
      cursor: Cursor,
    }),
    failures: FAILURES,
    result: partOf(NodeTaskRow),
    example: {
      rows: [
        {
          id: 7,
          task_id: 3,
          task_name: 'deploy_shop-a',
          template_name: 'rollout',
          opr_user: 'ann',
          batch_id: 1,
          state: 3,
          step: 'start_service',
          attempts: 1,
          reason: 'exit status 1',
          created_at: '2026-01-05T08:00:00.000Z',
          updated_at: '2026-01-05T08:01:00.000Z',
        },
      ],
      next: null,
    },
    handler: async ({ id, limit, cursor }, { call, times }) => {
      const before = placeOf(cursor);
      const answer = await call(scheduler.runsOfNode, {
        node_id: id,
        pool_id: await poolOf(id, call),
        limit,
        ...(before === undefined ? {} : { before }),
      });
      return done({
        rows: answer.runs.map(({ created, updated, ...run }) => ({
          ...run,
          created_at: times.rfc3339(created),
          updated_at: times.rfc3339(updated),
        })),
        next: answer.before === null ? null : cursorOf(answer.before),
      });
    },
  }),
];
