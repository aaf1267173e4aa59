import {
  access,
  catalog,
  fleetExport,
  inventory,
  live,
  nodeRuns,
  onceOf,
  orphans,
  overview,
  plans,
  type Rpc,
  type RpcResponse,
  readVerification,
  recordedPlan,
  ServiceError,
  schedulerSystem,
  schedules,
  search,
  sessions,
  taskGrid,
  taskPast,
  taskReads,
  tasks,
  taskWhy,
} from '@rigel/contracts';
import { assertMatches } from '@rigel/messaging';
import t from 'tap';
import type { Endpoint, Method } from './endpoint.js';
import { endpoints as all } from './routes/index.js';
import { answerEverything } from './testing/answers.js';
import { startTestGateway } from './testing/gateway.js';
import { cronItem, pool, schedule } from './testing/rows.js';

/*
 * What needs services that do as the test says: every endpoint answers what its documentation says, and when the
 * service in charge cannot answer or has a fault. All else about the API is in test/src/conformance.
 */

const { app, services, stop } = await startTestGateway();
t.teardown(stop);

/** What only streams is tried in live/live.test.ts. */
const endpoints = all.filter(({ streamsOnly, file }) => !streamsOnly && !file);
/** Made of what several services say: a service that is away is named in the answer. */
const IN_PARTS = ['overview', 'search', 'system', 'verification', 'verification.begin'];

const LOST = 'db server lost...';

