import {
  type RpcRequest,
  ServiceError,
  tasks as scheduler,
  type UnusedParams,
  visible,
} from '@rigel/contracts';
import { Type } from 'typebox';
import { type Answer, done, listed } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint, type Invocation, type Method } from '../endpoint.js';
import {
  DocumentedFailure,
  exactFailure,
  type Failures,
  failure,
  failureFor,
  reasonFor,
} from '../failures.js';
import { mergeOverrides, OverridesInput, UnusedParamsInput } from '../request/overrides.js';
import { FIRST_PAGE } from '../request/paging.js';
import { HeldNodesInput, IfPlan, ReasonInput, RunsInput } from '../request/plan-params.js';
import { addressesOf, namedOrSelected, SelectInput, TargetsInput } from '../request/targets.js';
import { filter, filterOf, idOf, READ_BY_POST, REFUSED, STORE_LOST } from './common.js';
import { exampleOutput, LastEventId, OutputStream, streamed } from './live-rows.js';
import { Confirm } from './node-rows.js';
import {
  exampleTask,
  LogRow,
  NodeLog,
  RunRow,
  RunsByState,
  TaskInfoRow,
  TaskRow,
  toLogRow,
  toNodeLog,
  toRunRow,
  toRunsByState,
  toTaskInfoRow,
  toTaskRow,
} from './task-rows.js';

const NODE_LOG_FAILURES: Failures = { otherwise: failure(400, STORE_LOST, null) };

async function nodeLog(id: number, { call }: Invocation): Promise<Answer> {
  return done(toNodeLog(await call(scheduler.nodeLog, { id })));
}

/** The log of node run n under the address of task logs, with the failures of node logs. */
async function nodeLogByTaskAddress(id: number, invocation: Invocation): Promise<Answer> {
  try {
    return await nodeLog(id, invocation);
  } catch (error) {
    const documented = failureFor(NODE_LOG_FAILURES, error);
    throw documented && error instanceof Error
      ? new DocumentedFailure(documented, error.message, reasonFor(error))
      : error;
  }
}

/** The log of task n, or of node run n if no such task exists. */
async function logOfTaskOrRun(id: number, after: number, invocation: Invocation): Promise<Answer> {
  try {
    const { lines } = await invocation.call(scheduler.log, { id, after });
    return done(lines.map((line) => toLogRow(id, line, invocation.times)));
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'not_found') throw error;
    return await nodeLog(id, invocation);
  }
}

const controlled = {
  methods: ['POST', 'GET'] satisfies Method[],
  access: 'write' as const,
  role: 'operator' as const,
  result: Type.Null(),
  example: null,
};

function endEndpoint(
  operation: 'pause' | 'stop',
  title: string,
  notes: string,
  failures: Failures,
): Endpoint {
  return defineEndpoint({
    ...controlled,
    id: `task.${operation}`,
    title,
    notes,
    paths: [`/task/${operation}/:id`, `/task/${operation}`],
    params: Type.Object({
      id: idOf('task'),
      reason: ReasonInput,
      ...(operation === 'stop' ? { confirm: Confirm } : {}),
    }),
    failures,
    handler: async (input, { call, operator }) => {
      await call(scheduler[operation], { ...input, opr_user: operator });
      return done(null);
    },
  });
}

export const startParams = Type.Object({
  id: idOf('task'),
  runs: RunsInput,
  max_fail_num: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'A new budget: failed nodes that the task tolerates from here on. Absent: its own.',
    }),
  ),
  max_fail_ratio: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 100, description: 'The same in percent of the nodes.' }),
  ),
  if_plan: IfPlan,
});

export const createParams = Type.Object({
  template_id: idOf('template to run'),
  task_name: Type.String({ description: 'Name of the task.' }),
  timeout: Type.Integer({
    minimum: 0,
    maximum: 525_600,
    default: 0,
    description: 'Limit of the whole run in minutes, 0 = none.',
  }),
  auto: Type.Boolean({ default: true, description: 'Start at once (also 1), or wait for a start (0).' }),
  max_ratio: Type.Integer({
    minimum: 1,
    maximum: 100,
    default: 100,
    description: 'Percent of the nodes in a batch.',
  }),
  max_num: Type.Integer({
    minimum: 0,
    default: 0,
    description: 'Most nodes in a batch, 0 = no limit.',
  }),
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
  opr_user: Type.Optional(
    Type.String({ description: 'Operator; default: the text of the Authorization header.' }),
  ),
  nodes: Type.Optional(TargetsInput),
  select: SelectInput,
  params: OverridesInput,
  unused_params: UnusedParamsInput,
  held_nodes: HeldNodesInput,
  if_plan: IfPlan,
});

