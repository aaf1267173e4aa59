import type { EndpointSpec, WrongValue } from '../endpoint.js';
import { type Refusal, saying } from '../expectation.js';
import {
  both,
  either,
  equal,
  exactly,
  id,
  integer,
  isObject,
  listOf,
  localTime,
  mapOf,
  matching,
  objectWith,
  oneOf,
  rfc3339,
  type Shape,
  text,
} from '../shape.js';
import type { World } from '../world.js';
import { exactRefusal, lost, READ, refusal, SELECT_WRONG } from './common.js';

const maybe = (shape: Shape): Shape => either(exactly(null), shape);
const state = oneOf(0, 1, 2, 3, 4);
const counters: Shape = (value, at) =>
  listOf(integer, 5)(value, at) ??
  ((value as unknown[]).length === 5 ? undefined : `${at} must have five counters`);

/** Keys that come twice say the same. */
const sameTwice: Shape = (value, at) => {
  if (!isObject(value)) return `${at} must be an object`;
  if (!equal(value.Status, value.state)) return `${at}.Status and ${at}.state differ`;
  return equal(value.stat, value.Stat) ? undefined : `${at}.stat and ${at}.Stat differ`;
};

export const taskRow = both(
  objectWith({
    id,
    template_id: id,
    template_name: text,
    one_off: oneOf(true, false),
    task_name: text,
    pool_name: text,
    Status: state,
    state,
    options: listOf(objectWith({ name: text, param_values: objectWith({}), retry: objectWith({}) })),
    step_len: integer,
    opr_user: text,
    created: localTime,
    updated: localTime,
    stat: counters,
    Stat: counters,
    ignored: integer,
    pool_id: id,
    flow_type: oneOf('manual', 'crontab'),
    end_reason: oneOf('', 'completed', 'partial', 'failed', 'stopped', 'timeout'),
    version: id,
    created_at: rfc3339,
    updated_at: rfc3339,
    started_at: maybe(rfc3339),
    ended_at: maybe(rfc3339),
    deadline_at: maybe(rfc3339),
    duration_ms: maybe(integer),
    nodes: id,
    failed: integer,
    budget: maybe(integer),
    batch: integer,
    batches: id,
    occurrence: maybe(objectWith({ schedule_id: id, cause: text, due_at: rfc3339 })),
  }),
  sameTwice,
);

/** A task with what lists do not tell. */
const taskInfo = both(taskRow, objectWith({ commands_alive: integer, gate: exactly(null) }));

/** Who holds a node. */
export const heldBy = either(
  exactly(null),
  objectWith({ task_id: id, name: text, opr_user: text, since: rfc3339, ending: oneOf(true, false) }),
);

const run = {
  id,
  ip: text,
  state,
  pool_name: text,
  vm_id: text,
  created: localTime,
  step: text,
  node_id: id,
  batch_id: id,
  updated: localTime,
  Created: rfc3339,
  Updated: rfc3339,
  held_by: heldBy,
};
export const runRow = objectWith({ ...run, steps: objectWith({}) });
const consoleRun = objectWith({ ...run, steps: text });

/** Node runs by the number of their state, and how many there are. */
export const runsByState: Shape = (value, at) => {
  if (!isObject(value)) return `${at} must be an object`;
  const { total, ...states } = value;
  const wrong = mapOf(listOf(consoleRun, 1))(states, at);
  if (wrong !== undefined) return wrong;
  const strange = Object.keys(states).find((name) => !/^[0-4]$/.test(name));
  if (strange !== undefined) return `${at} must not have a state ${strange}`;
  const count = Object.values(states).reduce((sum: number, runs) => sum + (runs as unknown[]).length, 0);
  return total === count ? undefined : `${at}.total must be ${count}, it is ${String(total)}`;
};

export const logLine = objectWith({
  id,
  fid: id,
  batch_id: integer,
  correlation_id: matching(/^\d+-\d+$/),
  message: text,
  ctime: integer,
});
export const nodeLog = listOf(mapOf(text));

const reasons = listOf(
  objectWith({
    code: matching(/^[a-z_]+$/),
    text,
    since: either(rfc3339, exactly(null)),
    data: objectWith({}),
  }),
);
export const whyTask = objectWith({
  task_id: id,
  state,
  text,
  chain: reasons,
  nodes: listOf(objectWith({ run_id: id, node_id: id, ip: text, state, chain: reasons })),
  more_nodes: integer,
});

