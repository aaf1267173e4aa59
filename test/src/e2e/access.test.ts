import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { covers, ROLES, type Role } from '@rigel/contracts';
import { run } from '@rigel/database-cli';
import { REPOSITORY_DIR } from '@rigel/local';
import { findFreePort } from '@rigel/local-servers';
import { waitFor } from '@rigel/testing';
import pg from 'pg';
import t, { type Test } from 'tap';
import { command as conformance } from '../conformance/command.js';
import { Fleet, loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';

/*
 * Access on, on the whole system with two gateways: who is let in where, what a revoked token can still do, the main job with an
 * operator's token, and what the audit tells of it all.
 */

const rig = await startRig({
  executors: 1,
  env: { gateway: { RIGEL_ACCESS: 'on', RIGEL_HTTP_FAILED_LIMIT: '1000000' } },
});
t.teardown(() => rig.stop());

/** Runs `rigel` on this system. */
async function rigel(...args: string[]) {
  const out: string[] = [];
  const note: string[] = [];
  const env = { DATABASE_URL: rig.stack.databaseUrl };
  const status = await run(args, env, { out: (line) => out.push(line), note: (line) => note.push(line) });
  return { status, out, note };
}

async function makeToken(name: string, role: string, ...more: string[]) {
  const { out } = await rigel('token', 'create', '--name', name, '--role', role, '--json', ...more);
  return JSON.parse(out[0] ?? '') as { id: number; token: string };
}

/** One more replica of the gateway. */
async function secondGateway(): Promise<{ url: string; process: ChildProcess }> {
  const port = await findFreePort();
  const main = join(REPOSITORY_DIR, 'services', 'gateway', 'dist', 'main.js');
  const child = spawn(process.execPath, [main], {
    env: {
      ...rig.environment('gateway'),
      RIGEL_SERVICE_NAME: 'gateway-2',
      RIGEL_HTTP_PORT: String(port),
    },
    stdio: 'ignore',
  });
  t.teardown(() => child.kill('SIGKILL'));
  const url = `${new URL(rig.stack.httpUrl).protocol}//127.0.0.1:${port}`;
  await waitFor(
    () =>
      rig.api
        .fetch(`${url}/readyz`)
        .then(({ status }) => status === 200)
        .catch(() => false),
    {
      what: 'the second gateway is ready',
      timeoutMs: 30_000,
    },
  );
  return { url, process: child };
}

const urls = [rig.stack.httpUrl, (await secondGateway()).url];
const clientOf = ({ token }: { token: string }) => rig.client(`Bearer ${token}`);
const admin = await makeToken('ann', 'admin');
const adminApi = clientOf(admin);

interface Operation {
  method: string;
  path: string;
  role: Role;
}

/** Every operation that the server says it has. */
async function operations(): Promise<Operation[]> {
  const response = await rig.api.fetch(`${rig.stack.httpUrl}/openapi.json`, {
    headers: { authorization: `Bearer ${admin.token}` },
  });
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, { 'x-role': Role }>> };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      // An id that nothing has: who is let in changes nothing all the same.
      path: path.replaceAll(/\{\w+\}/g, '4711'),
      role: operation['x-role'],
    })),
  );
}

/** Where each service's history ends. */
async function heads(): Promise<unknown> {
  const database = new pg.Client({ connectionString: rig.stack.databaseUrl });
  await database.connect();
  try {
    const { rows } = await database.query(
      `SELECT (SELECT position FROM inventory.event_head) AS inventory,
        (SELECT position FROM catalog.event_head) AS catalog,
        (SELECT position FROM scheduler.event_head) AS scheduler`,
    );
    return rows[0];
  } finally {
    await database.end();
  }
}

async function statusOf({ method, path }: Operation, authorization?: string, url = urls[0]): Promise<number> {
  const response = await rig.api.fetch(`${url}${path}`, {
    method,
    ...(authorization === undefined ? {} : { headers: { authorization } }),
    signal: AbortSignal.timeout(30_000),
  });
  await response.body?.cancel();
  return response.status;
}

