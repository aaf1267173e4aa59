import { Writable } from 'node:stream';
import { inventory, type NodeRun, ServiceError, tasks } from '@rigel/contracts';
import { silentLogger, waitFor } from '@rigel/testing';
import { pino } from 'pino';
import t from 'tap';
import { reason } from './answer/reason.js';
import { buildApp } from './app.js';
import { answerEverything } from './testing/answers.js';
import { startTestGateway, testSettings } from './testing/gateway.js';
import { node, runs } from './testing/rows.js';

const logged: string[] = [];
const log = pino(
  { level: 'info' },
  new Writable({
    write(chunk, _encoding, done) {
      logged.push(String(chunk));
      done();
    },
  }),
);
const { app, services, servers, stop } = await startTestGateway({ log });
t.teardown(stop);

t.beforeEach(() => {
  answerEverything(services);
  services.forget();
});

/** All lines about one request; the last of them is written after the answer. */
async function linesOf(correlationId: string): Promise<Record<string, unknown>[]> {
  return waitFor(
    () => {
      const lines = logged.filter((line) => line.includes(correlationId)).map((line) => JSON.parse(line));
      return lines.some(({ msg }) => msg === 'request') && lines;
    },
    { what: 'the log line of the request' },
  );
}

t.test('unknown addresses', async (t) => {
  for (const url of ['/', '/cluster', '/cluster/1/2/3', '/task_step/update/2', '/cluster/%ff', '/%']) {
    const response = await app.inject({ method: 'POST', url, payload: '{}' });
    t.equal(response.statusCode, 404, url);
    t.strictSame(response.json(), {
      code: 404,
      msg: 'not found',
      data: {},
      reason: reason('no_such_path'),
    });
    t.match(response.headers, { 'x-correlation-id': /./, 'content-type': 'application/json; charset=utf-8' });
  }
});