/** By endpoint: code, beginning of the message and data when a service or the store does not answer. */
const UNAVAILABLE: Record<string, [code: number, text: string, data: unknown]> = {
  'cluster.list': [400, LOST, []],
  'cluster.create': [400, LOST, {}],
  'cluster.update': [400, LOST, null],
  'cluster.delete': [400, LOST, null],
  'cluster.info': [400, 'id is error...', {}],
  'cluster.list_services': [400, 'error...', {}],
  'service.create': [400, '请求参数解析错误', []],
  'service.update': [400, '请求参数解析错误', []],
  'service.delete': [404, '数据库操作失败', []],
  'service.info': [400, 'id is error !', []],
  'service.list_pools': [400, 'error...', {}],
  'pool.create': [400, '请求参数解析错误', []],
  'pool.delete': [400, 'fail to delete pool', []],
  'pool.update': [404, '数据库操作失败', []],
  'pool.list': [400, LOST, []],
  'pool.info': [404, 'db error', []],
  'pool.list_nodes': [400, 'error...', {}],
  'pool.add_nodes': [404, '请求参数解析错误', []],
  'pool.remove_nodes': [400, '参数解析出错', []],
  'pool.search_by_ip': [400, LOST, {}],
  'pool.expand': [400, '', {}],
  'pool.shrink': [400, '', {}],
  'pool.deploy': [400, '', {}],
  'pool.protect': [400, '', {}],
  'fleet.summary': [400, '', {}],
  export: [400, '', {}],
  'pool.summary': [400, '', {}],
  'node.list': [400, '', {}],
  'node.find': [400, '', {}],
  'node.label': [400, '', {}],
  'node.info': [400, '', {}],
  'node.runs': [400, '', {}],
  'cluster.history': [400, '', {}],
  'service.history': [400, '', {}],
  'pool.history': [400, '', {}],
  'node.history': [400, '', {}],
  'task_impl.create': [404, 'step name not found', {}],
  'task_impl.delete': [404, 'task impl not found', {}],
  'task_impl.list': [400, LOST, []],
  'task.create': [400, 'error...', []],
  'task.output': [400, '', {}],
  'task.output_groups': [400, '', {}],
  'task.preview': [400, 'error...', []],
  'task.run': [400, '', {}],
  'task.run_preview': [400, '', {}],
  'task.again': [400, '', {}],
  'task.again_preview': [400, '', {}],
  'task.start_preview': [400, '', {}],
  'pool.expand_preview': [400, '', {}],
  'pool.shrink_preview': [400, '', {}],
  'pool.deploy_preview': [400, '', {}],
  'task.start': [400, '', {}],
  'task.pause': [400, 'pause flow 7 fails:', {}],
  'task.stop': [400, 'stop flow 7 fails:', {}],
  'task.release_node': [400, 'release node fails:', {}],
  'task.why': [400, LOST, {}],
  'task.node': [400, LOST, {}],
  'task.node_why': [400, LOST, {}],
  'task.node_output': [400, LOST, {}],
  'task.node_output_search': [400, LOST, {}],
  'task.output_search': [400, LOST, {}],
  'task.at': [400, LOST, {}],
  'task.frames': [400, LOST, {}],
  'task.timeline': [400, LOST, {}],
  'task.history': [400, LOST, {}],
  'task.find': [400, LOST, {}],
  'task.plan': [400, LOST, {}],
  'task.grid': [400, LOST, {}],
  'task.runs': [400, LOST, {}],
  'task.batches': [400, LOST, {}],
  'task.failures': [400, LOST, {}],
  'task.log': [400, 'Flow not found', {}],
  'task.list': [400, LOST, {}],
  'task.info': [400, LOST, null],
  'task.expand_list': [400, 'Bad pool id...', {}],
  'task.upload_list': [400, 'Bad pool id...', {}],
  'task.detail': [400, LOST, {}],
  'task.save_task': [400, LOST, {}],
  'schedule.occurrences': [400, LOST, {}],
  'schedule.list': [400, LOST, {}],
  'schedule.calendar': [400, LOST, {}],
  'schedule.ledger': [400, LOST, {}],
  'schedule.ignore_next': [400, LOST, {}],
  'task.save_task_preview': [400, LOST, {}],
  'task.node_log': [400, LOST, null],
  'task_tpl.create': [400, LOST, {}],
  'task_tpl.list': [400, LOST, {}],
  'task_tpl.delete': [404, 'data not found', {}],
  'task_tpl.info': [404, 'error...', {}],
  'task_tpl.update': [400, LOST, {}],
  'task_step.list': [400, LOST, []],
  'remote_step.list': [400, LOST, []],
  'remote_step.create': [400, LOST, {}],
  'remote_step.update': [400, LOST, null],
  'remote_step.delete': [400, LOST, null],
  'remote_step.info': [400, 'id is error...', {}],
  'action.list': [400, LOST, []],
  'action.create': [400, LOST, {}],
  'action.update': [404, LOST, null],
  'action.delete': [404, LOST, null],
  'action.info': [404, 'action in db not found', {}],
  'action_impl.create': [400, LOST, {}],
  'action_impl.list': [400, LOST, {}],
  'action_impl.delete': [404, 'data not found', {}],
  'actimpl.list': [400, LOST, []],
  'actimpl.create': [400, LOST, {}],
  'actimpl.update': [400, LOST, null],
  'actimpl.delete': [400, LOST, null],
  'actimpl.info': [400, 'id is error...', {}],
  'action.history': [400, '', {}],
  'action.uses': [400, '', {}],
  'remote_step.history': [400, '', {}],
  'remote_step.uses': [400, '', {}],
  'task_tpl.history': [400, '', {}],
  'task_tpl.uses': [400, '', {}],
  'audit.list': [400, LOST, []],
  'token.list': [400, LOST, []],
  'token.create': [400, LOST, {}],
  'token.revoke': [400, LOST, {}],
  'session.list': [400, LOST, {}],
  'session.revoke': [400, LOST, {}],
  'machine.orphans': [400, LOST, {}],
  'machine.check': [400, LOST, {}],
};

/** Endpoints that call no service. */
const ALONE = new Set(['template.check', 'session.show']);
/** What they do needs access to be on: they are tried in access/ and on the whole system. */
const OF_SESSIONS = new Set(['session.start', 'session.end', 'session.code']);
const calling = endpoints.filter(
  ({ id }) => !ALONE.has(id) && !OF_SESSIONS.has(id) && !IN_PARTS.includes(id),
);

