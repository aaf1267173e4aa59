import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { REPOSITORY_DIR } from '@rigel/local';
import { findFreePort } from '@rigel/local-servers';
import { waitFor } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';

/*
 * Anonymous: whoever reaches the API while access is on, and has no token. They may send anything, as often as they like.
 */

const rig = await startRig({
  executors: 1,
  env: { gateway: { RIGEL_ACCESS: 'on', RIGEL_HTTP_FAILED_LIMIT: '1000000' } },
});
t.teardown(() => rig.stop());
const { protocol } = new URL(rig.stack.httpUrl);

const makeToken = async (name: string, role: string): Promise<string> =>
  (await createToken(rig.stack.databaseUrl, name, role)).token;

const admin = await makeToken('ann', 'admin');
const api = rig.client(`Bearer ${admin}`);

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  rig.api.fetch(`${rig.stack.httpUrl}${path}`, { method, headers, signal: AbortSignal.timeout(30_000) });

/** One more gateway, which can be ended. */
async function secondGateway() {
  const port = await findFreePort();
  const main = join(REPOSITORY_DIR, 'services', 'gateway', 'dist', 'main.js');
  const env = {
    ...rig.environment('gateway'),
    RIGEL_SERVICE_NAME: 'gateway-2',
    RIGEL_HTTP_PORT: String(port),
  };
  const child = spawn(process.execPath, [main], { env, stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const url = `${protocol}//127.0.0.1:${port}`;
  const ready = () =>
    rig.api.fetch(`${url}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    );
  await waitFor(ready, { what: 'the second gateway is ready', timeoutMs: 30_000 });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  return { url, stop };
}

t.test('They read nothing and change nothing, whatever they send for a token', async (t) => {
  const credentials = [
    {},
    { authorization: 'ann' },
    { authorization: 'Bearer' },
    { authorization: `Bearer ${admin.slice(0, -1)}${admin.endsWith('A') ? 'B' : 'A'}` },
    { authorization: `Bearer ${admin.replace(/_\d+_/, '_4711_')}` },
    { authorization: `Basic ${Buffer.from(`ann:${admin}`).toString('base64')}` },
    { cookie: `token=${admin}` },
  ] as Record<string, string>[];
  const answers = new Set<string>();
  for (const headers of credentials) {
    for (const [method, path] of [
      ['GET', '/cluster/list'],
      ['POST', '/cluster/create'],
      ['GET', '/task/start/1'],
      ['GET', '/task/1/events'],
      ['GET', '/audit'],
      ['GET', '/openapi.json'],
      ['GET', '/nowhere'],
    ] as const) {
      const reply = await get(path, headers, method);
      t.equal(reply.status, 401, `${method} ${path} ${JSON.stringify(Object.keys(headers))}`);
      answers.add(await reply.text());
    }
  }
  t.equal(answers.size, 1, 'nor do they learn from the answer which tokens there are');
});

t.test('They get nothing from whatever keeps answers on the way', async (t) => {
  const withToken = { authorization: `Bearer ${admin}` };
  for (const [path, headers] of [
    ['/cluster/list', withToken],
    ['/audit', withToken],
    ['/openapi.json', withToken],
    ['/nowhere', withToken],
    ['/cluster/list', {}],
    ['/healthz', {}],
    ['/readyz', {}],
  ] as [string, Record<string, string>][]) {
    const { headers: given } = await get(path, headers);
    t.equal(given.get('cache-control'), 'no-store', path);
    t.equal(given.get('x-content-type-options'), 'nosniff', path);
  }
});

t.test('They cannot fill the audit: what is the same is one line, with its exact number', async (t) => {
  const gateway = await secondGateway();
  const guess = { authorization: `Bearer ${admin.replace(/_\d+_/, '_815_')}` };
  for (let n = 0; n < 300; n++)
    await (await rig.api.fetch(`${gateway.url}/pool/list_nodes_of_nobody`, { headers: guess })).text();
  // It tells what it has counted when it ends, else after a minute.
  await gateway.stop();
  const lines = await waitFor(
    async () => {
      const rows = await api.ok<{ reason: string; times: number }[]>('/audit', {
        outcome: 'denied',
        page_size: 1_000,
      });
      const ours = rows.filter(({ reason }) => reason.includes('(id 815)'));
      return ours.length >= 2 && ours;
    },
    { what: 'all of them are in the audit' },
  );
  t.match(lines, [{ times: 299, operator: '', status: 401 }, { times: 1 }]);
  t.equal(lines.length, 2);
});

t.test('They cannot mean two hosts with one request', async (t) => {
  const { hostname, port, host } = new URL(rig.stack.httpUrl);
  const ask = async (target: string, hosts: string) => {
    const options = { host: hostname, port: Number(port) };
    const socket = rig.ca === undefined ? connect(options) : connectTls({ ...options, ca: rig.ca });
    const lines = [
      `GET ${target} HTTP/1.1`,
      hosts,
      `Authorization: Bearer ${admin}`,
      'Connection: close',
      '',
      '',
    ];
    socket.write(lines.join('\r\n'));
    return (await text(socket)).slice(0, 12);
  };
  t.equal(await ask('/cluster/list', `Host: ${host}`), 'HTTP/1.1 200');
  t.equal(await ask('/cluster/list', `Host: ${host}\r\nHost: evil.example`), 'HTTP/1.1 400');
  t.equal(await ask('/cluster/list', `Host: [::1]evil.example`), 'HTTP/1.1 400');
  t.equal(await ask('/cluster/list', 'Host:'), 'HTTP/1.1 400');
  t.equal(await ask('http://evil.example/cluster/list', `Host: ${host}`), 'HTTP/1.1 400');
});

t.test('They change nothing that is kept', async (t) => {
  const database = new pg.Client({ connectionString: rig.stack.databaseUrl });
  await database.connect();
  const { rows } = await database.query(
    `SELECT (SELECT count(*)::int FROM inventory.events) + (SELECT count(*)::int FROM scheduler.events)
      + (SELECT count(*)::int FROM catalog.events) AS events`,
  );
  await database.end();
  t.equal(rows[0].events, 0);
});
