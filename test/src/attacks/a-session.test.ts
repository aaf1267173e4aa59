import { setTimeout as sleep } from 'node:timers/promises';
import { newTokenSecret, sessionText } from '@rigel/contracts';
import { waitFor } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';

/*
 * The attacker wants what a signed-in browser may: by a page of another site, by a link or an image, by the cookie of another
 * installation, by the id of somebody's session, or by a session whose token was taken away.
 */

const rig = await startRig({ executors: 1, env: { gateway: { RIGEL_ACCESS: 'on' } } });
t.teardown(() => rig.stop());
const db = new pg.Client({ connectionString: rig.stack.databaseUrl });
await db.connect();
t.teardown(() => db.end());

const token = (name: string, role: string) => createToken(rig.stack.databaseUrl, name, role);
const admin = await token('ann', 'admin');
const asAdmin = { authorization: `Bearer ${admin.token}` };

interface Sent {
  status: number;
  cookie: string;
  setCookie: string;
  body: { code: number; msg: string; data: Record<string, unknown> };
}

async function send(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: object,
): Promise<Sent> {
  const answer = await rig.api.fetch(`${rig.stack.httpUrl}${path}`, {
    method,
    headers,
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const setCookie = answer.headers.get('set-cookie') ?? '';
  return {
    status: answer.status,
    setCookie,
    cookie: setCookie.split(';')[0] ?? '',
    body: (await answer.json()) as Sent['body'],
  };
}

const signIn = (text: string) => send('POST', '/session', {}, { token: text });
/** What the console sends with everything. */
const CONSOLE = { 'x-rigel-console': '1' };

t.test('a browser gets its session as a cookie that no script reads, and gives it back', async (t) => {
  const { status, setCookie, cookie, body } = await signIn(admin.token);
  t.equal(status, 200);
  t.match(body.data, { name: 'ann', role: 'admin', access: 'on', by: 'session', header: 'X-Rigel-Console' });
  t.match(setCookie, /^(__Host-)?rigel-[0-9a-f]{8}=rgs_\d+_[\w-]{43}; .*Path=\/.*HttpOnly.*SameSite=Strict/);
  t.equal(/^__Host-.*; Secure/.test(setCookie), rig.ca !== undefined, 'over TLS it is for this host alone');
  t.equal(JSON.stringify(body).includes('rgs_'), false, 'the body does not have it');
  t.match(await send('GET', '/session', { cookie }), {
    status: 200,
    body: { data: { name: 'ann', by: 'session' } },
  });
  const { body: made } = await send(
    'POST',
    '/cluster/create',
    { cookie, ...CONSOLE },
    { name: 'c', desc: '', biz: '' },
  );
  t.equal(made.code, 0);
  const out = await send('DELETE', '/session', { cookie, ...CONSOLE });
  t.equal(out.status, 200);
  t.match(out.setCookie, /^(__Host-)?rigel-[0-9a-f]{8}=; .*Expires=Thu, 01 Jan 1970/);
  t.equal((await send('GET', '/session', { cookie })).status, 401, 'it is over at once');
  const audit = await send('GET', '/audit?target=cluster-1', asAdmin);
  t.match(
    audit.body.data,
    [{ operator: 'ann', action: 'cluster.create' }],
    'the operator is the token’s name',
  );
});

t.test('no link, picture or page of another site changes anything by the cookie', async (t) => {
  const { cookie } = await signIn(admin.token);
  const cluster = { name: 'forged', desc: '', biz: '' };
  for (const [what, method, headers, path] of [
    ['by GET', 'GET', CONSOLE, '/cluster/create?name=forged&desc=&biz='],
    ['without the header of the console', 'POST', {}, '/cluster/create'],
    ['with another value of it', 'POST', { 'x-rigel-console': '0' }, '/cluster/create'],
    ['from another site', 'POST', { ...CONSOLE, 'sec-fetch-site': 'cross-site' }, '/cluster/create'],
    ['from another origin', 'POST', { ...CONSOLE, origin: 'https://evil.example' }, '/cluster/create'],
    ['signing out', 'DELETE', {}, '/session'],
  ] as const) {
    const { status } = await send(
      method,
      path,
      { cookie, ...headers },
      method === 'POST' ? cluster : undefined,
    );
    t.equal(status, path === '/cluster/create?name=forged&desc=&biz=' && status === 405 ? 405 : 403, what);
  }
  const { rows } = await db.query(`SELECT FROM inventory.clusters WHERE name = 'forged'`);
  t.equal(rows.length, 0);
  const both = await send('GET', '/session', { cookie, authorization: 'Bearer rgl_1_wrong' });
  t.equal(both.status, 401, 'with both, the header alone counts');
  t.equal((await send('GET', '/session', { cookie })).status, 200);
});

t.test(
  'an id without its secret, another installation’s cookie, and a token as cookie are nothing',
  async (t) => {
    const { cookie } = await signIn(admin.token);
    const [name = '', value = ''] = cookie.split('=');
    const id = Number(value.split('_')[1]);
    const { secret } = newTokenSecret();
    for (const forged of [
      `${name}=${sessionText(id, secret)}`,
      `rigel-00000000=${value}`,
      `__Host-${name}=${value}`,
      `${name}=${admin.token}`,
      `${name}=${value}x`,
    ])
      t.equal((await send('GET', '/session', { cookie: forged })).status, 401, forged.slice(0, 30));
    t.equal(
      (await send('GET', '/session', { authorization: `Bearer ${value}` })).status,
      401,
      'nor as a token',
    );
  },
);

t.test('a session ends with its token within a second, its streams too', async (t) => {
  const lent = await token('lent', 'viewer');
  const { cookie } = await signIn(lent.token);
  const { body } = await send('GET', '/task/list', { cookie });
  t.equal(body.code, 0);
  t.equal(
    (await send('POST', '/cluster/create', { cookie, ...CONSOLE }, { name: 'x', desc: '', biz: '' })).status,
    403,
  );
  const stream = await rig.api.fetch(`${rig.stack.httpUrl}/live?topics=tasks`, { headers: { cookie } });
  t.equal(stream.status, 200);
  const ended = stream.text().catch(() => undefined);
  await send('POST', `/token/revoke/${lent.id}`, asAdmin);
  const began = Date.now();
  await waitFor(async () => (await send('GET', '/task/list', { cookie })).status === 401, {
    what: 'the session has ended',
    intervalMs: 50,
  });
  await ended;
  t.comment(`it ended after ${Date.now() - began} ms`);
});

t.test('an administrator sees all sessions, and revokes one', async (t) => {
  const { cookie } = await signIn(admin.token);
  const list = await send('GET', '/session/list', { cookie });
  const rows = (list.body.data as { rows: { id: number; name: string; own: boolean }[] }).rows;
  t.equal(rows.filter(({ own }) => own).length, 1, 'one’s own is named');
  t.equal(JSON.stringify(rows).includes('hash'), false);
  const { cookie: other } = await signIn(admin.token);
  const otherId = Number(/=rgs_(\d+)_/.exec(other)?.[1]);
  t.equal((await send('POST', `/session/revoke/${otherId}`, { cookie, ...CONSOLE })).status, 200);
  t.equal((await send('GET', '/session', { cookie: other })).status, 401);
  t.equal((await send('POST', '/session/revoke/999999', { cookie, ...CONSOLE })).status, 404);
  const viewer = await token('eve', 'viewer');
  const { cookie: eve } = await signIn(viewer.token);
  t.equal((await send('GET', '/session/list', { cookie: eve })).status, 403);
});

t.test('a one-time code works once, and only a token makes one', async (t) => {
  const { body } = await send('POST', '/session/code', asAdmin);
  const { code } = body.data as { code: string };
  const tries = await Promise.all([1, 2, 3].map(() => send('POST', '/session', {}, { code })));
  t.strictSame(tries.map(({ status }) => status).sort(), [200, 401, 401]);
  const { cookie } = tries.find(({ status }) => status === 200) as Sent;
  t.equal(
    (await send('POST', '/session/code', { cookie, ...CONSOLE })).status,
    400,
    'a session does not multiply',
  );
});

t.test('a token in the address is refused, however good it is', async (t) => {
  const { status, setCookie, body } = await send('POST', `/session?token=${admin.token}`);
  t.equal(status, 400);
  t.equal(setCookie, '');
  t.match(body.msg, /token must stand in the body/);
  t.notMatch(body.msg, /rgl_/);
});

t.test('pages whose session has ended keep nobody from signing in', async (t) => {
  const { cookie } = await signIn(admin.token);
  await send('DELETE', '/session', { cookie, ...CONSOLE });
  // More often than an address may fail in a minute.
  for (let n = 0; n < 70; n++) {
    const { status } = await send('GET', '/task/list', { cookie });
    if (status !== 401) t.fail(`${status} after ${n} requests`);
  }
  t.equal((await signIn(admin.token)).status, 200);
});

t.test('guessing is counted, written down, and ends with 429', async (t) => {
  const wrong = `rgl_${admin.id}_${'x'.repeat(43)}`;
  let status = 0;
  for (let n = 0; n < 100 && status !== 429; n++) ({ status } = await signIn(wrong));
  t.equal(status, 429);
  t.equal((await signIn(admin.token)).status, 200, 'who has a good token gets in all the same');
  await sleep(1_500);
  const audit = await send('GET', '/audit?action=session.start&outcome=denied', asAdmin);
  const [line] = audit.body.data as unknown as { reason: string; operator: string }[];
  t.match(line?.reason, /the secret of token ann is wrong/);
  const { rows } = await db.query<{ data: string }>(`SELECT data::text FROM access.events`);
  t.notOk(
    rows.some(({ data }) => data.includes('rgs_') || data.includes('rgl_')),
    'no event has a secret',
  );
});