t.test('every endpoint, by every role, with every kind of credentials', async (t) => {
  // Signing in is where credentials begin; it is tried in attacks/a-session.test.ts.
  const all = (await operations()).filter(({ method, path }) => `${method} ${path}` !== 'POST /session');
  t.ok(all.length > 100, `${all.length} operations`);
  for (const { path, role } of all) if (!ROLES.includes(role)) t.fail(`${path} has no role`);
  const bad: [string, string | undefined][] = [
    ['none', undefined],
    ['a name', 'ann'],
  ];
  const right: [Role, string][] = [];
  let over = 0;
  for (const role of ROLES) {
    const good = await makeToken(`right ${role}`, role);
    right.push([role, `Bearer ${good.token}`]);
    const last = good.token.endsWith('A') ? 'B' : 'A';
    bad.push([`wrong ${role}`, `Bearer ${good.token.slice(0, -1)}${last}`]);
    const revoked = await makeToken(`revoked ${role}`, role);
    t.match(await rigel('token', 'revoke', String(revoked.id)), { status: 0 });
    bad.push([`revoked ${role}`, `Bearer ${revoked.token}`]);
    // Not over yet when the request arrives, and soon after.
    over = Date.now() + 5_000;
    const expired = await adminApi.ok<{ token: string }>('/token/create', {
      name: `expired ${role}`,
      role,
      expires: String(over),
    });
    bad.push([`expired ${role}`, `Bearer ${expired.token}`]);
  }
  bad.push(['unknown', `Bearer ${admin.token.replace(/_\d+_/, '_4711_')}`]);
  await waitFor(() => Date.now() > over, { what: 'tokens have expired' });
  const before = await heads();
  for (const operation of all) {
    const where = `${operation.method} ${operation.path}`;
    for (const [what, authorization] of bad) {
      const status = await statusOf(operation, authorization);
      if (status !== 401) t.fail(`${where}: ${what}: ${status}`);
    }
    for (const [role, authorization] of right) {
      const status = await statusOf(operation, authorization);
      if (covers(role, operation.role) ? [401, 403, 429, 500].includes(status) : status !== 403)
        t.fail(`${where} (for ${operation.role}): ${role}: ${status}`);
    }
  }
  t.strictSame(await heads(), before, 'nothing was changed');
  for (const path of ['/docs', '/openapi.json', '/nowhere']) {
    t.equal(await statusOf({ method: 'GET', path, role: 'viewer' }), 401, path);
  }
  for (const path of ['/healthz', '/readyz']) {
    t.equal(await statusOf({ method: 'GET', path, role: 'viewer' }), 200, path);
  }
});

t.test('docs/access.md has the role of every endpoint', async (t) => {
  const text = await readFile(join(REPOSITORY_DIR, 'docs', 'access.md'), 'utf8');
  const documented = new Map(
    [...text.matchAll(/^\| `(\S+)` +\| (viewer|operator|admin) +\|$/gm)].map(([, path, role]) => [
      path,
      role,
    ]),
  );
  const { paths } = JSON.parse(await readFile(join(REPOSITORY_DIR, 'docs', 'openapi.json'), 'utf8')) as {
    paths: Record<string, Record<string, { 'x-role': Role }>>;
  };
  const served = new Map(
    Object.entries(paths)
      // A path that is read by anybody may be written to by a few.
      .map(([path, methods]) => {
        const roles = Object.values(methods).map((method) => method['x-role']);
        return [path, roles.find((role) => role !== 'viewer') ?? 'viewer'] as const;
      })
      .filter(([, role]) => role !== 'viewer'),
  );
  t.strictSame(
    [...documented].sort(),
    [...served].map(([path, role]) => [path, role]).sort(),
    'all that is not for viewers',
  );
});

/** A machine that is busy with something else may be late for once: three times it is not the machine. */
const TRIES = 3;

t.test('a revoked token stops working within a second, at every gateway', async (t) => {
  let late: number[] = [];
  for (let number = 1; number <= TRIES; number++) {
    late = (await acceptedAfterRevocation(t, `script ${number}`)).filter((ms) => ms >= 1_000);
    if (late.length === 0) break;
    t.comment(`accepted last ${late.join(', ')} ms after it was revoked`);
  }
  t.same(late, [], 'milliseconds from the revocation to the last request that was accepted');
});