/** Rows of a list that comes in parts. */
const partOf = (row: Shape, least = 0): Shape => objectWith({ rows: listOf(row, least), next: maybe(text) });

const refused = refusal(400, 'error...', []);

/** A task that waits for its start: nothing runs anywhere. */
async function newTask(world: World) {
  const template = await world.shared('runnable', () => world.runnableTemplate());
  return {
    template_id: template.id,
    task_name: world.name('task'),
    timeout: 10,
    auto: 0,
    max_ratio: 20,
    max_num: 10,
    opr_user: 'root',
    nodes: [{ ip: (await world.node()).ip }],
    params: {},
  };
}

const sharedTask = (world: World) => world.shared('task', () => world.task());

const TASK_WRONG: WrongValue[] = [
  { what: 'a template that does not exist', change: { template_id: 2_147_483_006 }, says: '2147483006' },
  { what: 'a name without a character', change: { task_name: ' ' } },
  { what: 'a ratio of 0', change: { max_ratio: 0 } },
  { what: 'a ratio of 101', change: { max_ratio: 101 } },
  { what: 'a ratio that is no number', change: { max_ratio: 'half' } },
  { what: 'a negative batch', change: { max_num: -1 } },
  { what: 'a negative time limit', change: { timeout: -1 } },
  { what: 'auto that is neither yes nor no', change: { auto: 2 } },
  { what: 'a negative failure budget', change: { max_fail_num: -1 } },
  { what: 'a failure budget over 100 percent', change: { max_fail_ratio: 101 } },
  { what: 'no node', change: { nodes: [] } },
  { what: 'nodes that are text', change: { nodes: '10.85.41.160' } },
  ...SELECT_WRONG,
  {
    what: 'a selection of every node',
    change: { nodes: undefined, select: { limit: 3 } },
    says: 'every node would match',
  },
  {
    what: 'a selection that finds nothing',
    change: { nodes: undefined, select: { labels: 'no-node-has-this' } },
    says: 'no node with an address matches',
  },
  { what: 'a node without an address', change: { nodes: [{ '': 'object' }] }, says: 'nodes' },
  { what: 'blank addresses alone', change: { nodes: [{ ip: ' ' }, ''] }, says: /blank/ },
  {
    what: 'a node with a field that is not known',
    change: async (world) => ({ nodes: [{ ip: (await world.node()).ip, ipp: 'x' }] }),
    says: 'nearest known name is ip',
  },
  {
    what: 'a value that no step uses',
    change: { params: { wodr: 'x' } },
    says: 'nearest known name is word',
  },
  {
    what: 'values of a step that there is not',
    change: { params: { nowhere: { word: 'x' } } },
    says: 'nowhere.word',
  },
  { what: 'a list for a text', change: { params: { word: ['x'] } }, says: 'params.word' },
  { what: 'an object for a text', change: { params: { word: { a: 1 } } }, says: 'params.word' },
  { what: 'null for a text', change: { params: { word: null } }, says: 'params.word' },
  { what: 'a secret that became text', change: { params: { word: '[object Object]' } }, says: 'params.word' },
  { what: 'another word for unused values', change: { unused_params: 'ignore' }, says: 'unused_params' },
  { what: 'an address that is a place-holder', change: { nodes: [{ ip: '-' }] }, says: 'address' },
  { what: 'an address that no node has', change: { nodes: ['198.51.100.5'] }, says: '198.51.100.5' },
  {
    what: 'a node that an unfinished task holds',
    change: async (world) => ({ nodes: [(await world.task()).ip] }),
    says: /127\./,
  },
  {
    what: 'a template without a step',
    change: async (world) => ({ template_id: (await world.template({ steps: [] })).id }),
    says: 'step',
  },
  {
    what: 'a step whose action does not exist',
    change: async (world) => {
      const step = await world.remoteStep({ actions: ['conf-no-action'] });
      return { template_id: (await world.template({ steps: [{ name: step.name }] })).id };
    },
    says: 'conf-no-action',
  },
  {
    what: 'an action without an implementation',
    change: async (world) => ({ template_id: (await world.template()).id }),
    says: /implement/,
  },
  {
    what: 'a parameter without a value',
    change: async (world) => {
      const { stepName } = await world.runnableTemplate();
      return { template_id: (await world.template({ steps: [{ name: stepName }] })).id };
    },
    says: 'word',
  },
  {
    what: 'a built-in step without its parameter, or its provider',
    change: async (world) => ({ template_id: (await world.template({ steps: [{ name: 'register' }] })).id }),
    says: 'register',
  },
  { what: 'parameters that are text', change: { params: 'x' } },
  { what: 'another word for held nodes', change: { held_nodes: 'take' }, says: 'held_nodes' },
];