t.test('wrong methods', async (t) => {
  const expected = [
    ['PUT', '/cluster/list', 'GET, POST, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['POST', '/openapi.json', 'GET, HEAD'],
    ['DELETE', '/docs', 'GET, HEAD'],
    ['GET', '/cluster/create', 'POST'],
    ['GET', '/cluster/delete/1/', 'POST, DELETE'],
    ['DELETE', '/task_tpl/update/1', 'POST'],
    ['HEAD', '/task/start/1', 'POST, GET'],
    ['OPTIONS', '/cluster/1', 'POST, GET, HEAD'],
  ] as const;
  for (const [method, url, allow] of expected) {
    const response = await app.inject({ method, url });
    t.equal(response.statusCode, 405, `${method} ${url}`);
    t.equal(response.headers.allow, allow);
    if (method !== 'HEAD') t.match(response.json(), { code: 405, msg: /^method not allowed/, data: {} });
  }
});

t.test('HEAD answers reads without their body', async (t) => {
  for (const url of ['/healthz', '/openapi.json', '/docs']) {
    t.match(await app.inject({ method: 'HEAD', url }), { statusCode: 200, body: '' });
  }
  const response = await app.inject({ method: 'HEAD', url: '/cluster/list' });
  t.equal(response.statusCode, 200);
  t.equal(response.body, '');
});

t.test('a body counts by its content, whatever its type is said to be', async (t) => {
  const types = [
    'application/json',
    'application/x-www-form-urlencoded',
    'text/plain',
    ';;;',
    'multipart/x',
    '',
  ];
  for (const type of types) {
    for (const payload of ['{"page": "2", "page_size": 20}', 'page=2&page_size=20']) {
      const response = await app.inject({
        method: 'GET',
        url: '/cluster/list',
        headers: { 'content-type': type },
        payload,
      });
      t.match(response.json(), { code: 0, page: 2, page_size: 20, query_count: 12 }, `${type} ${payload}`);
    }
  }
});

t.test('path before body before query, slashes and blanks at the end of the address', async (t) => {
  await app.inject({
    method: 'POST',
    url: '/service/update/3%20/?id=5&name=query&desc=query',
    payload: { id: 4, name: 'body' },
  });
  t.strictSame(services.last(inventory.updateService)?.data, { id: 3, name: 'body', desc: 'query' });
});

t.test('a body that cannot be read: ignored by reads, refused by writes', async (t) => {
  const read = await app.inject({ method: 'POST', url: '/cluster/list?page=2', payload: '{"page": 3' });
  t.match(read.json(), { code: 0, page: 2 });
  const write = await app.inject({ method: 'POST', url: '/pool/update/4?desc=x', payload: '{"desc": "a",}' });
  t.strictSame(write.json(), {
    code: 400,
    msg: '参数解析错误: the body is not valid JSON (at character 14)',
    data: [],
    reason: reason('unreadable'),
  });
  t.equal(services.last(inventory.updatePool), undefined);
});

t.test('GET creates nothing without a body', async (t) => {
  const url = '/pool/create?name=a&desc=&vm_type=1&sd_id=1&service_id=1';
  const without = await app.inject({ method: 'GET', url });
  t.strictSame(without.json(), {
    code: 400,
    msg: '请求参数解析错误: GET needs a body here',
    data: [],
    reason: reason('unreadable'),
  });
  const withBody = await app.inject({ method: 'GET', url, payload: '{"desc": "x"}' });
  t.match(withBody.json(), { code: 0, data: { id: 33 } });
});

t.test('a body that is too large is refused with the limit of its endpoint', async (t) => {
  const payload = `{"name": "${'x'.repeat(16 * 1024 * 1024)}"}`;
  const response = await app.inject({ method: 'POST', url: '/pool/delete/1', payload });
  t.equal(response.statusCode, 413);
  t.strictSame(response.json(), {
    code: 413,
    msg:
      'the body has 16777228 bytes, pool.delete takes at most 1048576 (1 MiB): leave out what it does not read, or send it in ' +
      'several requests',
    data: {},
    reason: reason('body_too_large'),
  });
  t.equal(response.headers['x-correlation-id'] !== undefined, true);
});

t.test('filters: an empty one is none', async (t) => {
  await app.inject({ method: 'GET', url: '/cluster/list?name=' });
  t.strictSame(services.last(inventory.listClusters)?.data, { page: 1, page_size: 10 });
  await app.inject({ method: 'GET', url: '/pool/4/list_nodes?ip=10.0&page_size=20000' });
  t.strictSame(services.last(inventory.listNodes)?.data, {
    page: 1,
    page_size: 10_000,
    pool_id: 4,
    ip: '10.0',
  });
});

t.test('nodes are entered only as a list, an absent one is left to the service to judge', async (t) => {
  await app.inject({ method: 'POST', url: '/pool/4/add_nodes', payload: '{}' });
  t.strictSame(services.last(inventory.addNodes)?.data, { pool_id: 4, nodes: [] });
  const response = await app.inject({
    method: 'POST',
    url: '/pool/4/add_nodes',
    payload: { nodes: '10.0.0.7' },
  });
  t.strictSame(response.json(), {
    code: 404,
    msg: '请求参数解析错误: nodes must be array (got 10.0.0.7)',
    data: [],
    reason: reason('wrong_type', { field: 'nodes', value: '10.0.0.7', data: { type: 'array' } }),
  });
});

t.test('the correlation id goes to the service, into the answer and into the log', async (t) => {
  const response = await app.inject({
    method: 'POST',
    url: '/cluster/create?desc=hidden',
    headers: { 'x-correlation-id': 'trace-1', authorization: 'jane' },
    payload: { name: 'web', desc: 'not for the log', biz: '1' },
  });
  t.equal(response.headers['x-correlation-id'], 'trace-1');
  t.match(services.last(inventory.createCluster)?.context, { correlationId: 'trace-1', actor: 'jane' });
  const lines = await linesOf('trace-1');
  t.equal(lines.length, 1, 'one line for a request');
  t.match(lines[0], { level: 30, method: 'POST', path: '/cluster/create', code: 200, ms: Number });
  t.notMatch(JSON.stringify(lines), /not for the log|hidden/);
});

t.test('a fault is logged with its details, and answered without', async (t) => {
  services.on(inventory.getCluster, () => {
    throw new TypeError('the secret details');
  });
  const response = await app.inject({
    method: 'GET',
    url: '/cluster/2',
    headers: { 'x-correlation-id': 'trace-2' },
  });
  t.strictSame(
    response.json(),
    { code: 500, msg: 'internal error', data: {}, reason: reason('internal') },
    'not a refusal of the client',
  );
  const lines = await linesOf('trace-2');
  t.match(
    lines.find(({ level }) => level === 50),
    { endpoint: 'cluster.info', err: { code: 'internal' } },
  );
});

t.test('when a service does not answer, the log says so', async (t) => {
  services.on(inventory.getCluster, () => {
    throw new ServiceError('unavailable', 'the database does not answer');
  });
  await app.inject({ method: 'GET', url: '/cluster/2', headers: { 'x-correlation-id': 'trace-3' } });
  const lines = await linesOf('trace-3');
  t.match(
    lines.find(({ level }) => level === 40),
    { endpoint: 'cluster.info', reason: 'the database does not answer' },
  );
});

t.test('a task gets its operator from the body, else from the header', async (t) => {
  const create = async (opr_user: string | undefined, authorization?: string) => {
    const response = await app.inject({
      method: 'POST',
      url: '/task/create',
      headers: authorization === undefined ? {} : { authorization },
      payload: { template_id: 9, task_name: 'a', nodes: { ip: '10.0.0.7' }, opr_user },
    });
    t.strictSame(response.json(), { code: 0, msg: 'success', data: null });
    t.equal(response.headers['x-task-id'], '51,52');
    const asked = services.last(tasks.create);
    t.match(asked?.data, { opr_user: asked?.context.actor });
    return asked?.data;
  };
  t.strictSame(await create('body', 'header'), {
    template_id: 9,
    task_name: 'a',
    timeout: 0,
    auto: true,
    max_ratio: 100,
    max_num: 0,
    opr_user: 'body',
    nodes: ['10.0.0.7'],
    params: {},
    unused_params: 'refuse',
    any_secret: true,
  });
  t.match(await create('ann\u202e\x1b[31m', 'header'), { opr_user: 'ann(U+202E)(U+001B)[31m' });
  t.match(await create(undefined, 'header'), { opr_user: 'header' });
  t.match(await create('', 'header'), { opr_user: 'header' });
  t.match(await create(undefined), { opr_user: 'unknown' });
  t.match(await create(undefined, 'Bearer secret'), { opr_user: 'unknown' });
});

t.test('wrong values of a task are named', async (t) => {
  const valid = { template_id: 9, task_name: 'a', nodes: ['10.0.0.7'] };
  const wrong: [Record<string, unknown>, string][] = [
    [{ nodes: '10.0.0.7' }, 'nodes must be array (got 10.0.0.7)'],
    [{ nodes: [5] }, 'nodes.0 must be object (got 5)'],
    [{ nodes: [{ '': 'object' }] }, 'nodes.0.ip is missing'],
    [{ max_ratio: 0 }, 'max_ratio must be >= 1 (got 0)'],
    [{ max_ratio: 101 }, 'max_ratio must be <= 100 (got 101)'],
    [{ max_num: -1 }, 'max_num must be >= 0 (got -1)'],
    [{ auto: 2 }, 'auto must be boolean (got 2)'],
    [{ params: 'x' }, 'params must be object (got x)'],
    [{ params: { a: 'b\0' } }, 'params.a contains a character that cannot be stored'],
  ];
  for (const [change, why] of wrong) {
    const response = await app.inject({
      method: 'POST',
      url: '/task/create',
      payload: { ...valid, ...change },
    });
    t.match(response.json(), { code: 400, msg: `error...: ${why}`, data: [] });
  }
  t.equal(services.last(tasks.create), undefined, 'nothing was asked');
});

t.test('the address of task logs also answers with logs of nodes', async (t) => {
  const missing = () => {
    throw new ServiceError('not_found', 'why', 'id');
  };
  const get = async (url: string) => (await app.inject({ method: 'GET', url })).json();
  await get('/task/11/log?after=60');
  t.strictSame(services.last(tasks.log)?.data, { id: 11, after: 60 });

  t.match(await get('/task/21/log?kind=node'), { code: 0, data: [{ restart: 'one\ntwo' }] });
  const asked = await app.inject({ method: 'POST', url: '/task/flow/21/log', payload: { kind: 'node' } });
  t.match(asked.json(), { code: 0, data: [{ restart: 'one\ntwo' }] });
  services.on(tasks.log, missing);
  t.match(await get('/task/21/log'), { code: 0, data: [{ restart: 'one\ntwo' }] }, 'no task, but a node run');
  services.on(tasks.nodeLog, missing);
  t.match(await get('/task/21/log'), {
    code: 400,
    msg: /^Flow not found$/,
    data: {},
    reason: { code: 'not_found' },
  });
  t.strictSame(await get('/task/21/log?kind=node'), {
    code: 400,
    msg: 'db server lost...: why',
    data: null,
  });
  t.match(await get('/task/21/log?kind=x'), { code: 400, msg: /^Flow not found: kind must be/, data: {} });
});

t.test(
  'a list of nodes says which task holds each node, and comes without that if no service knows',
  async (t) => {
    services.on(inventory.listNodes, () => ({ rows: [node, { ...node, id: node.id + 1 }], total: 2 }));
    const list = async () => (await app.inject({ method: 'GET', url: '/pool/4/list_nodes' })).json();
    const held_by = { task_id: 11, name: 'deploy', opr_user: 'ann', since: /^2\d{3}-.*Z$/, ending: false };
    t.match(await list(), { code: 0, data: [{ id: node.id, held_by }, { held_by: null }] });
    t.strictSame(services.last(tasks.holders)?.data, { node_ids: [node.id, node.id + 1] });
    services.on(tasks.holders, () => {
      throw new ServiceError('unavailable', 'no scheduler');
    });
    const { code, data } = await list();
    t.equal(code, 0);
    t.strictSame(
      data.map((row: object) => 'held_by' in row),
      [false, false],
    );
  },
);

t.test('ten thousand node runs pass', async (t) => {
  const [first] = runs as [NodeRun];
  const many = Array.from({ length: 10_000 }, (_, index) => ({ ...first, id: index + 1 }));
  services.on(tasks.detail, () => ({ rows: many }));
  const post = await app.inject({ method: 'POST', url: '/task/11/detail' });
  t.equal(post.json().data.length, 10_000);
  const get = await app.inject({ method: 'GET', url: '/task/11/detail' });
  t.match(get.json().data, { total: 10_000 });
});

t.test('times are printed in the zone of the deployment', async (t) => {
  const elsewhere = await buildApp({
    bus: await servers.startBus('gateway in Shanghai'),
    log: silentLogger,
    config: testSettings({ RIGEL_TIME_ZONE: 'Asia/Shanghai' }),
  });
  const response = await elsewhere.inject({ method: 'GET', url: '/task/11' });
  t.match(response.json().data, { created: '2017-07-27 21:39:55' });
  await elsewhere.close();
});

t.test('the console’s form of a task’s nodes', async (t) => {
  answerEverything(services);
  const [first] = runs as [NodeRun];
  const steps = (message: string, state: 2 | 3) => [
    { name: 'create_vm', state: 2 as const, attempts: 1, message: '' },
    { name: 'start', state, attempts: 2, message },
  ];
  services.on(tasks.detail, () => ({
    rows: [
      { ...first, id: 1, state: 1 as const, step_index: 1, steps: steps('', 2) },
      { ...first, id: 2, state: 3 as const, step_index: 1, steps: steps('exit 7: <b>"a" & \\b</b>', 3) },
      { ...first, id: 3, state: 3 as const, step_index: -1, steps: [] },
      { ...first, id: 4, state: 2 as const, step_index: 1, steps: steps('', 2) },
    ],
  }));
  const rows = (await app.inject({ method: 'GET', url: '/task/7/detail' })).json().data;
  t.match(rows[1], [{ id: 1, Updated: '0000-00-00 00:00:00' }], 'a node that runs is not over yet');
  t.match(rows[3], [
    { id: 2, error: 'exit 7: ba  b/b' },
    { id: 3, error: '' },
  ]);
  t.match(rows[2], [{ id: 4, Updated: /^\d{4}-\d\d-\d\dT/ }]);
  t.notOk('error' in rows[2][0] || 'error' in rows[1][0]);
  const flat = (await app.inject({ method: 'POST', url: '/task/7/detail' })).json().data;
  t.notOk(flat.some((row: object) => 'error' in row));
  t.match(flat[0].Updated, /^\d{4}-\d\d-\d\dT/, 'the documented form has the time as before');
});

t.test('blank addresses are passed over, unless all are blank', async (t) => {
  answerEverything(services);
  const send = (url: string, body: object) =>
    app.inject({ method: 'POST', url, payload: JSON.stringify(body) });
  const task = { template_id: 1, task_name: 'x' };
  const nodes = ['', '10.0.0.1', ' ', '10.0.0.2', ''];
  t.equal((await send('/task/create', { ...task, nodes: nodes.map((ip) => ({ ip })) })).statusCode, 200);
  t.match(services.last(tasks.create)?.data, { nodes: ['10.0.0.1', '10.0.0.2'] });
  t.equal((await send('/pool/shrink/1', { nodes })).statusCode, 200);
  t.match(services.last(tasks.shrink)?.data, { nodes: ['10.0.0.1', '10.0.0.2'] });
  for (const url of ['/task/create', '/pool/shrink/1']) {
    const body = url === '/task/create' ? { ...task, nodes: ['', ' '] } : { nodes: ['', ' '] };
    const { statusCode, payload } = await send(url, body);
    t.equal(statusCode, 400, url);
    t.match(JSON.parse(payload).msg, /nodes: every address is blank, name at least one node$/);
  }
});

t.test('a number for a text is kept as it is spelled', async (t) => {
  answerEverything(services);
  const payload =
    '{"template_id": 1.0, "task_name": 1.10, "nodes": ["10.0.0.1"], "params": {"tag": 1.10, "step": {"port": 8080}}}';
  t.equal((await app.inject({ method: 'POST', url: '/task/create', payload })).statusCode, 200);
  t.match(services.last(tasks.create)?.data, {
    template_id: 1,
    task_name: '1.10',
    params: { tag: '1.10', step: { port: 8080 } },
  });
});

t.test('a name that is not known is refused in the words of the endpoint', async (t) => {
  answerEverything(services);
  const send = async (url: string, body: object) =>
    (await app.inject({ method: 'POST', url, payload: JSON.stringify(body) })).json();
  t.match(await send('/task/start/3', { force: 1 }), {
    code: 400,
    msg: 'unknown parameter force: the nearest known name is id',
    data: {},
  });
  t.match(await send('/pool/3/add_nodes', { node: ['10.0.0.1'] }), {
    code: 404,
    msg: '请求参数解析错误: unknown parameter node: the nearest known name is nodes',
    data: [],
  });
  t.match(await send('/actimpl/list', { name: 'x' }), { code: 400, data: [] });
  t.notOk(services.last(tasks.start), 'nobody was asked');
});

t.test('a cluster without its product line', async (t) => {
  answerEverything(services);
  const payload = '{"name": "lab", "desc": ""}';
  t.equal((await app.inject({ method: 'POST', url: '/cluster/create', payload })).statusCode, 200);
  t.strictSame(services.last(inventory.createCluster)?.data, { name: 'lab', desc: '', biz: '' });
});