/** Values that suit every endpoint that takes a parameter of this name. */
const VALUES: Record<string, unknown> = {
  id: 7,
  name: 'shop',
  desc: '',
  biz: '1',
  service_type: 'Java',
  docker_image: '-',
  cluster_id: 2,
  vm_type: 1,
  sd_id: 1,
  service_id: 3,
  nodes: ['10.0.0.7'],
  iplist: '10.0.0.7',
  num: 1,
  max_num: 1,
  tag: 'shop:2.0',
  steps: [{ name: 'create_vm' }],
  template_id: 9,
  task_name: 'version 2',
  poolId: 4,
  pool_id: 4,
  from: String(Date.UTC(2026, 10, 1)),
  to: '2026-11-08T00:00:00Z',
  cron_itmes: [],
  depend_itmes: [],
  type: 'expand',
  exec_type: 'crontab',
  nsid: 21,
  step: 1,
  attempt: 1,
  reason: 'the machine was switched off',
  actions: ['stop'],
  params: {},
  action_id: 7,
  template: { action: { module: 'shell', args: 'true' } },
  role: 'viewer',
  q: 'shop',
  protected: true,
  addresses: '10.0.0.7',
  text: 'echo {{tag}}',
  script: 'uptime',
  module: 'shell',
};
/** Optional parameters that are left out: what they may be depends on the endpoint. */
const BY_ITSELF = new Set(['by', 'kind', 'kinds', 'after', 'action', 'opr_user']);

async function send(endpoint: Endpoint, method: Method, path: string, headers: Record<string, string> = {}) {
  const names = Object.keys(endpoint.params.properties).filter((name) => !BY_ITSELF.has(name));
  const url = path.replaceAll(/:(\w+)/g, (_, name: string) => String(VALUES[name]));
  const given = names.filter((name) => name in VALUES).map((name) => [name, VALUES[name]]);
  const payload = JSON.stringify(Object.fromEntries(given));
  const response = await app.inject({ method, url, payload, headers });
  return { status: response.statusCode, json: response.json(), headers: response.headers };
}

/** What each address answers to each method. */
async function answersOf(endpoint: Endpoint) {
  const answers = [];
  for (const path of endpoint.paths) {
    for (const method of endpoint.methods) {
      answers.push({ request: `${method} ${path}`, ...(await send(endpoint, method, path)) });
    }
  }
  return answers;
}

function everyOperationFails(error: Error): void {
  for (const rpc of [
    inventory,
    catalog,
    tasks,
    plans,
    schedules,
    access,
    sessions,
    taskReads,
    { taskGrid, taskWhy, recordedPlan, taskEvents: live.taskEvents },
    nodeRuns,
    taskPast,
    orphans,
    fleetExport,
  ].flatMap((rpcs): Rpc[] => Object.values(rpcs))) {
    services.on(rpc, () => {
      throw error;
    });
  }
}

t.test('data has the documented form', async (t) => {
  answerEverything(services);
  for (const endpoint of endpoints.filter(({ id }) => !OF_SESSIONS.has(id))) {
    for (const { request, json } of await answersOf(endpoint)) {
      t.equal(json.code, 0, `${request}: ${json.msg}`);
      t.doesNotThrow(() => assertMatches(endpoint.result, json.data), request);
    }
  }
});

t.test('a service that does not answer', async (t) => {
  everyOperationFails(new ServiceError('unavailable', 'why'));
  t.same(Object.keys(UNAVAILABLE).sort(), calling.map(({ id }) => id).sort(), 'every endpoint');
  for (const endpoint of calling) {
    const [code, text, data] = UNAVAILABLE[endpoint.id] ?? [];
    for (const { request, status, json } of await answersOf(endpoint)) {
      t.equal(status, code, request);
      t.match(json.reason, { code: 'unavailable', field: null }, request);
      t.same(json, { code, msg: json.msg, data, reason: json.reason }, request);
      t.ok(json.msg.startsWith(text) && json.msg.endsWith('why'), `${request}: ${json.msg}`);
    }
  }
});