export const tasks: Endpoint[] = [
  defineEndpoint({
    id: 'task.create',
    title: 'Create a task over nodes, and start it',
    notes:
      'Nodes of several pools make one task for each pool. The header X-Task-Id of the answer holds the ids of the new ' +
      'tasks, separated by commas.',
    methods: ['POST', 'GET'],
    paths: ['/task/create'],
    body: 'large',
    access: 'write',
    role: 'operator',
    getNeedsBody: true,
    params: createParams,
    key: 'kept',
    failures: { otherwise: failure(400, REFUSED, []) },
    result: Type.Null(),
    example: null,
    handler: async (
      { nodes, select, params, unused_params, opr_user, ...input },
      { call, operator, authenticated, isAdmin },
    ) => {
      const by = (authenticated ? '' : visible(opr_user?.trim() ?? '')) || operator;
      const request: RpcRequest<typeof scheduler.create> = {
        ...input,
        opr_user: by,
        ...namedOrSelected(nodes && addressesOf(nodes), select),
        params: mergeOverrides(params),
        unused_params: unused_params as UnusedParams,
        ...(isAdmin ? { any_secret: true } : {}),
      };
      const { ids } = await call(scheduler.create, request, by);
      return { data: null, headers: { 'X-Task-Id': ids.join(',') } };
    },
  }),
  defineEndpoint({
    ...controlled,
    id: 'task.start',
    title: 'Start a task, or resume it where it halted',
    notes: 'Not for a task that runs, has nothing left to do or was stopped.',
    paths: ['/task/start/:id', '/task/start'],
    params: startParams,
    // When a request is repeated, the started task may have halted again, and the repetition would resume it once more.
    key: 'refused',
    failures: {
      otherwise: failure(400, '', {}),
      unreadable: failure(400, '', {}),
      parameter: exactFailure(400, 'flow not found id {id}', {}),
      parameters: Object.fromEntries(
        ['runs', 'max_fail_num', 'max_fail_ratio', 'if_plan'].map((name) => [name, failure(400, '', {})]),
      ),
      not_found: exactFailure(400, 'flow not found id {id}', {}),
    },
    handler: async (input, { call, operator }) => {
      await call(scheduler.start, { ...input, opr_user: operator });
      return done(null);
    },
  }),
  endEndpoint(
    'pause',
    'Pause a running task',
    'Steps that are at work are left to finish; no other one begins.',
    { otherwise: failure(400, 'pause flow {id} fails:', {}) },
  ),
  endEndpoint(
    'stop',
    'End a task for good',
    'Running commands are ended too. The task cannot be started again.',
    { otherwise: failure(400, 'stop flow {id} fails:', {}) },
  ),
  defineEndpoint({
    id: 'task.release_node',
    title: 'Release a node that is held because a command may still run on it',
    notes:
      'For a node run that has ended, but whose command could not be ended on its node: by this word of a person, recorded with ' +
      'the reason, nothing of it runs there any more, and the node is free. Until then the node is looked at again and again.',
    methods: ['POST'],
    paths: ['/task/release_node/:nsid'],
    access: 'write',
    role: 'operator',
    params: Type.Object({
      nsid: idOf('node run (id in the detail of its task)'),
      reason: Type.String({
        description: 'How it is known that nothing of it runs there any more; 1 to 500 characters.',
      }),
    }),
    failures: { otherwise: failure(400, 'release node fails:', {}) },
    result: Type.Null(),
    example: null,
    handler: async ({ nsid, reason }, { call, operator }) => {
      await call(scheduler.releaseNode, { id: nsid, reason, opr_user: operator });
      return done(null);
    },
  }),
  defineEndpoint({
    id: 'task.log',
    title: 'Log of a task, oldest line first',
    notes:
      'With kind=node the id is a node run’s, and the answer is the log of that node; the same when no task has this id ' +
      'but a node run has.',
    methods: ['GET', 'POST'],
    paths: ['/task/:id/log', '/task/flow/:id/log'],
    access: 'read',
    params: Type.Object({
      id: idOf('task (or node run)'),
      kind: Type.Enum(['task', 'node'], { default: 'task', description: 'What the id is.' }),
      after: Type.Integer({ minimum: 0, default: 0, description: 'Only lines with a greater id.' }),
    }),
    failures: {
      otherwise: failure(400, 'Flow not found', {}),
      not_found: exactFailure(400, 'Flow not found', {}),
    },
    result: Type.Union([Type.Array(LogRow), NodeLog]),
    example: [
      {
        id: 1,
        fid: 2,
        batch_id: 0,
        correlation_id: '2-0',
        message: 'the run begins',
        ctime: 1_767_600_000,
      },
    ],
    handler: ({ id, kind, after }, invocation) =>
      kind === 'node' ? nodeLogByTaskAddress(id, invocation) : logOfTaskOrRun(id, after, invocation),
  }),
  defineEndpoint({
    id: 'task.list',
    title: 'List tasks, newest first',
    methods: READ_BY_POST,
    paths: ['/task/list'],
    access: 'read',
    paged: true,
    params: Type.Object({ name: filter('name') }),
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: Type.Array(TaskRow),
    example: [exampleTask],
    handler: async ({ name }, { page, call, times }) => {
      const { rows, total } = await call(scheduler.list, { ...page, name: filterOf(name) });
      return listed(page, { total, rows: rows.map((task) => toTaskRow(task, times)) });
    },
  }),
  defineEndpoint({
    id: 'task.info',
    title: 'One task',
    notes: 'POST answers an array of one task with paging fields, GET the task itself.',
    methods: READ_BY_POST,
    paths: ['/task/:id'],
    access: 'read',
    params: Type.Object({
      id: idOf('task'),
      wait: Type.Integer({
        minimum: 0,
        maximum: 30,
        default: 0,
        description:
          'Seconds to wait for the end of the run: the answer comes as soon as it is over (`end_reason` is not empty), and no ' +
          'command of it is at work on any node, or after so long with the task as it is then.',
      }),
    }),
    failures: {
      otherwise: failure(400, STORE_LOST, null),
      not_found: exactFailure(400, 'flow not found id {id}', null),
      busy: failure(503, '', null),
    },
    result: Type.Union([Type.Array(TaskInfoRow), TaskInfoRow]),
    example: [exampleTask],
    handler: async ({ id, wait }, { method, call, taskEnd, times }) => {
      const task = toTaskInfoRow(await (wait > 0 ? taskEnd(id, wait) : call(scheduler.get, { id })), times);
      return method === 'GET' ? done(task) : listed(FIRST_PAGE, { rows: [task], total: 1 });
    },
  }),
  defineEndpoint({
    id: 'task.detail',
    title: 'Node runs of a task',
    notes: 'POST answers all node runs as one array, GET sorts them by state.',
    methods: READ_BY_POST,
    paths: ['/task/:id/detail'],
    access: 'read',
    params: Type.Object({ id: idOf('task') }),
    failures: {
      otherwise: failure(400, STORE_LOST, {}),
      not_found: exactFailure(400, 'Flow not found', {}),
    },
    result: Type.Union([Type.Array(RunRow), RunsByState]),
    example: [
      {
        id: 1,
        ip: '10.0.0.7',
        state: 3,
        pool_name: 'shop-a',
        vm_id: '',
        created: '2026-01-05 08:00:00',
        updated: '2026-01-05 08:00:12',
        step: 'start_service',
        node_id: 1,
        batch_id: 1,
        Created: '2026-01-05T08:00:00.000Z',
        Updated: '2026-01-05T08:00:12.000Z',
        held_by: null,
        steps: {
          name: 'start_service',
          num: 1,
          list: [{ name: 'start_service', state: 3, attempts: 3, message: 'exit code 1' }],
        },
      },
    ],
    handler: async ({ id }, { method, call, times }) => {
      const { rows } = await call(scheduler.detail, { id });
      return done(method === 'GET' ? toRunsByState(rows, times) : rows.map((run) => toRunRow(run, times)));
    },
  }),
  defineEndpoint({
    id: 'task.node_log',
    title: 'Log of a node in a task: what each step printed, all attempts',
    methods: READ_BY_POST,
    paths: ['/task/node/:nsid/log'],
    access: 'read',
    params: Type.Object({
      nsid: idOf('node run (id in the detail of its task)'),
      follow: Type.Boolean({
        default: false,
        description:
          'Server-sent events as the output appears, until the node run has ended (GET alone). Of output over the limit that comes ' +
          'faster than it can be passed on a line says how much is left out.',
      }),
      last_event_id: LastEventId,
    }),
    failures: { ...NODE_LOG_FAILURES, busy: failure(503, '', null) },
    result: NodeLog,
    example: [{ start_service: 'started' }],
    events: { schema: OutputStream, examples: exampleOutput },
    handler: async ({ nsid, follow, last_event_id }, invocation) =>
      follow && invocation.method === 'GET'
        ? streamed(
            await invocation.live.runOutput(nsid, invocation.lastEventId ?? last_event_id, invocation.client),
          )
        : nodeLog(nsid, invocation),
  }),
];