function control(
  operation: 'start' | 'pause' | 'stop',
  valid: EndpointSpec['valid'],
  failure: Refusal,
  wrong: WrongValue[],
): EndpointSpec {
  return {
    id: `task.${operation}`,
    methods: ['POST', 'GET'],
    paths: [`/task/${operation}/:id`, `/task/${operation}`],
    access: 'write',
    ...(operation === 'start' ? { key: 'refused' as const } : {}),
    valid,
    data: exactly(null),
    refusal: failure,
    unknownId: failure,
    // The id cannot be told then.
    unreadable: refusal(400, '', {}),
    wrong,
  };
}

export const ofState = async (world: World, auto: 0 | 1, ...commands: string[]) => {
  const { id } = await world.task(auto);
  for (const command of commands) await world.post(`/task/${command}/${id}`);
  return { id };
};

export const tasks: EndpointSpec[] = [
  {
    id: 'task.create',
    methods: ['POST', 'GET'],
    paths: ['/task/create'],
    access: 'write',
    key: 'kept',
    params: {
      template_id: { kind: 'integer', required: true },
      task_name: { kind: 'text', required: true },
      timeout: { kind: 'integer' },
      auto: { kind: 'flag' },
      max_ratio: { kind: 'integer' },
      max_num: { kind: 'integer' },
      opr_user: { kind: 'text' },
      nodes: { kind: 'structure', required: true },
      select: { kind: 'structure' },
      params: { kind: 'structure' },
    },
    valid: newTask,
    data: exactly(null),
    refusal: refused,
    wrong: [
      ...TASK_WRONG,
      { what: 'a plan that was never shown', change: { if_plan: 'abc' }, says: 'no plan of this release' },
    ],
  },
  control('start', (world) => ofState(world, 0), refusal(400, 'flow not found id ', {}), [
    {
      what: 'a task that runs',
      change: (world) => ofState(world, 1),
      refusal: refusal(400, '', {}),
      says: 'running',
    },
    {
      what: 'a task that was stopped',
      change: (world) => ofState(world, 0, 'stop'),
      refusal: refusal(400, '', {}),
      says: 'terminated',
    },
    {
      what: 'a node run of another task',
      change: { runs: [2_147_483_009] },
      refusal: refusal(400, '', {}),
      says: '2147483009',
    },
    { what: 'no node run', change: { runs: [] }, refusal: refusal(400, '', {}), says: 'runs' },
    {
      what: 'a plan that was never shown',
      change: { if_plan: 'abc' },
      refusal: refusal(400, '', {}),
      says: 'no plan of this release',
    },
    {
      what: 'a plan that is none',
      change: { if_plan: 'A plan!' },
      refusal: refusal(400, '', {}),
      says: 'if_plan',
    },
  ]),
  control('pause', (world) => ofState(world, 1), refusal(400, 'pause flow ', {}), [
    { what: 'a task that has not begun', change: (world) => ofState(world, 0), says: 'running' },
    { what: 'a task that is paused', change: (world) => ofState(world, 1, 'pause'), says: 'fails: ' },
    { what: 'a task that was stopped', change: (world) => ofState(world, 0, 'stop'), says: 'fails: ' },
    { what: 'a reason that is too long', change: { reason: 'x'.repeat(501) }, says: 'reason' },
  ]),
  control('stop', (world) => ofState(world, 0), refusal(400, 'stop flow ', {}), [
    { what: 'a task that was stopped', change: (world) => ofState(world, 0, 'stop'), says: 'stopped' },
  ]),
  {
    id: 'task.release_node',
    methods: ['POST'],
    paths: ['/task/release_node/:nsid'],
    access: 'write',
    params: { reason: { kind: 'text', required: true } },
    valid: async (world) => ({
      nsid: (await sharedTask(world)).runId,
      reason: 'the machine is switched off',
    }),
    data: exactly(null),
    // It takes a command that withstands being ended, on a node.
    answered: saying(refusal(400, 'release node fails:', {}), 'nothing to release'),
    refusal: refusal(400, 'release node fails:', {}),
    unknownId: saying(refusal(400, 'release node fails:', {}), 'no node run'),
    wrong: [
      { what: 'no reason', change: { reason: ' ' } },
      { what: 'a reason that is too long', change: { reason: 'x'.repeat(501) } },
    ],
  },
  {
    id: 'task.log',
    methods: READ,
    paths: ['/task/:id/log', '/task/flow/:id/log'],
    access: 'read',
    params: { after: { kind: 'integer' } },
    valid: async (world) => ({ id: (await sharedTask(world)).id, after: 0 }),
    data: listOf(logLine, 1),
    refusal: refusal(400, 'Flow not found', {}),
    unknownId: exactRefusal(400, 'Flow not found', {}),
    wrong: [
      { what: 'an unknown kind of log', change: { kind: 'pool' } },
      { what: 'lines after nothing', change: { after: 'x' } },
    ],
  },
  {
    id: 'task.list',
    methods: ['POST', 'GET'],
    paths: ['/task/list'],
    access: 'read',
    valid: async () => ({}),
    data: listOf(taskRow),
    paged: {
      order: 'newest first',
      filter: { param: 'name', field: 'task_name' },
      row: async (world) => {
        const { id } = await world.task();
        const [row] = (await world.post(`/task/${id}`)) as { task_name: string }[];
        return { id, keyword: row?.task_name ?? '' };
      },
    },
    refusal: lost.object,
  },
  {
    id: 'task.info',
    methods: ['POST', 'GET'],
    paths: ['/task/:id'],
    access: 'read',
    valid: async (world) => ({ id: (await sharedTask(world)).id }),
    data: listOf(taskInfo, 1),
    dataByGet: taskInfo,
    pagingBeside: ['POST'],
    refusal: lost.nothing,
    unknownId: refusal(400, 'flow not found id ', null),
  },
  {
    id: 'task.detail',
    methods: ['POST', 'GET'],
    paths: ['/task/:id/detail'],
    access: 'read',
    valid: async (world) => ({ id: (await sharedTask(world)).id }),
    data: listOf(runRow, 1),
    dataByGet: runsByState,
    refusal: lost.object,
    unknownId: exactRefusal(400, 'Flow not found', {}),
  },
  {
    id: 'task.why',
    methods: ['GET'],
    paths: ['/task/:id/why'],
    access: 'read',
    valid: async (world) => ({ id: (await sharedTask(world)).id }),
    data: whyTask,
    refusal: lost.object,
    unknownId: exactRefusal(400, 'Flow not found', {}),
  },
  {
    id: 'task.node_log',
    methods: ['POST', 'GET'],
    paths: ['/task/node/:nsid/log'],
    access: 'read',
    valid: async (world) => ({ nsid: (await sharedTask(world)).runId }),
    data: nodeLog,
    refusal: lost.nothing,
    unknownId: lost.nothing,
  },
  {
    id: 'task.find',
    methods: ['GET'],
    paths: ['/task/find'],
    access: 'read',
    params: { limit: { kind: 'integer' } },
    valid: async (world) => ({ q: `#${(await sharedTask(world)).id}`, limit: 10 }),
    data: partOf(taskRow, 1),
    refusal: refusal(400, '', {}),
    wrong: [
      { what: 'a state that there is not', change: { state: '1,7' } },
      { what: 'an end that there is not', change: { end_reason: 'broken' } },
      { what: 'a pool that is no id', change: { pool_id: '1,x' } },
      { what: 'an order that there is not', change: { sort: 'name' } },
      { what: 'a time that is none', change: { from: 'yesterday' } },
      { what: 'no rows', change: { limit: 0 } },
      { what: 'too many rows', change: { limit: 1_001 } },
      { what: 'a cursor of nothing', change: { cursor: 'x' } },
      { what: 'a kind that there is not', change: { flow_type: 'x' }, says: 'flow_type' },
    ],
  },
  {
    id: 'task.grid',
    methods: ['GET'],
    paths: ['/task/:id/grid'],
    access: 'read',
    params: { after: { kind: 'text' } },
    valid: async (world) => ({ id: (await sharedTask(world)).id }),
    data: objectWith({
      version: id,
      cursor: text,
      whole: objectWith({
        first_nsid: id,
        ips: listOf(text, 1),
        node_ids: listOf(listOf(id, 2), 1),
        state: matching(/^[0-4]+$/),
        step: matching(/^[0-9a-z]+$/),
        attempts: matching(/^[0-9a-z]+$/),
        batch: listOf(listOf(id, 2), 1),
        changed: listOf(integer, 1),
      }),
      marks: objectWith({ gate: listOf(integer), retrying: listOf(integer), draining: listOf(integer) }),
    }),
    refusal: refusal(400, '', {}),
    unknownId: exactRefusal(400, 'Flow not found', {}),
    wrong: [{ what: 'changes after nothing', change: { after: 'x' } }],
  },
  {
    id: 'task.runs',
    methods: ['GET'],
    paths: ['/task/:id/runs'],
    access: 'read',
    params: { limit: { kind: 'integer' }, batch: { kind: 'integer' } },
    valid: async (world) => ({ id: (await sharedTask(world)).id, limit: 10, batch: 1 }),
    data: partOf(
      objectWith({
        id,
        index: integer,
        node_id: id,
        ip: text,
        vm_id: text,
        batch_id: id,
        state,
        step: text,
        step_num: integer,
        attempts: integer,
        message: text,
        updated_at: rfc3339,
      }),
      1,
    ),
    refusal: refusal(400, '', {}),
    unknownId: exactRefusal(400, 'Flow not found', {}),
    wrong: [
      { what: 'a state that there is not', change: { state: 'failed' } },
      { what: 'a step that the task does not have', change: { step: 'conf-no-step' }, says: 'conf-no-step' },
      { what: 'an order that there is not', change: { sort: 'name' } },
      { what: 'a batch before the first', change: { batch: 0 } },
      { what: 'a cursor of nothing', change: { cursor: 'x' } },
    ],
  },
  {
    id: 'task.batches',
    methods: ['GET'],
    paths: ['/task/:id/batches'],
    access: 'read',
    params: { limit: { kind: 'integer' } },
    valid: async (world) => ({ id: (await sharedTask(world)).id, limit: 10 }),
    data: partOf(
      objectWith({
        batch_id: id,
        stat: counters,
        started_at: maybe(rfc3339),
        ended_at: maybe(rfc3339),
        last: maybe(objectWith({ id, node_id: id, ip: text, ended_at: rfc3339 })),
        open: listOf(objectWith({ id, node_id: id, ip: text })),
      }),
      1,
    ),
    refusal: refusal(400, '', {}),
    unknownId: exactRefusal(400, 'Flow not found', {}),
    wrong: [{ what: 'a cursor of nothing', change: { cursor: 'x' } }],
  },
  {
    id: 'task.plan',
    methods: ['GET'],
    paths: ['/task/:id/plan'],
    access: 'read',
    params: {},
    valid: async (world) => ({ id: (await sharedTask(world)).id }),
    data: objectWith({
      template: objectWith({ id, name: text }),
      steps: listOf(
        objectWith({
          name: text,
          kind: oneOf('vm', 'sd', 'remote'),
          timeout: integer,
          params: listOf(objectWith({ name: text, value: text, secret: oneOf(true, false) })),
          actions: listOf(
            objectWith({
              name: text,
              module: text,
              script: text,
              text,
              cut: oneOf(true, false),
              places: listOf(objectWith({ name: text, line: id, column: id, context: text })),
            }),
          ),
        }),
        1,
      ),
      catalog: objectWith({
        state: oneOf('same', 'changed', 'deleted', 'unusable'),
        reason: text,
        name: text,
        values: oneOf(true, false),
        differences: listOf(objectWith({ kind: text, step: text, name: text })),
        total: integer,
      }),
    }),
    refusal: refusal(400, '', {}),
    unknownId: exactRefusal(400, 'Flow not found', {}),
  },
  {
    id: 'task.failures',
    methods: ['GET'],
    paths: ['/task/:id/failures'],
    access: 'read',
    params: { limit: { kind: 'integer' } },
    valid: async (world) => ({ id: (await sharedTask(world)).id, limit: 10 }),
    data: objectWith({
      rows: listOf(
        objectWith({
          step: text,
          step_num: id,
          reason: text,
          example: text,
          count: id,
          first_at: rfc3339,
          last_at: rfc3339,
          nodes: listOf(objectWith({ id, node_id: id, ip: text }), 1),
        }),
      ),
      failed: integer,
      more_groups: integer,
    }),
    refusal: refusal(400, '', {}),
    unknownId: exactRefusal(400, 'Flow not found', {}),
    wrong: [{ what: 'no groups', change: { limit: 0 } }],
  },
];
