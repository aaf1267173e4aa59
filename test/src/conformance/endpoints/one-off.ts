import type { EndpointSpec } from '../endpoint.js';
import { id, listOf, objectWith } from '../shape.js';
import type { World } from '../world.js';
import { exactRefusal, refusal } from './common.js';
import { preview } from './previews.js';
import { ofState } from './tasks.js';

/* One-off commands and ended tasks once more, each with its preview. */

const plain = refusal(400, '', {});
const made = objectWith({ ids: listOf(id, 1) });

const run: EndpointSpec = {
  id: 'task.run',
  methods: ['POST'],
  paths: ['/task/run'],
  access: 'write',
  key: 'kept',
  params: {
    script: { kind: 'text', required: true },
    nodes: { kind: 'structure' },
    timeout: { kind: 'integer' },
    step_timeout: { kind: 'integer' },
    max_ratio: { kind: 'integer' },
    max_num: { kind: 'integer' },
  },
  valid: async (world) => ({
    ...{ script: 'uptime', nodes: [{ ip: (await world.node()).ip }] },
    ...{ timeout: 10, step_timeout: 60, max_ratio: 50, max_num: 2 },
  }),
  data: made,
  refusal: plain,
  wrong: [
    { what: 'a script of blanks', change: { script: ' \n' } },
    { what: 'a script that is too long', change: { script: '#'.repeat(65_537) } },
    { what: 'a list of blank nodes', change: { nodes: [' '] } },
    { what: 'no nodes', change: { nodes: [] }, says: 'nodes is empty' },
    { what: 'nodes and a pool', change: { pool_id: 1 }, says: 'not by both' },
    {
      what: 'an address that no node has',
      change: async (world: World) => ({ nodes: [world.ip()] }),
      says: 'no node has the address',
    },
    { what: 'a name that is too long', change: { task_name: 'x'.repeat(256) } },
    { what: 'no time on a node', change: { step_timeout: 0 } },
    { what: 'a day and a second on a node', change: { step_timeout: 86_401 } },
    { what: 'a share of nothing', change: { max_ratio: 0 } },
    {
      what: 'a pool that there is not',
      change: async (world: World) => ({ pool_id: world.unknownId(), nodes: undefined }),
      says: 'pool',
    },
    { what: 'a plan that was never shown', change: { if_plan: 'abc' }, says: 'no plan of this release' },
  ],
};

const again: EndpointSpec = {
  id: 'task.again',
  methods: ['POST'],
  paths: ['/task/again/:id'],
  access: 'write',
  key: 'kept',
  params: { max_num: { kind: 'integer' }, max_fail_num: { kind: 'integer' } },
  valid: async (world) => ({ ...(await ofState(world, 0, 'stop')), max_num: 2, max_fail_num: 1 }),
  data: made,
  refusal: plain,
  unknownId: exactRefusal(400, 'Flow not found', {}),
  wrong: [
    { what: 'a task that has not ended', change: (world) => ofState(world, 0), says: 'has not ended' },
    { what: 'failed nodes where none failed', change: { only: 'failed' }, says: 'failed' },
    { what: 'nodes of a kind that there is not', change: { only: 'some' } },
    { what: 'no node at once', change: { max_num: 0 } },
    { what: 'a plan that was never shown', change: { if_plan: 'abc' }, says: 'no plan of this release' },
  ],
};

/** The preview takes what its operation takes, and is bound to no plan. */
function previewOf({ key: _, wrong = [], ...spec }: EndpointSpec, suffix: string): EndpointSpec {
  return {
    ...spec,
    id: `${spec.id}_preview`,
    paths: spec.paths.map((path) => `${path}${suffix}`),
    access: 'read',
    strict: true,
    data: preview,
    wrong: wrong.filter(({ what }) => !what.startsWith('a plan')),
  };
}

export const oneOffs: EndpointSpec[] = [run, previewOf(run, '/preview'), again, previewOf(again, '/preview')];
