import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Io, run } from '@rigel/cli';
import { REPOSITORY_DIR } from '@rigel/local';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { Fleet, loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';

/* The command line against a whole system: each exit status, plans, waiting, and what a shell makes of it. */

const rig = await startRig({ executors: 1, fastDatabase: true, env: { gateway: { RIGEL_ACCESS: 'on' } } });
t.teardown(() => rig.stop());
const home = mkdtempSync(join(tmpdir(), 'rigel-cli-'));
t.teardown(() => rmSync(home, { recursive: true }));
const [ann, eve] = await Promise.all([
  createToken(rig.stack.databaseUrl, 'ann', 'admin'),
  createToken(rig.stack.databaseUrl, 'eve', 'viewer'),
]);
const api = rig.client(`Bearer ${ann.token}`);
const fleet = new Fleet(api);
const nodes = loopbackNodes(6, rig.sshd.port);
const { poolId } = await fleet.pool(nodes);
const { name: pool } = await api.ok<{ name: string }>(`/pool/${poolId}`);
const nameOf = async (id: number): Promise<string> =>
  (await api.ok<{ name: string }>(`/task_tpl/${id}`)).name;
const greet = await nameOf(
  await fleet.template({ greet: { command: 'echo hello {{word}}', params: { word: 'string' } } }),
);
const failing = await nameOf(
  await fleet.template({ prepare: { command: 'echo no space left on device; exit 7' } }),
);
const long = await nameOf(await fleet.template({ work: { command: 'sleep 600' } }));

interface Printed {
  status: number;
  out: string;
  err: string;
}

interface Around {
  env?: NodeJS.ProcessEnv;
  /** A person at a terminal, who answers this. */
  answer?: string;
  input?: string;
}

const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  XDG_CONFIG_HOME: home,
  RIGEL_URL: rig.stack.httpUrl,
  RIGEL_TOKEN: ann.token,
  ...more,
});

/** Runs a command line in this process. */
async function rigel(
  args: string[],
  around: Around = {},
  signal = new AbortController().signal,
): Promise<Printed> {
  const printed = { out: '', err: '' };
  const io: Io = {
    env: env(around.env),
    out: (text) => {
      printed.out += text;
    },
    err: (text) => {
      printed.err += text;
    },
    columns: undefined,
    errIsTerminal: false,
    inIsTerminal: around.answer !== undefined,
    readInput: async () => around.input ?? '',
    readLine: async () => around.answer,
    now: Date.now,
    sleep: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined),
    fetch,
  };
  const status = await run(args, io, signal, '0.0.0');
  return { status, ...printed };
}

const tasks = async (): Promise<number> =>
  (await api.call<{ rows: unknown[] }>('/task/find?limit=1000', undefined, 'GET')).data.rows.length;

t.test('nothing is done before the plan was seen and confirmed', async (t) => {
  const before = await tasks();
  const create = [
    'task',
    'create',
    '--template',
    greet,
    '--nodes',
    nodes.slice(0, 2).join(','),
    '--param',
    'word=hi',
  ];
  const nobody = await rigel(create);
  t.match(nobody, { status: 2, out: '', err: /Nobody can answer here: --yes does it, --plan <hash>/ });
  const no = await rigel(create, { answer: 'n' });
  t.match(no, { status: 3, out: '', err: /nothing was done/ });
  t.match(no.err, `run ${greet}: 2 nodes, 1 batch of up to 2`);
  const dry = await rigel([...create, '--dry-run', '--show-scripts']);
  t.match(dry, { status: 0, out: /echo hello/ });
  t.equal(await tasks(), before, 'no task was made');
  const hash = /^plan ([0-9a-f]{8})$/m.exec(dry.out)?.[1] as string;
  const other = await rigel([...create.slice(0, -1), 'word=ho', '--plan', hash, '--wait']);
  t.match(other, { status: 3, out: '', err: /the plan is .* now, and not/ });
  t.equal(await tasks(), before, 'another plan is not carried out');
  const done = await rigel([...create, '--plan', hash, '--wait']);
  t.match(done, { status: 0, out: /^task\/\d+\n$/, err: /completed, 2 of 2 nodes succeeded/ });
  const yes = await rigel([...create, '--wait', '-o', 'json', '-q'], { answer: 'y' });
  t.match(JSON.parse(yes.out), { end_reason: 'completed', nodes: 2, task_name: greet });
});

