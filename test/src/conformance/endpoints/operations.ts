import type { EndpointSpec, WrongValue } from '../endpoint.js';
import { exactly } from '../shape.js';
import { stepOption, type World } from '../world.js';
import { refusal, SELECT_WRONG } from './common.js';

/* Expand, shrink and deploy: what a pool's templates do to the pool. */

const refused = refusal(400, '', {});
type Operation = 'expand' | 'shrink' | 'deploy';

const CREATE = { name: 'create_vm', param_values: { vm_type_id: 1 } };
const RETURN = { name: 'return_vm', param_values: { vm_type_id: 1 } };

async function remoteStep(world: World) {
  const { stepName } = await world.shared('runnable', () => world.runnableTemplate());
  return stepOption(stepName);
}

/** A pool with one node, and a template for the operation. */
async function poolFor(world: World, operation: Operation, steps?: object[]) {
  const usual = {
    expand: [CREATE, await remoteStep(world)],
    shrink: [await remoteStep(world), RETURN],
    deploy: [await remoteStep(world)],
  };
  const template = await world.template({ steps: steps ?? usual[operation] });
  const pool = await world.pool({ tasks: { [operation]: template.id } });
  return { id: pool.id, ip: (await world.node({ pool_id: pool.id })).ip };
}

/** What is wrong with the template of every operation in the same way. */
function templateProblems(operation: Operation, also: (pool: { ip: string }) => object): WrongValue[] {
  return [
    {
      what: 'a pool without a template for it',
      change: async (world) => {
        const node = await world.node();
        return { id: node.pool_id, ...also(node) };
      },
      says: operation,
    },
    {
      what: 'a template that is set to 0',
      change: async (world) => {
        const pool = await world.pool({ tasks: { [operation]: 0 } });
        return { id: pool.id, ...also(await world.node({ pool_id: pool.id })) };
      },
      says: operation,
    },
    {
      what: 'a template that does not exist',
      change: async (world) => {
        const pool = await world.pool({ tasks: { [operation]: 2_147_483_007 } });
        return { id: pool.id, ...also(await world.node({ pool_id: pool.id })) };
      },
      says: '2147483007',
    },
    {
      what: 'a template without a step',
      change: async (world) => {
        const pool = await poolFor(world, operation, []);
        return { id: pool.id, ...also(pool) };
      },
      says: 'step',
    },
  ];
}

export const operations: EndpointSpec[] = [
  {
    id: 'pool.expand',
    methods: ['POST'],
    paths: ['/pool/expand/:id'],
    access: 'write',
    key: 'kept',
    params: { num: { kind: 'integer', required: true } },
    alsoSent: { pool: 1, template_id: 1 },
    valid: async (world) => ({ id: (await poolFor(world, 'expand')).id, num: 2 }),
    data: exactly({}),
    refusal: refused,
    unknownId: refused,
    wrong: [
      { what: 'no machine', change: { num: 0 } },
      { what: 'less than no machine', change: { num: -1 } },
      { what: 'more than 200 machines', change: { num: 201 } },
      { what: 'half a machine', change: { num: 1.5 } },
      { what: 'machines in words', change: { num: 'two' } },
      ...templateProblems('expand', () => ({})),
      {
        what: 'a template that does not begin with create_vm',
        change: async (world) => ({
          id: (await poolFor(world, 'expand', [await remoteStep(world), CREATE])).id,
        }),
        says: 'create_vm',
      },
    ],
  },
  {
    id: 'pool.shrink',
    methods: ['POST'],
    paths: ['/pool/shrink/:id'],
    access: 'write',
    key: 'kept',
    params: { nodes: { kind: 'structure', required: true }, select: { kind: 'structure' } },
    alsoSent: { pool: '1', template_id: 1 },
    valid: async (world) => {
      const { id, ip } = await poolFor(world, 'shrink');
      return { id, nodes: [ip] };
    },
    data: exactly({}),
    refusal: refused,
    unknownId: refused,
    wrong: [
      { what: 'no node', change: { nodes: [] } },
      { what: 'nodes that are text', change: { nodes: '10.85.41.160' } },
      { what: 'blank addresses alone', change: { nodes: [' ', ''] }, says: /blank/ },
      ...SELECT_WRONG,
      {
        what: 'a selection of another pool',
        change: async (world) => ({ nodes: undefined, select: { pools: [(await world.node()).pool_id] } }),
        says: /127\./,
      },
      { what: 'an address that no node has', change: { nodes: ['198.51.100.6'] }, says: '198.51.100.6' },
      {
        what: 'an address of another pool',
        change: async (world) => ({ nodes: [(await world.node()).ip] }),
        says: /127\./,
      },
      ...templateProblems('shrink', ({ ip }) => ({ nodes: [ip] })),
      {
        what: 'a template that does not end with return_vm',
        change: async (world) => {
          const pool = await poolFor(world, 'shrink', [RETURN, await remoteStep(world)]);
          return { id: pool.id, nodes: [pool.ip] };
        },
        says: 'return_vm',
      },
    ],
  },
  {
    id: 'pool.deploy',
    methods: ['POST'],
    paths: ['/pool/deploy/:id'],
    access: 'write',
    key: 'kept',
    params: {
      max_num: { kind: 'integer', required: true },
      tag: { kind: 'name', required: true },
      max_ratio: { kind: 'integer' },
    },
    alsoSent: { pool: '1', template_id: '1', timeout: 10, auto: 1 },
    valid: async (world) => ({
      id: (await poolFor(world, 'deploy')).id,
      max_num: 5,
      tag: 'myregistry/myweb:1.0',
      max_ratio: 50,
    }),
    data: exactly({}),
    refusal: refused,
    unknownId: refused,
    wrong: [
      { what: 'no node at once', change: { max_num: 0 } },
      { what: 'an empty tag', change: { tag: '' } },
      { what: 'a blank tag', change: { tag: ' ' } },
      { what: 'a ratio of 0', change: { max_ratio: 0 } },
      { what: 'a ratio of 101', change: { max_ratio: 101 } },
      { what: 'a negative failure budget', change: { max_fail_num: -1 } },
      ...templateProblems('deploy', () => ({})),
      {
        what: 'a pool without nodes',
        change: async (world) => {
          const template = await world.runnableTemplate();
          return { id: (await world.pool({ tasks: { deploy: template.id } })).id };
        },
        says: 'node',
      },
    ],
  },
];