t.test('an answer in parts: what is missing is named, and the rest is there', async (t) => {
  answerEverything(services);
  const away = [overview.tasks, search.scheduler, schedulerSystem, readVerification('catalog')];
  for (const rpc of away) {
    services.on(rpc as Rpc, () => {
      throw new ServiceError('unavailable', 'why');
    });
  }
  const get = async (url: string) => (await app.inject({ method: 'GET', url })).json().data;
  const all = await get('/overview');
  t.match(all, { tasks: null, fleet: { nodes: 2 }, missing: [{ part: 'tasks', reason: 'why' }] });
  t.equal(all.missing.length, 1);
  t.match(await get('/search?q=shop'), {
    rows: [{ kind: 'pool' }],
    missing: [{ part: 'scheduler', reason: 'why' }],
  });
  t.match(await get('/system'), {
    executors: null,
    schedulers: null,
    parts: [{ part: 'inventory', state: 'ok' }],
    lags: [{ service: 'inventory', behind: 2 }],
    missing: [{ part: 'scheduling', reason: 'why' }],
  });
  const verified = await get('/verification');
  t.match(verified, {
    verified_at: null,
    events: 21,
    differences: 3,
    missing: [{ part: 'catalog', reason: 'why' }],
  });
  t.match(
    verified.found.find(({ service }: { service: string }) => service === 'inventory').text,
    /by the events "b"/,
  );
  t.match(
    verified.found.find(({ service }: { service: string }) => service === 'access'),
    { value: '', expected: '', text: 'pools id=3 name: differs; `rigel verify` shows the values' },
    'what tokens are is for admins',
  );
  answerEverything(services);
  t.strictSame(
    (await get('/search?q=shop')).rows.map(({ kind }: { kind: string }) => kind),
    ['task', 'pool'],
    'what is exact comes first',
  );
  t.match(await get('/overview'), {
    tasks: { next: [{ pool_name: 'shop-a' }], attention: [{ name: 'shop-a' }] },
  });
});

t.test(
  'an endpoint that keeps its answers asks for one thing under the key, every other for none',
  async (t) => {
    answerEverything(services);
    for (const endpoint of endpoints.filter(({ id }) => !OF_SESSIONS.has(id))) {
      for (const path of endpoint.paths) {
        for (const method of endpoint.methods) {
          services.forget();
          const { status, json } = await send(endpoint, method, path, { 'idempotency-key': 'k' });
          const request = `${method} ${path}: ${json.msg}`;
          if (endpoint.key === 'refused')
            t.match({ status, json }, { status: 400, json: { msg: /^Idempotency-Key/ } });
          else t.equal(status, 200, request);
          const keyed = services.asked.filter((subject) => subject.endsWith('.once'));
          t.equal(keyed.length, endpoint.key === 'kept' ? 1 : 0, `${request}: ${services.asked}`);
        }
      }
    }
  },
);

t.test('only endpoints that say so call operations that take a key', async (t) => {
  answerEverything(services);
  for (const endpoint of endpoints) {
    services.forget();
    const [method = 'POST'] = endpoint.methods;
    await send(endpoint, method, endpoint.paths[0] ?? '');
    const makes = [inventory, catalog, tasks, schedules, access]
      .flatMap((rpcs): Rpc[] => Object.values(rpcs))
      .some(({ keyed, subject }) => keyed && services.asked.includes(subject));
    t.equal(makes, endpoint.key === 'kept', endpoint.id);
  }
});

t.test('an answer that was given before says so, and a token is not shown again', async (t) => {
  answerEverything(services);
  const again = <R extends Rpc>(rpc: R, answer: RpcResponse<R>): void =>
    services.on(onceOf(rpc), () => ({ repeated: true, answer }));
  again(tasks.create, { ids: [51, 52] });
  again(access.createToken, { id: 7 });
  const key = { 'idempotency-key': '"a key"' };
  const endpointOf = (id: string) => endpoints.find((one) => one.id === id) as Endpoint;
  const made = await send(endpointOf('task.create'), 'POST', '/task/create', key);
  t.match(made, { status: 200, headers: { 'x-task-id': '51,52', 'idempotent-replayed': 'true' } });
  const token = await send(endpointOf('token.create'), 'POST', '/token/create', key);
  t.match(token, { status: 409, json: { code: 409, msg: /^token 7 was made/, data: {} } });
  t.notMatch(JSON.stringify(token), 'rgl_');
  services.on(onceOf(tasks.create), () => {
    throw new ServiceError('key_reused', 'the Idempotency-Key came before');
  });
  const other = await send(endpointOf('task.create'), 'POST', '/task/create', key);
  t.match(other, { status: 409, json: { code: 409, msg: 'the Idempotency-Key came before', data: {} } });
});