t.test('each exit status', async (t) => {
  const create = (template: string, ...more: string[]) =>
    rigel([
      'task',
      'create',
      '--template',
      template,
      '--nodes',
      nodes.slice(2, 4).join(' '),
      '--yes',
      ...more,
    ]);
  t.equal((await rigel(['task', 'list'])).status, 0);
  const failed = await create(failing, '--max-failed', '5', '--wait');
  t.match(failed, { status: 1, err: /0 of 2 nodes succeeded, 2 failed.*: rigel task failures \d+/ });
  t.match(await rigel(['task', 'list'], { env: { RIGEL_URL: 'http://127.0.0.1:9' } }), {
    status: 2,
    err: /cannot be reached/,
  });
  t.match(await rigel(['task', 'lst']), { status: 2, err: /did you mean rigel task list/ });
  const id = /task\/(\d+)/.exec(failed.out)?.[1] as string;
  t.match(await rigel(['task', 'pause', id]), { status: 3 });
  t.match(await rigel(['task', 'list'], { env: { RIGEL_TOKEN: '' } }), { status: 4, err: /rigel login/ });
  t.match(await rigel(['task', 'pause', id], { env: { RIGEL_TOKEN: eve.token } }), {
    status: 4,
    err: /role operator/,
  });
  t.match(await rigel(['task', 'show', '999999']), { status: 5 });
  t.match(await rigel(['pool', 'show', `${pool}x`]), { status: 5, err: `did you mean ${pool}?` });
  const wait = await create(long, '--wait', '--timeout', '2s');
  t.match(wait, { status: 7, err: /goes on: rigel task watch/ });
  const running = /task\/(\d+)/.exec(wait.out)?.[1] as string;
  const interrupt = new AbortController();
  setTimeout(() => interrupt.abort(), 1_500);
  t.match(await rigel(['task', 'wait', running], {}, interrupt.signal), { status: 130, err: /goes on/ });
  t.equal((await api.task(Number(running))).state, 1, 'a wait that ends leaves the task running');
  t.match(await rigel(['task', 'stop', running, '--yes', '--wait']), {
    status: 0,
    err: /nothing of task \d+ runs on any node/,
  });
  const { err } = await rigel(['task', 'show', '999999', '-o', 'json']);
  t.match(JSON.parse(err.trim().split('\n').at(-1) ?? ''), { error: { code: 5, reason: 'not_found' } });
});

t.test('nodes get labels, and are selected by them', async (t) => {
  const [one = '', two = ''] = nodes;
  const three = nodes[5] ?? '';
  t.match(await rigel(['node', 'label', one, two, 'zone=b', 'role=', 'old-', '--yes']), {
    status: 0,
    err: /2 nodes have these labels now; 2 were changed/,
  });
  t.match(await rigel(['node', 'label', '-p', pool, '-l', '!zone', 'zone=a', '--dry-run']), {
    status: 0,
    out: /set zone=a on 4 nodes: --pool \S+ --select !zone/,
  });
  t.match(await rigel(['node', 'label', '--select', 'zone=b', '--first', '1', 'canary=yes', '--yes']), {
    err: /1 node has these labels now; 1 were changed/,
  });
  const labels = (await rigel(['node', 'list', '-l', 'zone=b,!canary', '-o', 'wide'])).out;
  t.match(labels, /role= zone=b/);
  t.notMatch(labels, three);
  t.match((await rigel(['pool', 'nodes', pool, '-l', 'canary', '-o', 'name'])).out, /^node\/\d+\n$/);

  const create = ['task', 'create', '--template', greet, '--param', 'word=x'];
  const select = ['--pool', pool, '--select', 'zone in (a,b)', '--status', 'ok', '--order', 'label:zone'];
  const shown = await rigel([...create, ...select, '--dry-run']);
  t.match(shown, { status: 0, out: /2 nodes/ });
  const hash = /^plan (\S+)$/m.exec(shown.out)?.[1] as string;
  t.match(await rigel([...create, ...select, '--plan', hash, '--wait']), { status: 0 });
  await rigel(['node', 'label', three, 'zone=a', '--yes']);
  t.match(await rigel([...create, ...select, '--plan', hash]), { status: 3, err: /the plan is/ });

  t.match((await rigel([...create, '-p', pool, '--dry-run'])).out, /6 nodes/, 'all of a pool');
  t.match(await rigel([...create, '-p', pool, '--nodes', one]), { status: 2, err: /exclude each other/ });
  t.match(await rigel([...create, '--nodes', one, '-l', 'zone=b', '--yes']), {
    status: 2,
    err: /name the nodes, or select/,
  });
  t.match(await rigel([...create, '-l', 'zone in', '--yes']), { status: 2, err: /at character 8/ });
  t.match(await rigel([...create, '-l', 'nothing', '--yes']), {
    status: 3,
    err: /no node with an address matches/,
  });
  t.match(await rigel(['node', 'label', one, '--yes']), { status: 2, err: /a label to set \(zone=b\)/ });
  t.match(await rigel(['node', 'label', one, 'a b=c', '--yes']), { status: 2, err: /no key of a label/ });
  t.match(await rigel(['node', 'label', one, 'a=b', 'a=c']), { status: 2, err: /given twice/ });
  t.match(await rigel(['node', 'label', one, 'zone=c'], { env: { RIGEL_TOKEN: eve.token } }), { status: 2 });
  t.match(await rigel(['node', 'label', one, 'zone=c', '--yes'], { env: { RIGEL_TOKEN: eve.token } }), {
    status: 4,
  });
});

