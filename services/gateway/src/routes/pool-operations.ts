import { tasks as scheduler } from '@rigel/contracts';
import { Type } from 'typebox';
import type { Answer } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { failure } from '../failures.js';
import { HeldNodesInput, IfPlan } from '../request/plan-params.js';
import { namedOrSelected, SelectInput, withoutBlanks } from '../request/targets.js';
import { EmptyObject, idOf } from './common.js';
import { Confirm } from './node-rows.js';

/** The answer of an operation that made a task. */
function started({ id }: { id: number }): Answer {
  return { data: {}, headers: { 'X-Task-Id': String(id) } };
}

export const expandParams = Type.Object({
  id: idOf('pool'),
  num: Type.Integer({ minimum: 1, maximum: 200, description: 'Machines to add.' }),
  if_plan: IfPlan,
});

export const shrinkParams = Type.Object({
  id: idOf('pool'),
  nodes: Type.Optional(
    Type.Array(Type.String(), {
      minItems: 1,
      description: 'Addresses of the nodes to give back; blank ones are passed over.',
    }),
  ),
  select: SelectInput,
  confirm: Confirm,
  if_plan: IfPlan,
});

export const deployParams = Type.Object({
  id: idOf('pool'),
  max_num: Type.Integer({ minimum: 1, description: 'Most nodes handled at once.' }),
  tag: Type.String({ description: 'Image to put online.' }),
  max_ratio: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100, description: 'Percent of the nodes handled at once.' }),
  ),
  max_fail_num: Type.Optional(
    Type.Integer({
      minimum: 0,
      description:
        'Failed nodes that the run tolerates before it halts. With it, or max_fail_ratio, a batch in which no node succeeds does not halt it.',
    }),
  ),
  max_fail_ratio: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 100, description: 'The same in percent of the nodes.' }),
  ),
  confirm: Confirm,
  held_nodes: HeldNodesInput,
  if_plan: IfPlan,
});

export const poolOperations: Endpoint[] = [
  defineEndpoint({
    id: 'pool.expand',
    title: 'Add machines to a pool',
    notes:
      'As many nodes without an address, and a task of the pool’s expand template (tasks.expand), whose first step must be ' +
      'create_vm, over them. The header X-Task-Id of the answer names the task.',
    methods: ['POST'],
    paths: ['/pool/expand/:id'],
    access: 'write',
    role: 'operator',
    params: expandParams,
    key: 'kept',
    failures: { otherwise: failure(400, '', {}) },
    result: EmptyObject,
    example: {},
    handler: async ({ id, ...request }, { call, operator }) =>
      started(await call(scheduler.expand, { ...request, pool_id: id, opr_user: operator })),
  }),
  defineEndpoint({
    id: 'pool.shrink',
    title: 'Give machines of a pool back',
    notes:
      'A task of the pool’s shrink template (tasks.shrink), whose last step must be return_vm. A node leaves the pool when ' +
      'its machine was given back. The header X-Task-Id of the answer names the task.',
    methods: ['POST'],
    paths: ['/pool/shrink/:id'],
    access: 'write',
    role: 'operator',
    params: shrinkParams,
    key: 'kept',
    failures: { otherwise: failure(400, '', {}) },
    result: EmptyObject,
    example: {},
    handler: async ({ id, nodes, select, ...request }, { call, operator }) => {
      const wanted = namedOrSelected(nodes && withoutBlanks(nodes), select);
      return started(
        await call(scheduler.shrink, { ...request, ...wanted, pool_id: id, opr_user: operator }),
      );
    },
  }),
  defineEndpoint({
    id: 'pool.deploy',
    title: 'Put an image online on all nodes of a pool',
    notes:
      'A task of the pool’s deploy template (tasks.deploy) over all its nodes that have an address; the first step whose ' +
      'name begins with start_service gets the tag. The header X-Task-Id of the answer names the task.',
    methods: ['POST'],
    paths: ['/pool/deploy/:id'],
    access: 'write',
    role: 'operator',
    params: deployParams,
    key: 'kept',
    failures: { otherwise: failure(400, '', {}) },
    result: EmptyObject,
    example: {},
    handler: async ({ id, max_ratio = 100, ...request }, { call, operator }) =>
      started(await call(scheduler.deploy, { ...request, pool_id: id, max_ratio, opr_user: operator })),
  }),
];