t.test('a fault in a service is answered without its details', async (t) => {
  everyOperationFails(new TypeError('the secret details'));
  for (const endpoint of calling) {
    for (const { request, status, json } of await answersOf(endpoint)) {
      t.equal(status, 500, request);
      const reason = { code: 'internal', field: null, value: null, data: {} };
      t.same(json, { code: 500, msg: 'internal error', data: {}, reason }, request);
    }
  }
});

const get = async (url: string) => {
  const response = await app.inject({ method: 'GET', url });
  return { status: response.statusCode, json: response.json() };
};

const post = async (url: string, body: object) => {
  const response = await app.inject({ method: 'POST', url, payload: JSON.stringify(body) });
  return { status: response.statusCode, json: response.json() };
};

t.test(
  'a client address in a history is for admins, and a cursor is the position of the last row',
  async (t) => {
    answerEverything(services);
    const { json } = await get('/task_tpl/9/history?limit=1');
    t.match(json.data, {
      rows: [{ position: 912, client: '10.0.0.9', at: '2017-07-27T13:41:00.000Z' }],
      next: '912',
    });
    await get('/task_tpl/9/history?limit=1&cursor=912');
    t.strictSame(services.last(catalog.history)?.data, { kind: 'template', id: 9, limit: 1, before: 912 });
    t.match(await get('/task_tpl/9/history?cursor=-1'), { status: 400, json: { msg: /^cursor must be/ } });
  },
);

t.test('scheduled tasks: a depended-on pool that is gone has no fields', async (t) => {
  answerEverything(services);
  services.on(inventory.getPool, ({ id }) => {
    if (id === 5) throw new ServiceError('not_found', 'gone');
    return pool;
  });
  const { json } = await post('/task/expandList/4', {});
  const [depend] = schedule.depend_items;
  const row = { ...pool, tasks: { expand: 0, shrink: 0, ...pool.tasks } };
  t.strictSame(json.data, [{ ...schedule, pool: row, depend_items: [{ ...depend, pool: {} }] }]);
});

t.test('scheduled tasks: the request to the scheduler', async (t) => {
  answerEverything(services);
  const body = { id: '0', pool_id: 4, exec_type: 'depend', time_zone: 'Asia/Shanghai', type: 'deploy' };
  const cron = { id: 9, week_day: '2', time: '13:39:55', ignore: 0, exec_task_id: 1 };
  const depend = { pool_id: 5, ratio: '0.5', step_name: 'create_vm', ignore: 1 };
  t.match(await post('/task/saveTask', { ...body, cron_itmes: [cron], depend_items: [depend] }), {
    status: 200,
  });
  const { id: _, ...saved } = cronItem;
  t.strictSame(services.last(schedules.save)?.data, {
    id: 0,
    pool_id: 4,
    type: 'upload',
    exec_type: 'depend',
    time_zone: 'Asia/Shanghai',
    cron_items: [{ ...saved, instance_num: 0 }],
    depend_items: [{ pool_id: 5, ratio: 0.5, step_name: 'create_vm', elastic_count: 0, ignore: true }],
    opr_user: 'unknown',
  });
  const refused = await post('/task/saveTask', {
    ...body,
    type: 'expand',
    cron_itmes: [cron],
    depend_itmes: [],
  });
  t.match(refused, { status: 400, json: { msg: `${LOST}: cron_items.0.instance_num is missing` } });
});

t.test('the moments of a scheduled task', async (t) => {
  answerEverything(services);
  const { json } = await post('/schedule/71/occurrences', { page_size: 5 });
  const moment = { due: '2017-07-27 13:39:55', due_at: '2017-07-27T13:39:55.000Z', item: cronItem };
  const end = { cause: 'due', outcome: 'fired', reason: '', task_ids: [11], updated: '2017-07-27 13:39:55' };
  t.match(json, { page: 1, page_size: 5, query_count: 12 });
  t.strictSame(json.data, { occurrences: [{ ...moment, ...end }], next: [moment] });
});
