import { setTimeout as sleep } from 'node:timers/promises';
import {
  access,
  beginVerification,
  eventsSubject,
  HISTORY_SERVICES,
  live,
  orphans,
  type Role,
  ServiceError,
  tasks,
  tokenText,
} from '@rigel/contracts';
import { silentLogger, startTestServers, waitFor } from '@rigel/testing';
import t, { type Test } from 'tap';
import { reason } from '../answer/reason.js';
import { type AppSettings, buildApp } from '../app.js';
import { endpoints } from '../routes/index.js';
import { answerEverything } from '../testing/answers.js';
import { testSettings } from '../testing/gateway.js';
import { Responders } from '../testing/responders.js';
import { credentialsIn } from './principal.js';

/*
 * What needs an access service that does as the test says. That every endpoint asks for its role, on the real system,
 * is in test/src/e2e/access.test.ts.
 */

const servers = await startTestServers();
t.teardown(() => servers.stop());

const SECRET = 's'.repeat(43);
const bearer = (id: number, secret = SECRET) => ({ authorization: `Bearer ${tokenText(id, secret)}` });

async function start(t: Test, settings: Partial<AppSettings> = {}) {
  const [bus, wire] = await Promise.all([servers.startBus('gateway'), servers.startBus('services')]);
  const app = await buildApp({
    bus,
    log: silentLogger,
    config: testSettings({ RIGEL_ACCESS: 'on', ...settings }),
  });
  t.teardown(async () => {
    await app.close();
    await Promise.all([bus.close(), wire.close()]);
  });
  const services = new Responders(wire);
  answerEverything(services);
  const tokens = new Map<number, { name: string; role: Role; expires: number | null }>([
    [1, { name: 'dashboard', role: 'viewer', expires: null }],
    [2, { name: 'ci', role: 'operator', expires: null }],
    [3, { name: 'ann', role: 'admin', expires: null }],
  ]);
  const hash = credentialsIn(bearer(1).authorization)?.hash;
  const asked = { times: 0, away: false };
  services.on(access.authenticate, (request) => {
    asked.times++;
    if (asked.away) throw new ServiceError('unavailable', 'the database does not answer');
    const token = tokens.get(request.id);
    if (!token) return { valid: false as const, fault: 'revoked' as const, name: 'gone' };
    if (request.hash !== hash) return { valid: false as const, fault: 'wrong' as const, name: token.name };
    return { valid: true as const, ...token };
  });
  return { app, services, tokens, asked };
}

const unauthorized = {
  code: 401,
  msg: 'a valid token is needed (Authorization: Bearer ...)',
  data: {},
  reason: reason('token'),
};

