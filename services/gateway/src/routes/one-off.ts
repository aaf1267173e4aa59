import { MOST_SCRIPT, OnlyNodes, plans, type RpcRequest, tasks as scheduler } from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint, type Invocation } from '../endpoint.js';
import { exactFailure, type Failures, failure } from '../failures.js';
import { HeldNodesInput, IfPlan } from '../request/plan-params.js';
import { addressesOf, SelectInput, TargetsInput } from '../request/targets.js';
import { idOf } from './common.js';
import { PREVIEWED } from './previews.js';
import { createParams } from './tasks.js';

/*
 * One-off commands, and ended tasks once more.
 */

const { timeout, max_ratio, max_num, max_fail_num, max_fail_ratio } = createParams.properties;
const sizes = { max_fail_num, max_fail_ratio, held_nodes: HeldNodesInput, if_plan: IfPlan };

const runParams = Type.Object({
  script: Type.String({
    description: `What runs: at most ${MOST_SCRIPT} characters, for /bin/sh unless its first line names an interpreter (#!). All of it is literal.`,
  }),
  pool_id: Type.Optional(idOf('pool, whose nodes with an address all take part')),
  nodes: Type.Optional(TargetsInput),
  select: SelectInput,
  task_name: Type.Optional(Type.String({ description: 'Default: the first line of the script.' })),
  timeout,
  step_timeout: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 86_400,
      description: 'Seconds that it may take on a node. Default: RIGEL_REMOTE_TIMEOUT.',
    }),
  ),
  ...{ max_ratio, max_num, ...sizes },
});

const againParams = Type.Object({
  id: idOf('ended task'),
  only: Type.Optional(
    Type.Enum([...OnlyNodes.enum], {
      description: 'Only nodes that failed, or that did not succeed. Default: all.',
    }),
  ),
  max_num: Type.Optional(
    Type.Integer({ minimum: 1, description: 'Most nodes in a batch. Default: as it was; so is the budget.' }),
  ),
  ...sizes,
});

type RunInput = Omit<RpcRequest<typeof plans.run>, 'opr_user' | 'nodes'> & {
  nodes?: Parameters<typeof addressesOf>[0] | undefined;
};

const runRequest = ({ nodes, ...input }: RunInput, operator: string): RpcRequest<typeof plans.run> => ({
  ...input,
  ...(nodes === undefined ? {} : { nodes: addressesOf(nodes) }),
  opr_user: operator,
});

type AgainInput = Omit<RpcRequest<typeof plans.again>, 'opr_user' | 'any_secret' | 'may_run'>;

const againRequest = (
  input: AgainInput,
  { operator, isAdmin, mayRun }: Invocation,
): RpcRequest<typeof plans.again> => ({
  ...input,
  opr_user: operator,
  ...(isAdmin ? { any_secret: true } : {}),
  ...(mayRun ? { may_run: true } : {}),
});

const madeTasks = ({ ids }: { ids: number[] }) => ({
  data: { ids },
  headers: { 'X-Task-Id': ids.join(',') },
});

const made = {
  methods: ['POST'] as const,
  access: 'write' as const,
  key: 'kept' as const,
  result: Type.Object({ ids: Type.Array(Type.Integer(), { description: 'New tasks, one for each pool.' }) }),
  example: { ids: [52] },
};

const refused: Failures = { otherwise: failure(400, '', {}) };
const ofTask: Failures = { ...refused, not_found: exactFailure(400, 'Flow not found', {}) };

export const oneOffs: Endpoint[] = [
  defineEndpoint({
    ...made,
    id: 'task.run',
    title: 'Run one script on nodes, without an entry of the catalog',
    notes:
      'It becomes a task with one step, `run`, without retries, whose event keeps the script: do not write secrets into it. Also for ' +
      'tokens that may run commands, whatever their role.',
    paths: ['/task/run'],
    body: 'large',
    role: 'admin',
    orMayRun: true,
    params: runParams,
    failures: refused,
    handler: async (input, { call, operator }) =>
      madeTasks(await call(scheduler.run, runRequest(input as RunInput, operator))),
  }),
  defineEndpoint({
    ...PREVIEWED,
    id: 'task.run_preview',
    title: 'What a one-off command would do',
    paths: ['/task/run/preview'],
    body: 'large',
    params: Type.Omit(runParams, ['if_plan']),
    failures: refused,
    handler: async (input, { call, operator }) =>
      done(await call(plans.run, runRequest(input as RunInput, operator))),
  }),
  defineEndpoint({
    ...made,
    id: 'task.again',
    title: 'Make a new task of an ended one',
    notes:
      'Over its nodes that are still in its pool. Of a template it runs what the template says now, with the values that its call, pool ' +
      'or service gave. A one-off command runs again as it was, for those who may run one.',
    paths: ['/task/again/:id'],
    role: 'operator',
    params: againParams,
    failures: ofTask,
    handler: async (input, invocation) =>
      madeTasks(await invocation.call(scheduler.again, againRequest(input as AgainInput, invocation))),
  }),
  defineEndpoint({
    ...PREVIEWED,
    id: 'task.again_preview',
    title: 'What running a task again would do',
    paths: ['/task/again/:id/preview'],
    params: Type.Omit(againParams, ['if_plan']),
    failures: ofTask,
    handler: async (input, invocation) =>
      done(await invocation.call(plans.again, againRequest(input as AgainInput, invocation))),
  }),
];
