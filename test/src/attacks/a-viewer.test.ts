import { execFile } from 'node:child_process';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { readEventStream } from '@rigel/testing';
import t from 'tap';
import { Fleet } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';

/*
 * The attacker may look: a viewer's token, which leaked or was lent. Some have no token at all, and only reach the gateway. They want
 * the system to stop for everybody else, by load: large bodies, many keys, all streams, all waits, other people's failures to log in.
 * What they may read and must not change is in e2e/access.test.ts.
 */

const MIB = 1024 * 1024;
/** Streams, and waits, of the gateway; one client has a third of them, since ten are the least. */
const STREAMS = 30;
const SHARE = 10;

const rig = await startRig({
  apart: true,
  executors: 1,
  env: { gateway: { RIGEL_ACCESS: 'on', RIGEL_HTTP_STREAMS: String(STREAMS) } },
});
t.teardown(() => rig.stop());

const token = (name: string, role: string) => createToken(rig.stack.databaseUrl, name, role);

const viewer = await token('eve', 'viewer');
const admin = await token('ann', 'admin');
const bearer = ({ token }: { token: string }) => `Bearer ${token}`;
const adminApi = rig.client(bearer(admin));

/** A task that nobody has started: its streams stay open, and who waits for its end waits. */
async function idleTask(): Promise<number> {
  const fleet = new Fleet(adminApi);
  const template = await fleet.template({ idle: { command: 'true' } });
  await fleet.pool(['10.255.0.1']);
  return fleet.startTask(template, ['10.255.0.1'], { auto: 0 });
}
const task = await idleTask();

/** A request whose body the test writes, or does not; and its answer, which may come before that. */
function open(
  path: string,
  headers: Record<string, string | number>,
  authorization?: string,
): {
  sent: ClientRequest;
  answer: Promise<{
    status: number | undefined;
    headers: IncomingMessage['headers'];
    json: { code: number; msg: string };
  }>;
} {
  const url = `${rig.stack.httpUrl}${path}`;
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  const sent = send(url, {
    method: 'POST',
    agent: false,
    headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
    ...(rig.ca === undefined ? {} : { ca: rig.ca }),
  });
  t.teardown(() => sent.destroy());
  // Its connection is closed while it is still sending.
  sent.on('error', () => undefined);
  const answer = new Promise<IncomingMessage>((resolve) => sent.once('response', resolve)).then(
    async (response) => ({
      status: response.statusCode,
      headers: response.headers,
      json: (await json(response)) as { code: number; msg: string },
    }),
  );
  sent.flushHeaders();
  return { sent, answer };
}

const manyKeys = `{${Array.from({ length: 1_250_000 }, (_, n) => `"k${n}":1`).join()}}`;

/** What the gateway holds in memory, in MiB. */
async function memory(): Promise<number> {
  const pid = rig.stack.processes.find(({ name }) => name === 'gateway')?.pid;
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) / 1024;
}

t.test('a viewer cannot have 15 MB read: the announcement is refused before the body comes', async (t) => {
  const { sent, answer } = open('/cluster/list', { 'content-length': manyKeys.length }, bearer(viewer));
  sent.write(manyKeys.slice(0, 1_000));
  const { status, json } = await answer;
  t.equal(status, 413);
  t.match(json, {
    code: 413,
    msg: `the body has ${manyKeys.length} bytes, cluster.list takes at most 65536 (64 KiB): leave out`,
  });
});

t.test('twelve bodies of 15 MB at once neither stop the gateway nor fill its memory', async (t) => {
  const before = await memory();
  let most = before;
  const answers: Promise<unknown>[] = [];
  for (const announced of [true, false]) {
    for (let n = 0; n < 12; n++) {
      const { sent, answer } = open(
        '/cluster/list',
        announced ? { 'content-length': manyKeys.length } : { 'transfer-encoding': 'chunked' },
        bearer(viewer),
      );
      sent.write(manyKeys.slice(0, 4 * MIB));
      sent.end(manyKeys.slice(4 * MIB));
      answers.push(answer.then(({ status }) => status));
    }
    // Others are answered while those are under way.
    for (let n = 0; n < 5; n++) {
      t.equal((await adminApi.call('/cluster/list')).code, 0);
      most = Math.max(most, await memory());
    }
  }
  t.strictSame(await Promise.all(answers), Array(24).fill(413));
  most = Math.max(most, await memory());
  t.ok(most - before < 200, `${Math.round(most - before)} MiB more of memory`);
});