t.test('without a valid token: the same answer to everything but health', async (t) => {
  const { app } = await start(t);
  const headers = [
    {},
    { authorization: 'ann' },
    { authorization: 'Bearer' },
    { authorization: 'Bearer rgl_1_short' },
    { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` },
    bearer(1, 'w'.repeat(43)),
    bearer(9),
    bearer(0),
  ];
  for (const url of [
    '/cluster/list',
    '/docs',
    '/docs/json',
    '/openapi.json',
    '/nowhere',
    '/cluster/create',
  ]) {
    for (const given of headers) {
      const answer = await app.inject({ url, headers: given });
      t.equal(answer.statusCode, 401, url);
      t.equal(answer.headers['www-authenticate'], 'Bearer');
      t.strictSame(answer.json(), unauthorized);
    }
  }
  t.equal((await app.inject('/healthz')).statusCode, 200);
  t.equal((await app.inject('/readyz')).statusCode, 200, 'probes have no token');
  t.equal((await app.inject({ url: '/docs', headers: bearer(1) })).statusCode, 200);
  t.equal((await app.inject({ url: '/nowhere', headers: bearer(1) })).statusCode, 404);
});

t.test('the operator is the token’s name, whatever the request says', async (t) => {
  const { app, services } = await start(t);
  const body = { template_id: 9, task_name: 'x', opr_user: 'root', nodes: [{ ip: '10.0.0.7' }], params: {} };
  const answer = await app.inject({ method: 'POST', url: '/task/create', headers: bearer(2), payload: body });
  t.equal(answer.statusCode, 200, answer.body);
  t.match(services.last(tasks.create), {
    data: { opr_user: 'ci' },
    context: { actor: 'ci', client: '127.0.0.1' },
  });
});

const NAMES_SECRET = {
  template_id: 9,
  task_name: 'x',
  nodes: [{ ip: '10.0.0.7' }],
  params: { word: { secret: 'db-password' } },
};
const mayNameAny = (services: Responders) =>
  (services.last(tasks.create)?.data as { any_secret?: boolean } | undefined)?.any_secret;

t.test('an admin may name any secret in a call, an operator may not, nor ask to', async (t) => {
  const { app, services } = await start(t);
  const post = (id: number, more: object = {}) =>
    app.inject({
      method: 'POST',
      url: '/task/create',
      headers: bearer(id),
      payload: { ...NAMES_SECRET, ...more },
    });
  t.equal((await post(2)).statusCode, 200);
  t.equal(mayNameAny(services), undefined, 'an operator');
  t.equal((await post(3)).statusCode, 200);
  t.equal(mayNameAny(services), true, 'an admin');
  services.forget();
  const asked = await post(2, { any_secret: true });
  t.equal(asked.statusCode, 400, asked.body);
  t.equal(services.last(tasks.create), undefined);
});

t.test('while access is off everybody may, as an admin', async (t) => {
  const { app, services } = await start(t, { RIGEL_ACCESS: 'off' });
  const answer = await app.inject({ method: 'POST', url: '/task/create', payload: NAMES_SECRET });
  t.equal(answer.statusCode, 200, answer.body);
  t.equal(mayNameAny(services), true);
});

t.test('every endpoint has a role, and no endpoint that changes something is for viewers', async (t) => {
  for (const { id, access: kind, role } of endpoints) {
    // Everybody may begin and end a session of their own.
    const isOwn = ['session.start', 'session.end', 'session.code'].includes(id);
    if (kind === 'write') t.ok(isOwn || role === 'operator' || role === 'admin', id);
  }
});

t.test('an answer of the access service counts for half a second, and not beyond a revocation', async (t) => {
  const { app, asked, tokens } = await start(t);
  const get = () => app.inject({ url: '/cluster/list', headers: bearer(1) });
  t.match(await Promise.all(Array.from({ length: 20 }, get)), Array(20).fill({ statusCode: 200 }));
  t.equal(asked.times, 1, 'requests that come together share an answer');
  tokens.delete(1);
  const bus = await servers.startBus('access');
  const event = { stream: 'token-1', version: 2, type: 'TokenRevoked', schema: 1, data: {}, meta: {} };
  bus.publish(eventsSubject('access'), { after: 1, events: [{ ...event, position: 2, recorded_at: 1 }] });
  await waitFor(async () => (await get()).statusCode === 401, { what: 'told, it is refused', intervalMs: 5 });

  t.equal((await app.inject({ url: '/cluster/list', headers: bearer(2) })).statusCode, 200);
  tokens.delete(2);
  const began = Date.now();
  let accepted = began;
  await waitFor(
    async () => {
      const sent = Date.now();
      const { statusCode } = await app.inject({ url: '/cluster/list', headers: bearer(2) });
      if (statusCode === 200) accepted = sent;
      return statusCode === 401;
    },
    { what: 'not told, it is refused', intervalMs: 5 },
  );
  t.ok(accepted - began < 1_000, `accepted for ${accepted - began} ms`);
});

t.test('a token that is over is refused without being asked for', async (t) => {
  const { app, tokens } = await start(t);
  tokens.set(4, { name: 'brief', role: 'viewer', expires: Date.now() - 1 });
  t.equal((await app.inject({ url: '/cluster/list', headers: bearer(4) })).statusCode, 401);
});

t.test('while the access service cannot check tokens, nothing is done', async (t) => {
  const { app, asked, services } = await start(t);
  asked.away = true;
  services.forget();
  const answer = await app.inject({ method: 'POST', url: '/task/stop/7', headers: bearer(2) });
  t.equal(answer.statusCode, 503);
  t.equal(answer.headers['retry-after'], '1');
  t.strictSame(answer.json(), {
    code: 503,
    msg: 'the token cannot be checked now: the access service does not answer',
    data: {},
    reason: reason('unavailable'),
  });
  t.equal(services.last(tasks.stop), undefined);
  asked.away = false;
  t.equal((await app.inject({ method: 'POST', url: '/task/stop/7', headers: bearer(2) })).statusCode, 200);
});

t.test('too many requests of a token, and too many without a valid one', async (t) => {
  const { app, asked } = await start(t, { RIGEL_HTTP_RATE_LIMIT: 5, RIGEL_HTTP_FAILED_LIMIT: 3 });
  const get = (headers: Record<string, string>, remoteAddress = '10.0.0.1') =>
    app.inject({ url: '/cluster/list', headers, remoteAddress });
  for (let n = 0; n < 5; n++) t.equal((await get(bearer(1))).statusCode, 200);
  const over = await get(bearer(1), '10.0.0.2');
  t.equal(over.statusCode, 429, 'from wherever it comes');
  t.ok(Number(over.headers['retry-after']) > 0);
  const { seconds } = over.json().reason.data;
  t.equal(String(seconds), over.headers['retry-after']);
  t.strictSame(over.json(), {
    code: 429,
    msg: 'too many requests, try again later',
    data: {},
    reason: reason('rate_limited', { data: { seconds } }),
  });
  t.equal((await get(bearer(2))).statusCode, 200, 'another token has a count of its own');

  for (let n = 0; n < 3; n++) t.equal((await get(bearer(8))).statusCode, 401);
  const times = asked.times;
  t.equal((await get(bearer(8))).statusCode, 429);
  t.equal((await get({})).statusCode, 429);
  t.equal(asked.times, times, 'nobody is asked about the same ones again');
  t.equal((await get(bearer(2))).statusCode, 200, 'who was let in lately is not kept out by them');
  t.equal((await get(bearer(8), '10.0.0.3')).statusCode, 401, 'from another address');
});

t.test('failures from an address keep out no good token from the same address', async (t) => {
  const { app, asked, tokens } = await start(t, { RIGEL_HTTP_FAILED_LIMIT: 3 });
  const get = (headers: Record<string, string>) =>
    app.inject({ url: '/cluster/list', headers, remoteAddress: '10.0.0.1' });
  for (let n = 0; n < 60; n++) await get(n % 2 === 0 ? {} : bearer(100 + n));
  t.equal((await get({})).statusCode, 429, 'without a token');
  t.equal((await get({ authorization: 'Bearer rgl_1_short' })).statusCode, 429, 'with what is none');
  t.equal((await get(bearer(1, 'w'.repeat(43)))).statusCode, 429, 'with a guess');
  for (const id of tokens.keys()) {
    t.equal((await get(bearer(id))).statusCode, 200, `token ${id}, which nobody has seen here before`);
  }
  const { times } = asked;
  for (let n = 0; n < 20; n++) await get(bearer(1, 'w'.repeat(43)));
  t.equal(asked.times, times, 'a client that repeats a wrong token costs nothing');
  t.equal((await get(bearer(2))).statusCode, 200);
});

t.test('a client that waits gets no answer by a token that is over', async (t) => {
  const { app, services, tokens, asked } = await start(t);
  services.on(tasks.awaitEnd, () => new Promise(() => undefined));
  const wait = async (id: number) => {
    services.forget();
    const answer = app.inject({ url: '/task/7?wait=30', headers: bearer(id) });
    await waitFor(() => services.last(tasks.awaitEnd) !== undefined, { what: 'it waits' });
    return answer;
  };
  services.on(tasks.get, () => {
    throw new Error('nobody is to be asked for the task');
  });
  const told: { reason: string; operator: string }[] = [];
  services.on(access.recordRequests, ({ requests }) => {
    told.push(...requests);
    return {};
  });
  const revoked = wait(1);
  await waitFor(() => services.last(tasks.awaitEnd) !== undefined, { what: 'it waits' });
  tokens.delete(1);
  const answer = await revoked;
  t.equal(answer.statusCode, 401);
  t.strictSame(answer.json(), unauthorized);
  t.equal(answer.headers['www-authenticate'], 'Bearer');
  await waitFor(() => told.length > 0, { what: 'it is told' });
  t.match(told, [
    {
      operator: 'dashboard',
      outcome: 'denied',
      reason: 'the token is revoked, since the request began to wait',
    },
  ]);

  tokens.set(4, { name: 'brief', role: 'viewer', expires: Date.now() + 2_000 });
  t.equal((await wait(4)).statusCode, 401, 'it has expired');

  const uncertain = wait(2);
  await waitFor(() => services.last(tasks.awaitEnd) !== undefined, { what: 'it waits' });
  asked.away = true;
  const unknown = await uncertain;
  t.equal(unknown.statusCode, 503);
  t.match(unknown.json(), { msg: 'the token cannot be checked now: the access service does not answer' });
});

t.test('a token has a share of the streams and waits, and others have theirs', async (t) => {
  const { app, services } = await start(t, { RIGEL_HTTP_STREAMS: 30 });
  services.on(live.taskEvents, () => ({ events: [], version: 1, over: null }));
  services.on(tasks.awaitEnd, () => new Promise(() => undefined));
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const leaving = new AbortController();
  t.teardown(() => leaving.abort());
  const get = (path: string, id: number) =>
    fetch(`${url}${path}`, { headers: bearer(id), signal: leaving.signal });
  for (const [path, held] of [
    ['/task/11/events', 'live streams open'],
    ['/task/7?wait=30', 'requests that wait'],
  ] as const) {
    const refused = await waitFor(
      async () => {
        const answer = get(path, 1);
        answer.catch(() => undefined);
        const early = await Promise.race([answer, sleep(50)]);
        return early?.status === 503 ? early : undefined;
      },
      { what: 'its share is taken', intervalMs: 5, timeoutMs: 20_000 },
    );
    t.match(await refused.json(), {
      code: 503,
      msg: `token dashboard has 10 ${held}, its share of the 30 of this gateway (RIGEL_HTTP_STREAMS): end some of them first`,
    });
  }
  const other = await get('/task/11/events', 2);
  t.equal(other.status, 200);
  await other.body?.cancel();
  services.forget();
  get('/task/7?wait=30', 3).catch(() => undefined);
  await waitFor(() => services.last(tasks.awaitEnd) !== undefined, { what: 'another one waits' });
});

t.test('where a request comes from: a proxy is believed only when it is named', async (t) => {
  const cases: [settings: Partial<AppSettings>, sender: string, client: string][] = [
    [{}, '10.0.0.1', '10.0.0.1'],
    [{ RIGEL_HTTP_TRUST_PROXY: '10.0.0.0/8' }, '10.0.0.1', '198.51.100.9'],
    [{ RIGEL_HTTP_TRUST_PROXY: '10.0.0.0/8' }, '172.16.0.1', '172.16.0.1'],
  ];
  for (const [settings, sender, client] of cases) {
    await t.test(`${JSON.stringify(settings)} ${sender}`, async (t) => {
      const { app, services } = await start(t, settings);
      const headers = { ...bearer(2), 'x-forwarded-for': '192.0.2.1, 198.51.100.9' };
      await app.inject({ method: 'POST', url: '/task/stop/7', headers, remoteAddress: sender });
      t.equal(services.last(tasks.stop)?.context.client, client);
    });
  }
});

t.test('a live stream ends with its token, even if no message announces that', async (t) => {
  const { app, services, tokens } = await start(t);
  services.on(live.taskEvents, () => ({ events: [], version: 1, over: null }));
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const response = await fetch(`${url}/task/11/events`, { headers: bearer(1) });
  t.equal(response.status, 200);
  t.equal(response.headers.get('x-content-type-options'), 'nosniff');
  t.equal(response.headers.get('cache-control'), 'no-store');
  const ended = response.text();
  tokens.delete(1);
  t.match(await ended, /^retry: 1000/, 'it has ended');
  t.equal((await fetch(`${url}/task/11/events`, { headers: bearer(1) })).status, 401);
});

t.test('the audit gets requests that were refused, and no others', async (t) => {
  const { app, services } = await start(t);
  const told: Record<string, unknown>[] = [];
  services.on(access.recordRequests, ({ requests }) => {
    told.push(...requests);
    return {};
  });
  services.on(tasks.pause, () => {
    throw new ServiceError('wrong_state', 'it has ended');
  });
  services.on(tasks.start, () => {
    throw new ServiceError('unavailable', 'the database does not answer');
  });
  const send = (url: string, headers: Record<string, string>) =>
    app.inject({
      method: 'POST',
      url,
      headers: { ...headers, 'x-correlation-id': `c${url.replaceAll('/', '-')}` },
    });
  await send('/task/list', {});
  await send('/task/stop/7', bearer(1));
  await send('/task/pause/7', bearer(2));
  await send('/task/start/7', bearer(2));
  await send('/task/4711x', bearer(1));
  await send('/task/list', bearer(1));
  await send('/cluster/create', bearer(9));
  await waitFor(() => told.length >= 5, { what: 'all are told' });
  const common = { client: '127.0.0.1' };
  t.match(told, [
    {
      ...common,
      number: 1,
      operator: '',
      action: 'task.list',
      outcome: 'denied',
      status: 401,
      reason: 'no token was sent',
    },
    {
      ...common,
      number: 2,
      operator: 'dashboard',
      action: 'task.stop',
      target: 'task-7',
      outcome: 'denied',
      status: 403,
      reason: 'this needs the role operator, token dashboard has viewer',
      correlation_id: 'c-task-stop-7',
    },
    {
      ...common,
      number: 3,
      operator: 'ci',
      action: 'task.pause',
      outcome: 'refused',
      status: 400,
      reason: /it has ended/,
    },
    {
      ...common,
      number: 4,
      operator: 'ci',
      action: 'task.start',
      outcome: 'failed',
      reason: /does not answer/,
    },
    { ...common, number: 5, operator: '', outcome: 'denied', reason: 'token gone is revoked (id 9)' },
  ]);
  t.notMatch(JSON.stringify(told), SECRET);
});

t.test('the audit gets the checks that a person began', async (t) => {
  const { app, services } = await start(t);
  const told: unknown[] = [];
  services.on(access.recordRequests, ({ requests, done = [] }) => {
    told.push(...requests, ...done);
    return {};
  });
  let begun = true;
  services.on(orphans.check, () => ({ begun }));
  for (const service of HISTORY_SERVICES) {
    services.on(beginVerification(service), () => {
      if (service === 'catalog') return { begun };
      throw new ServiceError('unavailable', 'it is away');
    });
  }
  const post = async (url: string, token: number) => {
    const { statusCode } = await app.inject({ method: 'POST', url, headers: bearer(token) });
    return statusCode;
  };
  t.equal(await post('/orphans/check', 2), 200);
  t.equal(await post('/verification', 3), 200);
  begun = false;
  t.equal(await post('/orphans/check', 2), 200);
  t.equal(await post('/verification', 3), 200);
  t.equal(await post('/verification', 2), 403);
  await waitFor(() => told.length >= 3, { what: 'all are told' });
  t.match(
    (told as { number: number }[]).sort((a, b) => a.number - b.number),
    [
      { number: 1, operator: 'ci', action: 'machine.check', outcome: undefined, client: '127.0.0.1' },
      { number: 2, operator: 'ann', action: 'verification.begin', outcome: undefined },
      { number: 3, operator: 'ci', action: 'verification.begin', outcome: 'denied' },
    ],
  );
});

t.test(
  'an audit that does not answer delays no request, and gets the number of requests that it missed',
  async (t) => {
    const { app, services } = await start(t);
    const told: { requests: unknown[]; dropped: number }[] = [];
    let away = true;
    services.on(access.recordRequests, (request) => {
      if (away) throw new ServiceError('unavailable', 'the database does not answer');
      told.push(request);
      return {};
    });
    services.on(tasks.stop, () => {
      throw new ServiceError('wrong_state', 'it has ended');
    });
    for (let n = 0; n < 1_100; n++) {
      const { statusCode } = await app.inject({ method: 'POST', url: '/task/stop/7', headers: bearer(2) });
      if (statusCode !== 400) t.fail(`${statusCode}`);
    }
    away = false;
    const count = () => told.reduce((sum, { requests }) => sum + requests.length, 0);
    await waitFor(() => count() === 1_000, { what: 'those that were kept are told', timeoutMs: 20_000 });
    t.equal(
      told.reduce((sum, { dropped }) => sum + dropped, 0),
      100,
    );
  },
);

t.test(
  'whoever is refused again and again fills no audit, and not one refusal is missing there',
  async (t) => {
    const { app, services } = await start(t);
    const told: { times?: number; action: string; target: string; status: number }[] = [];
    services.on(access.recordRequests, ({ requests }) => {
      told.push(...requests);
      return {};
    });
    for (let n = 0; n < 500; n++) {
      await app.inject({ method: 'POST', url: `/task/stop/${n + 1}`, headers: bearer(1) });
      await app.inject({ url: '/cluster/list' });
    }
    await waitFor(() => told.length === 2, { what: 'the first of each are told at once' });
    await app.close();
    t.match(told, [
      { action: 'task.stop', target: 'task-1', status: 403, times: undefined },
      { action: 'cluster.list', status: 401, times: undefined },
      { action: 'task.stop', target: '', status: 403, times: 499 },
      { action: 'cluster.list', status: 401, times: 499 },
    ]);
    t.equal(told.length, 4);
  },
);

t.test('headers for browsers', async (t) => {
  const { app } = await start(t);
  const { headers } = await app.inject({ url: '/cluster/list', headers: bearer(1) });
  t.match(headers, {
    'content-security-policy': "default-src 'none';frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'SAMEORIGIN',
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
  });
  t.equal(headers['x-powered-by'], undefined);
  const docs = await app.inject({ url: '/docs', headers: bearer(1) });
  t.match(docs.headers['content-security-policy'], /script-src 'self'; style-src/);
  const all = [
    { url: '/cluster/list' },
    { method: 'HEAD' as const, url: '/cluster/list', headers: bearer(1) },
    { method: 'POST' as const, url: '/cluster/create', headers: bearer(1) },
    { url: '/nowhere', headers: bearer(1) },
    { url: '/%ff', headers: bearer(1) },
    { method: 'PUT' as const, url: '/cluster/list', headers: bearer(1) },
    { method: 'POST' as const, url: '/task/create', headers: bearer(2), payload: '{' },
    { url: '/openapi.json', headers: bearer(1) },
    { url: '/docs', headers: bearer(1) },
    { url: '/docs/static/swagger-ui.css', headers: bearer(1) },
    { url: '/healthz' },
  ];
  for (const request of all) {
    const { headers, statusCode } = await app.inject(request);
    t.equal(headers['x-content-type-options'], 'nosniff', request.url);
    const file = request.url.startsWith('/docs/');
    t.match(headers['cache-control'], file ? /max-age/ : 'no-store', `${request.url} ${statusCode}`);
  }
});
