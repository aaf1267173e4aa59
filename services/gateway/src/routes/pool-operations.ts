import { inventory, ServiceError, show } from '@rigel/contracts';
import { Type } from 'typebox';
import { defineEndpoint, type Endpoint, type Invocation } from '../endpoint.js';
import { failure } from '../failures.js';
import { EmptyObject, idOf } from './common.js';
import { notAvailable } from './not-available.js';
import { poolAndTemplate } from './operation-template.js';

/** Addresses named in a refusal at most. */
const NAMED = 20;

/** @throws ServiceError when an address is blank or not that of a node of this pool. */
async function assertNodesOf(poolId: number, nodes: string[], { call }: Invocation): Promise<void> {
  const ips = nodes.map((ip) => ip.trim());
  const blank = ips.indexOf('');
  if (blank >= 0) throw new ServiceError('invalid', `entry ${blank + 1} of nodes is blank`, 'nodes');
  const { targets, unknown } = await call(inventory.findTargets, { ips });
  const elsewhere = targets.filter((target) => target.pool_id !== poolId).map(({ ip }) => ip);
  const wrong = [...unknown, ...elsewhere].slice(0, NAMED).map(show);
  if (wrong.length === 0) return;
  throw new ServiceError(
    'not_found',
    `no node of pool ${poolId} has the address ${wrong.join(', ')}`,
    'nodes',
  );
}

function templateWith(place: 'first' | 'last', step: string, name: string): ServiceError {
  return new ServiceError('invalid', `the ${place} step of template ${show(name)} must be ${step}`, 'tasks');
}

export const poolOperations: Endpoint[] = [
  defineEndpoint({
    id: 'pool.expand',
    title: 'Add machines to a pool',
    notes: 'Not available in this version.',
    methods: ['POST'],
    paths: ['/pool/expand/:id'],
    access: 'write',
    params: Type.Object({
      id: idOf('pool'),
      num: Type.Integer({ minimum: 1, maximum: 200, description: 'Machines to add.' }),
    }),
    failures: { otherwise: failure(400, '', {}) },
    result: EmptyObject,
    example: {},
    handler: async ({ id }, invocation) => {
      const { template } = await poolAndTemplate(id, 'expand', invocation);
      if (template.steps[0]?.name !== 'create_vm') throw templateWith('first', 'create_vm', template.name);
      return notAvailable('pool/expand');
    },
  }),
  defineEndpoint({
    id: 'pool.shrink',
    title: 'Give machines of a pool back',
    notes: 'Not available in this version.',
    methods: ['POST'],
    paths: ['/pool/shrink/:id'],
    access: 'write',
    params: Type.Object({
      id: idOf('pool'),
      nodes: Type.Array(Type.String(), { minItems: 1, description: 'Addresses of the nodes to give back.' }),
    }),
    failures: { otherwise: failure(400, '', {}) },
    result: EmptyObject,
    example: {},
    handler: async ({ id, nodes }, invocation) => {
      const { template } = await poolAndTemplate(id, 'shrink', invocation);
      if (template.steps.at(-1)?.name !== 'return_vm') throw templateWith('last', 'return_vm', template.name);
      await assertNodesOf(id, nodes, invocation);
      return notAvailable('pool/shrink');
    },
  }),
  defineEndpoint({
    id: 'pool.deploy',
    title: 'Put an image online on all nodes of a pool',
    notes: 'Not available in this version.',
    methods: ['POST'],
    paths: ['/pool/deploy/:id'],
    access: 'write',
    params: Type.Object({
      id: idOf('pool'),
      max_num: Type.Integer({ minimum: 1, description: 'Most nodes handled at once.' }),
      tag: Type.String({ description: 'Image to put online.' }),
      max_ratio: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 100, description: 'Percent of the nodes handled at once.' }),
      ),
      max_fail_num: Type.Optional(
        Type.Integer({ minimum: 0, description: 'Failed nodes that the run tolerates.' }),
      ),
      max_fail_ratio: Type.Optional(
        Type.Integer({ minimum: 0, maximum: 100, description: 'The same in percent of the nodes.' }),
      ),
    }),
    failures: { otherwise: failure(400, '', {}) },
    result: EmptyObject,
    example: {},
    handler: async ({ id, tag }, invocation) => {
      if (tag.trim() === '') throw new ServiceError('invalid', 'tag must not be empty', 'tag');
      const { pool } = await poolAndTemplate(id, 'deploy', invocation);
      if (pool.node_count === 0) {
        throw new ServiceError('wrong_state', `pool ${show(pool.name)} has no node to put ${show(tag)} on`);
      }
      return notAvailable('pool/deploy');
    },
  }),
];