t.test('a viewer cannot have objects made of thousands of keys, or of endless nesting', async (t) => {
  const post = async (body: string) => {
    const response = await rig.api.fetch(`${rig.stack.httpUrl}/cluster/list`, {
      method: 'POST',
      headers: { authorization: bearer(viewer) },
      body,
    });
    return response.json() as Promise<{ code: number; msg: string }>;
  };
  const keys = Array.from({ length: 6_000 }, (_, n) => `"k${n}":1`).join();
  t.match(await post(`{${keys}}`), { code: 413, msg: /more than 1000 members and elements/ });
  t.match(await post(`{"id":${'['.repeat(30_000)}${']'.repeat(30_000)}}`), { code: 413, msg: /65 levels/ });
  t.match(await post('a=1&'.repeat(15_000)), { code: 413, msg: /more than 1000 pairs/ });
  t.match(await post(`{"${'x'.repeat(65_000)}":1}`), {
    code: 400,
    msg: /unknown parameter xxx.*nearest known name/,
  });
});

t.test('a viewer cannot take the room that there is for the bodies of others', async (t) => {
  const search = (authorization: string) =>
    open('/pool/search_by_ip', { 'content-length': MIB }, authorization);
  // What was let in waits for its body, and is not answered.
  const asked = Array.from({ length: 17 }, () => search(bearer(viewer)));
  const refused = await Promise.race(asked.map(({ answer }) => answer));
  t.match(refused, {
    status: 503,
    headers: { 'retry-after': '1' },
    json: {
      code: 503,
      msg: /^the bodies of token eve that are under way would have more than 16 MiB together/,
    },
  });
  const other = search(bearer(admin));
  other.sent.end(`{"iplist": "10.255.0.1"}`.padEnd(MIB));
  t.match(await other.answer, { status: 200, json: { code: 0 } });
  t.equal((await rig.client(bearer(viewer)).call('/cluster/list')).code, 0, 'its own small requests go on');
  for (const { sent } of asked) sent.destroy();
});

t.test('a viewer cannot take every live stream, nor every place to wait', async (t) => {
  const leaving = new AbortController();
  t.teardown(() => leaving.abort());
  const get = (path: string, authorization: string) =>
    rig.api.fetch(`${rig.stack.httpUrl}${path}`, { headers: { authorization }, signal: leaving.signal });
  for (const [path, what] of [
    [`/task/${task}/events`, 'live streams open'],
    [`/task/${task}?wait=30`, 'requests that wait'],
  ] as const) {
    const asked = Array.from({ length: SHARE + 1 }, () => get(path, bearer(viewer)));
    for (const answer of asked) answer.catch(() => undefined);
    const refused = await Promise.any(
      asked.map(async (answer) => {
        const response = await answer;
        if (response.status !== 503) throw new Error('it was let in');
        return response;
      }),
    );
    t.match(await refused.json(), {
      code: 503,
      msg: `token eve has ${SHARE} ${what}, its share of the ${STREAMS} of this gateway (RIGEL_HTTP_STREAMS): end some of them first`,
    });
    const other = await get(path.replace('30', '1'), bearer(admin));
    t.equal(other.status, 200, 'there are places for others');
    await other.body?.cancel();
  }
});

t.test('whoever watches or waits is sent away when the token is revoked', async (t) => {
  const lent = await token('lent', 'viewer');
  const headers = { authorization: bearer(lent) };
  const address = `${rig.stack.httpUrl}/task/${task}`;
  const stream = await rig.api.fetch(`${address}/events`, { headers });
  t.equal(stream.status, 200);
  const ended = stream.text();
  const waiting = rig.api.fetch(`${address}?wait=30`, { headers });
  // Until it waits: the task is told otherwise only when it has ended.
  await Promise.race([waiting, sleep(300)]);
  await adminApi.ok(`/token/revoke/${lent.id}`);
  const answer = await waiting;
  t.equal(answer.status, 401, 'it gets nothing of the task');
  t.match(await answer.json(), { code: 401, msg: /^a valid token is needed/ });
  t.match(await ended, /event: task_created/, 'the stream has ended, the task has not');
  const again = readEventStream(`${address}/events`, { ca: rig.ca });
  await t.rejects(again.next(), /answers 401/);
  t.match(await adminApi.task(task), { end_reason: '' });
});

t.test('nobody is kept out by the failures of others at the same address', async (t) => {
  const anonymous = (authorization?: string) =>
    rig.api
      .fetch(
        `${rig.stack.httpUrl}/cluster/list`,
        authorization === undefined ? {} : { headers: { authorization } },
      )
      .then(({ status }) => status);
  const guess = (n: number) => `Bearer rgl_${n}_${'w'.repeat(43)}`;
  for (let n = 1; n <= 40; n++) await Promise.all([anonymous(), anonymous(guess(n))]);
  t.equal(await anonymous(), 429);
  t.equal(await anonymous(guess(viewer.id)), 429);
  const late = await token('from the same address', 'viewer');
  t.equal(await anonymous(bearer(late)), 200, 'a token that was never seen here');
  t.equal(await anonymous(bearer(viewer)), 200);
  t.equal(await anonymous(), 429);
});