t.test('what failed is found, and what it printed', async (t) => {
  const made = await rigel([
    'task',
    'create',
    '--template',
    failing,
    '--nodes',
    `${nodes[4]}`,
    '--yes',
    '--wait',
    '-o',
    'name',
  ]);
  t.equal(made.status, 1);
  const id = /task\/(\d+)/.exec(made.out)?.[1] as string;
  t.match((await rigel(['task', 'failures', id])).out, /1 {2}prepare\S* {2}exit status 7/);
  const { out } = await rigel(['task', 'runs', id, '--state', 'failed', '-o', 'tsv', '--fields', 'id,ip']);
  t.match(out, `\t${nodes[4]}\n`);
  const [run = ''] = out.split('\t');
  t.equal((await rigel(['task', 'output', run])).out, 'no space left on device\n');
  t.match((await rigel(['task', 'receipt', run])).out, /ended .* failed, exit status 7/);
  t.match((await rigel(['task', 'why', id])).out, /└ it printed last: no space left on device/);
  const again = await rigel(
    ['task', 'create', '--template', greet, '--param', 'word=x', '--nodes', '-', '--yes', '--wait'],
    {
      input: (await rigel(['task', 'runs', id, '-o', 'tsv', '--fields', 'ip'])).out,
    },
  );
  t.equal(again.status, 0, 'the nodes of one task go into another by a pipe');
});

t.test('a wait goes on while no gateway answers', async (t) => {
  const { port } = new URL(rig.stack.httpUrl);
  const open = new Set<Socket>();
  const proxy = createServer((socket) => {
    const there = connect(Number(port), '127.0.0.1');
    for (const one of [socket, there]) {
      open.add(one);
      one.on('error', () => undefined).on('close', () => open.delete(one));
    }
    socket.pipe(there).pipe(socket);
  });
  const listen = (at: number) => new Promise<void>((resolve) => proxy.listen(at, '127.0.0.1', resolve));
  await listen(0);
  const { port: own } = proxy.address() as { port: number };
  const cut = async (): Promise<void> => {
    const closed = new Promise((resolve) => proxy.close(resolve));
    for (const socket of open) socket.destroy();
    await closed;
  };
  t.teardown(cut);
  const id = await fleet.startTask(await fleet.template({ work: { command: 'sleep 6' } }), [
    nodes[5] as string,
  ]);
  const wait = rigel(['task', 'wait', String(id), '--timeout', '2m'], {
    env: { RIGEL_URL: `http://127.0.0.1:${own}` },
  });
  await sleep(1_500);
  await cut();
  await sleep(1_500);
  await listen(own);
  const { status, err } = await wait;
  t.equal(status, 0, err);
  t.match(err, /cannot be reached.*; asking again/);
});