/** Revokes a token while it is used at every gateway. @returns when each accepted it last, in ms after its revocation. */
async function acceptedAfterRevocation(t: Test, name: string): Promise<number[]> {
  const { id, token } = await makeToken(name, 'viewer');
  const list: Operation = { method: 'GET', path: '/cluster/list', role: 'viewer' };
  const send = (url: string) => statusOf(list, `Bearer ${token}`, url);
  /** Uses the token all the time; when it was accepted last. */
  const use = async (url: string): Promise<number> => {
    let accepted = 0;
    for (;;) {
      const sent = Date.now();
      const status = await send(url);
      if (status === 401) return accepted;
      t.equal(status, 200);
      accepted = sent;
      await sleep(10);
    }
  };
  const using = urls.map(use);
  await sleep(1_000);
  const revoked = await rigel('token', 'revoke', String(id));
  const at = Date.now();
  t.match(revoked, { status: 0, out: [`token ${id} is revoked`] });
  const last = await Promise.all(using);
  t.ok(
    last.every((accepted) => accepted > 0),
    'it was used before',
  );
  t.match(await rigel('token', 'revoke', String(id)), { out: [`token ${id} was revoked already`] });
  return last.map((accepted) => accepted - at);
}

t.test('the main job runs with an operator’s token, and not with a viewer’s', async (t) => {
  const template = await new Fleet(adminApi).template({ hello: { command: 'echo hello; sleep 1' } });
  const ci = clientOf(await makeToken('ci', 'operator'));
  const fleet = new Fleet(ci);
  const nodes = loopbackNodes(3, rig.sshd.port);
  const { poolId, nodeIds } = await fleet.pool(nodes);
  const task = await fleet.startTask(template, nodes, { opr_user: 'somebody else' });
  const viewerToken = await makeToken('dashboard', 'viewer');
  const viewer = clientOf(viewerToken);
  t.match(await viewer.call(`/task/stop/${task}`), { status: 403, code: 403 });
  t.match(await ci.call('/action/create', { name: 'x', desc: '', params: {} }), { status: 403 });
  t.match(await ci.call('/audit'), { status: 403 });
  const ended = await fleet.ended(task);
  t.match(ended, { state: 2, opr_user: 'ci' });
  t.match(await viewer.task(task), { state: 2 });
  t.match(await ci.call(`/task/stop/${task}`), { status: 400 });

  const paused = await fleet.startTask(template, nodes, { max_num: 1 });
  await ci.ok(`/task/pause/${paused}`);
  const stream = await rig.api.fetch(`${urls[1]}/task/${paused}/events`, {
    headers: { authorization: `Bearer ${viewerToken.token}` },
  });
  t.equal(stream.status, 200);
  const text = stream.text();
  await rigel('token', 'revoke', String(viewerToken.id));
  t.match(await text, /event: task_paused/, 'the stream of a paused task ends with its token alone');
  await ci.ok(`/task/stop/${paused}`);

  await t.test('and the audit tells who did it, from where, and what was refused', async (t) => {
    const audit = (filter: object) => adminApi.ok<Record<string, unknown>[]>('/audit', filter);
    const target = `task-${task}`;
    // The last thing that was done comes last, but what was refused by another way.
    const stopped = { action: 'task.stop', outcome: 'done', target: `task-${paused}` };
    await waitFor(
      async () =>
        (await audit({ target, page_size: 100 })).length === 4 && (await audit(stopped)).length === 1,
      { what: 'all is in the audit' },
    );
    t.match(await audit({ target }), [
      { action: 'task.stop', operator: 'ci', outcome: 'refused', status: 400, client: '127.0.0.1' },
      {
        action: 'task.stop',
        operator: 'dashboard',
        outcome: 'denied',
        status: 403,
        client: '127.0.0.1',
        reason: 'this needs the role operator, token dashboard has viewer',
      },
      { action: 'task.start', operator: 'ci', outcome: 'done', client: '127.0.0.1' },
      { action: 'task.create', operator: 'ci', outcome: 'done', client: '127.0.0.1', name: /./ },
    ]);
    t.match(await audit({ target: `node-${nodeIds[0]}` }), [
      { action: 'pool.add_nodes', operator: 'ci', outcome: 'done', client: '127.0.0.1', name: nodes[0] },
    ]);
    t.match(await audit({ target: `pool-${poolId}`, action: 'pool.create' }), [{ operator: 'ci' }]);
    t.match(await audit({ action: 'action.create' }), [
      { operator: 'ci', outcome: 'denied' },
      { operator: 'ann', outcome: 'done', target: /^action-/ },
    ]);
    t.match(await audit({ action: 'token.create' }), [
      { operator: /^rigel \(/, name: 'dashboard', client: '' },
    ]);
    const stops = await audit({ action: 'task.stop', outcome: 'done' });
    t.match(stops, [{ target: `task-${paused}`, operator: 'ci' }]);
    const [stop] = stops;
    t.same(
      (await audit({ to: stop?.time_at })).filter(({ id }) => id === stop?.id),
      [],
    );
    t.match(await audit({ from: stop?.time_at, target: `task-${paused}` }), [{ id: stop?.id }]);
    t.match(await adminApi.call('/audit', { from: 'yesterday' }), {
      status: 400,
      msg: /^from must be a time/,
    });
  });
});

t.test('tokens by the API', async (t) => {
  const made = await adminApi.ok<{ id: number; token: string }>('/token/create', {
    name: 'made by ann',
    role: 'operator',
  });
  t.equal((await clientOf(made).call('/task/list')).status, 200);
  const [row] = await adminApi.ok<object[]>('/token/list');
  t.match(row, { id: made.id, name: 'made by ann', role: 'operator', created_by: 'ann', revoked: null });
  await adminApi.ok(`/token/revoke/${made.id}`);
  t.equal((await clientOf(made).call('/task/list')).status, 401, 'at once, where it was revoked');
});

t.test('conformance looks at a server whose access is on, with a token from the environment', async (t) => {
  const words = [rig.stack.httpUrl, 'cluster.create', 'token.', 'the operator is'];
  const trust = rig.stack.caFile === undefined ? {} : { NODE_EXTRA_CA_CERTS: rig.stack.caFile };
  const { token } = await makeToken('conformance', 'admin');
  const right = await conformance(words, { ...trust, RIGEL_TOKEN: token });
  t.equal(right.status, 0, right.output);
  t.match(right.output, /[1-9]\d* passed, 0 failed, 0 not available/);
  const viewer = await makeToken('conformance viewer', 'viewer');
  for (const [given, why] of [
    [{}, 'RIGEL_TOKEN is not set (401)'],
    [{ RIGEL_TOKEN: viewer.token }, 'that of RIGEL_TOKEN is none (403)'],
  ] as const) {
    const refused = await conformance(words, { ...trust, ...given });
    t.match(refused, { status: 2 });
    t.ok(refused.output.includes(`asks for a token of an administrator, and ${why}`), refused.output);
  }
});

t.test('the command line', async (t) => {
  const created = await rigel(
    'token',
    'create',
    '--name',
    'for a week',
    '--role',
    'viewer',
    '--expires',
    '1w',
  );
  t.match(created, {
    status: 0,
    out: [/^rgl_\d+_[\w-]{43}$/],
    note: [/for a week, viewer, valid until \d{4}-/],
  });
  const [token = ''] = created.out;
  t.equal((await clientOf({ token }).call('/task/list')).status, 200);
  const taken = await rigel('token', 'create', '--name', 'for a week', '--role', 'admin');
  t.match(taken, { status: 2, out: [], note: [/^rigel: another token is named for a week/] });
  t.match(await rigel('token', 'revoke', '4711'), { status: 2, note: ['rigel: token 4711 does not exist'] });
  await waitFor(
    async () => /for a week +viewer.* \d{4}-\S+$/m.test((await rigel('token', 'list')).out[1] ?? ''),
    {
      what: 'its last use is listed',
    },
  );
  const list = await rigel('token', 'list', '--json');
  t.match(JSON.parse(list.out[0] ?? ''), { name: 'for a week', role: 'viewer' });
  t.notMatch(list.out.join(), /hash|rgl_/);
  t.match(await rigel('verify'), { status: 0, out: [/./, /./, /./, /^access: \d+ events, no difference$/] });
});

t.test('no secret of a token is anywhere but with whoever has it', async (t) => {
  const secret = admin.token.split('_').slice(2).join('_');
  const database = new pg.Client({ connectionString: rig.stack.databaseUrl });
  await database.connect();
  const { rows: tables } = await database.query<{ name: string }>(
    `SELECT table_schema || '.' || table_name AS name FROM information_schema.tables
     WHERE table_schema IN ('access', 'inventory', 'catalog', 'scheduler')`,
  );
  for (const { name } of tables) {
    const { rows } = await database.query(`SELECT 1 FROM ${name} AS row WHERE row::text LIKE $1`, [
      `%${secret}%`,
    ]);
    t.equal(rows.length, 0, name);
  }
  await database.end();
  const logs = await readdir(join(rig.dataDir, 'logs'));
  t.ok(logs.includes('gateway.log'));
  for (const name of logs) {
    t.notOk((await readFile(join(rig.dataDir, 'logs', name), 'utf8')).includes(secret), name);
  }
});