t.test('Ctrl-C at a terminal leaves the task running', async (t) => {
  const child = spawn(
    process.execPath,
    [
      join(REPOSITORY_DIR, 'packages/cli/dist/main.js'),
      ...['task', 'create', '--template', long, '--nodes', `${nodes[5]}`, '--yes', '--wait'],
    ],
    { env: { ...process.env, ...env() } },
  );
  let out = '';
  let err = '';
  child.stdout.on('data', (part) => {
    out += part;
  });
  child.stderr.on('data', (part) => {
    err += part;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await waitFor(async () => /task\/\d+/.test(out) && /running/.test(err), {
    what: 'it shows how the task goes',
  });
  child.kill('SIGINT');
  t.equal(await ended, 130);
  const id = Number(/task\/(\d+)/.exec(out)?.[1]);
  t.match(err, `task ${id} goes on: rigel task watch ${id} follows it, rigel task stop ${id} ends it`);
  t.equal((await api.task(id)).state, 1);
  await api.ok(`/task/stop/${id}`, {});
});

t.test('a token is kept by login, and never shown', async (t) => {
  const bare = { RIGEL_URL: '', RIGEL_TOKEN: '' };
  t.equal(
    (await rigel(['context', 'add', 'here', rig.stack.httpUrl, '--protected'], { env: bare })).status,
    0,
  );
  const login = await rigel(['login', '--token-file', '-'], { env: bare, input: `${ann.token}\n` });
  t.match(login, { status: 0, err: /context here: ann \(admin\)/ });
  t.match(await rigel(['whoami'], { env: bare }), { status: 0, out: /context {2}here\n/ });
  const debug = await rigel(['pool', 'list', '--debug'], { env: bare });
  t.match(debug.err, /curl -sS -H "Authorization: Bearer \$RIGEL_TOKEN"/);
  const create = ['task', 'create', '--template', greet, '--nodes', `${nodes[0]}`, '--param', 'word=x'];
  t.match(await rigel(create, { env: bare, answer: 'y' }), { status: 3, err: /Type here to do it/ });
  t.match(await rigel([...create, '--wait'], { env: bare, answer: 'here' }), { status: 0 });
  for (const { out, err } of [login, debug]) t.notMatch(out + err, ann.token);
  t.match(await rigel(['whoami', ann.token]), { status: 2, err: /an argument looks like a token/ });
  t.equal((await rigel(['context', 'remove', 'here'], { env: bare })).status, 0);
});

t.test('Tab completes the names of things, and asks for them once in half a minute', async (t) => {
  const cache = mkdtempSync(join(tmpdir(), 'rigel-names-'));
  t.teardown(() => rmSync(cache, { recursive: true }));
  const around = { env: { XDG_CACHE_HOME: cache } };
  const completed = async (...words: string[]) => (await rigel(['__complete', ...words], around)).out;
  t.equal(await completed('pool', 'show', pool.slice(0, 2)), `${pool}\n`);
  t.match(await completed('task', 'create', '--template', ''), `${greet}\n`);
  const [kept = '', ...more] = readdirSync(join(cache, 'rigel'));
  t.match(more, [/-template\.json$/]);
  t.equal(statSync(join(cache, 'rigel', kept)).mode & 0o777, 0o600);
  const away = { env: { XDG_CACHE_HOME: cache, RIGEL_URL: 'http://127.0.0.1:1' } };
  t.strictSame(await rigel(['__complete', 'pool', 'show', ''], away), { status: 0, out: '', err: '' });
  const like = await api.ok<{ service_id: number }>(`/pool/${poolId}`);
  const evil = { name: 'evil; rm -rf x', desc: '', vm_type: 1, sd_id: 1, service_id: like.service_id };
  await api.ok('/pool/create', evil);
  rmSync(join(cache, 'rigel'), { recursive: true });
  t.notMatch(await completed('pool', 'show', ''), 'evil', 'a shell would take it apart');
});

t.test('the doctor names what is wrong', async (t) => {
  const well = await rigel(['doctor']);
  t.equal(well.status, 0, well.out);
  for (const check of ['address', 'connection', 'clock', 'parts', 'streams'])
    t.match(well.out, new RegExp(`^ok {5,}${check} `, 'm'));
  t.match(well.out, /^ok +token +ann, role admin$/m);
  const away = await rigel(['doctor', '--url', 'http://127.0.0.1:1', '-o', 'jsonl']);
  t.equal(away.status, 1);
  t.match(away.out, /"check":"connection","verdict":"failed","text":"nothing answers at/);
  const stranger = await rigel(['doctor'], { env: { RIGEL_TOKEN: 'rgl_0000000000000000000000000000' } });
  t.match(stranger, { status: 1, out: /^FAILED +token .*rigel login/m });
  t.notMatch(stranger.out, 'rgl_');

  // A proxy that passes an answer on when it has all of it, over a connection that others can read.
  const proxy = createHttpServer((request, answer) => {
    const headers = { authorization: request.headers.authorization ?? '' };
    if (request.url?.startsWith('/live')) return;
    fetch(`${rig.stack.httpUrl}${request.url}`, { headers }).then(async (got) => {
      const late = new Date(Date.now() + 60_000).toUTCString();
      answer.writeHead(got.status, { 'content-type': 'application/json', date: late });
      answer.end(await got.text());
    }, t.fail);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.teardown(() => proxy.closeAllConnections());
  t.teardown(() => proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const through = await rigel(['doctor', '--url', `http://127.0.0.1:${port}`]);
  t.equal(through.status, 0, 'warnings keep nothing from working');
  t.match(
    through.out,
    /^warning +clock +this clock and that of the system, which is ahead, differ by \d\d s$/m,
  );
  t.match(through.out, /^warning +streams +no event came within 6 s: a proxy .* Following polls instead$/m);
});
