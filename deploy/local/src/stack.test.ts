import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ensureNatsServer, findInstalledProgram } from '@rigel/local-servers';
import { connect } from 'nats';
import pg from 'pg';
import t, { type Test } from 'tap';
import { readLocalConfig } from './config.js';
import { child, events } from './fixtures/children.js';
import { until, untilGone } from './fixtures/until.js';
import { processStart } from './process-identity.js';
import { type Stack, type StackOptions, startStack } from './stack.js';
import type { ProcessStatus } from './supervisor.js';

const RUNNER = fileURLToPath(new URL('./fixtures/stack-runner.js', import.meta.url));

async function folder(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'rigel-stack-'));
  t.teardown(() => rm(dir, { recursive: true }));
  return dir;
}

function configOf(dataDir: string, env: NodeJS.ProcessEnv = {}) {
  return readLocalConfig({ RIGEL_DATA_DIR: dataDir, RIGEL_HTTP_PORT: '0', ...env });
}

/** Starts real servers with a test child as the gateway. */
async function start(
  t: Test,
  dataDir: string,
  options: StackOptions = {},
  env: NodeJS.ProcessEnv = {},
): Promise<Stack> {
  const stack = await startStack(configOf(dataDir, env), {
    unsafeFastDatabase: true,
    databaseTemplateDir: TEST_CACHE_DIR,
    services: (_config, { httpPort, httpUrl }) => [
      child('worker', 2, { CHILD_EVENTS: join(dataDir, 'events') }),
      { ...child('gateway', 1, { CHILD_PORT: String(httpPort) }), readiness: { url: `${httpUrl}/readyz` } },
    ],
    ...options,
  });
  t.teardown(() => stack.stop());
  return stack;
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Keeps notices, but not that a server is slow to start, which it may be beside other work. */
const keptIn = (notices: string[]) => (line: string) => {
  if (!line.includes('is still starting')) notices.push(line);
};

const statusOf = (stack: Stack, name: string): ProcessStatus => {
  const status = stack.processes.find((process) => process.name === name);
  if (status === undefined) throw new Error(`no process ${name}`);
  return status;
};

/** Kept between runs: nothing is in it but what was downloaded, and empty databases to copy. */
const TEST_CACHE_DIR = join(tmpdir(), 'rigel-test-cache');
// That it is installed where it is missing is tested elsewhere; here it would be one notice more.
/** The embedded load balancer is there where it is installed. */
const nginx = (await findInstalledProgram('nginx')) === undefined ? [] : ['nginx'];
await ensureNatsServer({ cacheDir: TEST_CACHE_DIR, log: () => undefined });

t.test('servers and services run, come back when killed, and leave nothing behind', async (t) => {
  const dir = await folder(t);
  const notices: string[] = [];
  // The real settings: with the fast ones a kill would lose what was just committed.
  const stack = await start(t, dir, {
    onNotice: keptIn(notices),
    unsafeFastDatabase: false,
    databaseTemplateDir: undefined,
  });
  t.equal(await (await fetch(`${stack.httpUrl}/readyz`)).text(), 'ready');
  t.strictSame(
    stack.processes.map(({ name }) => name),
    ['postgres', 'nats', ...nginx, 'worker', 'gateway'],
  );
  for (const { name, pid } of stack.processes) {
    t.equal(readFileSync(join(dir, 'run', `${name}.pid`), 'utf8'), `${pid}\n`);
    t.ok(existsSync(join(dir, 'logs', `${name}.log`)));
  }
  t.equal(statSync(join(dir, 'postgres', 'password')).mode & 0o777, 0o600);
  t.strictSame(notices, []);
  await query(stack.databaseUrl, 'create table kept as select 7 as seven');

  for (const name of ['postgres', 'nats', 'worker']) {
    const before = statusOf(stack, name).pid;
    stack.kill(name, 'SIGKILL');
    await until(
      `${name} is back`,
      () => statusOf(stack, name).restarts === 1 && statusOf(stack, name).pid !== undefined,
    );
    t.not(statusOf(stack, name).pid, before);
    t.equal(readFileSync(join(dir, 'run', `${name}.pid`), 'utf8'), `${statusOf(stack, name).pid}\n`);
    t.equal(notices.at(-1), `${name} (pid ${before}) ended with signal SIGKILL; starting it again in 0.5 s`);
  }
  t.strictSame(
    await query(stack.databaseUrl, 'select * from kept'),
    [{ seven: 7 }],
    'same address, same data',
  );
  const passwordFile = stack.natsUsers?.natsPasswordFile('gateway') as string;
  const login = { servers: stack.natsUrl, user: 'gateway', pass: readFileSync(passwordFile, 'utf8') };
  await (await connect(login)).close();
  for (const wrong of [{ user: '', pass: '' }, { pass: 'wrong' }, { user: 'root' }])
    await t.rejects(connect({ ...login, ...wrong }), { code: 'AUTHORIZATION_VIOLATION' });
  for (let path = passwordFile; path !== dir; path = dirname(path))
    t.equal(statSync(path).mode & 0o077, 0, `${path} is for its owner alone`);

  const pids = stack.processes.map(({ pid }) => pid as number);
  await stack.stop();
  for (const pid of pids) t.equal(await processStart(pid), undefined);
  t.strictSame(readdirSync(join(dir, 'run')), []);
  await stack.stop();

  const again = await start(t, dir);
  t.strictSame(await query(again.databaseUrl, 'select * from kept'), [{ seven: 7 }]);
});

t.test('two instances run side by side, but not on one data folder', async (t) => {
  const [one, two] = [await folder(t), await folder(t)];
  const [first, second] = await Promise.all([start(t, one), start(t, two)]);
  t.not(first.httpUrl, second.httpUrl);
  t.not(first.databaseUrl, second.databaseUrl);
  t.not(first.natsUrl, second.natsUrl);
  await t.rejects(start(t, one), {
    message: `the data folder ${one} is in use by another instance (pid ${process.pid}): stop that one, or set RIGEL_DATA_DIR to another folder`,
  });
  t.equal(await (await fetch(`${first.httpUrl}/readyz`)).text(), 'ready', 'it was not disturbed');
  await first.stop();
  await start(t, one);
  t.equal(await (await fetch(`${second.httpUrl}/readyz`)).text(), 'ready');
});

t.test('what a killed instance left is ended, what is not its own is left alone', async (t) => {
  const dir = await folder(t);
  const eventFile = join(dir, 'events');
  const runner = spawn(process.execPath, [RUNNER], {
    env: { ...process.env, RIGEL_DATA_DIR: dir, RIGEL_HTTP_PORT: '0', CHILD_EVENTS: eventFile },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => runner.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: runner.stdout }), 'line')) as [string];
  const left = JSON.parse(line) as ProcessStatus[];
  const pidOf = (name: string) => left.find((process) => process.name === name)?.pid as number;
  await until(
    'the services are up',
    () =>
      existsSync(eventFile) &&
      ['polite', 'stubborn'].every((name) => events(eventFile).includes(`${name} started`)),
  );
  const exited = once(runner, 'exit');
  runner.kill('SIGKILL');
  await exited;

  await untilGone(pidOf('polite'));
  await untilGone(pidOf('gateway'));
  await until('the stubborn one noticed', () =>
    events(eventFile).includes('stubborn ignores the loss of its parent'),
  );
  for (const name of ['postgres', 'nats', 'stubborn'])
    t.not(await processStart(pidOf(name)), undefined, `${name} is left`);

  // The number of the polite one has been given to somebody else.
  const other = spawn('sleep', ['600'], { stdio: 'ignore' });
  t.teardown(() => other.kill('SIGKILL'));
  await once(other, 'spawn');
  const records = join(dir, 'run', 'processes.json');
  const text = readFileSync(records, 'utf8');
  t.match(text, `"pid": ${pidOf('polite')},`);
  writeFileSync(records, text.replace(`"pid": ${pidOf('polite')},`, `"pid": ${other.pid},`));

  const notices: string[] = [];
  const stack = await start(t, dir, { onNotice: keptIn(notices) });
  t.equal(notices.length, 1);
  t.match(notices[0], /^ending processes that an earlier instance left behind: /);
  for (const name of ['postgres', 'nats', 'stubborn']) {
    t.match(notices[0], `${name} (pid ${pidOf(name)})`);
    t.equal(await processStart(pidOf(name)), undefined);
  }
  t.not(await processStart(other.pid as number), undefined, 'the other process lives');
  t.ok(events(eventFile).includes('stubborn ignores SIGTERM'), 'it was asked before it was killed');
  t.strictSame(await query(stack.databaseUrl, 'select 1 as one'), [{ one: 1 }]);
});

t.test('servers that a killed instance had no time to put on record are ended too', async (t) => {
  const dir = await folder(t);
  const runner = spawn(process.execPath, [RUNNER], {
    env: { ...process.env, RIGEL_DATA_DIR: dir, RIGEL_HTTP_PORT: '0', CHILD_EVENTS: join(dir, 'events') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => runner.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: runner.stdout }), 'line')) as [string];
  const left = JSON.parse(line) as ProcessStatus[];
  const exited = once(runner, 'exit');
  runner.kill('SIGKILL');
  await exited;
  const stubborn = left.find(({ name }) => name === 'stubborn')?.pid as number;
  process.kill(stubborn, 'SIGKILL');
  await rm(join(dir, 'run'), { recursive: true });
  await start(t, dir);
  for (const { pid } of left) await untilGone(pid as number);
});

t.test('servers that are named are used, and none is started', async (t) => {
  const [one, two] = [await folder(t), await folder(t)];
  const servers = await start(t, one);
  const env = { DATABASE_URL: servers.databaseUrl, NATS_URL: servers.natsUrl };
  const stack = await start(t, two, {}, env);
  t.equal(stack.databaseUrl, servers.databaseUrl);
  t.equal(stack.natsUrl, servers.natsUrl);
  t.strictSame(
    stack.processes.map(({ name }) => name),
    [...nginx, 'worker', 'gateway'],
  );
  t.notOk(existsSync(join(two, 'postgres')));
});

t.test('what cannot start says why and leaves nothing behind', async (t) => {
  const dir = await folder(t);
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  t.teardown(() => blocker.close());
  const { port } = blocker.address() as { port: number };
  await t.rejects(start(t, dir, {}, { RIGEL_HTTP_PORT: String(port) }), {
    message: `RIGEL_HTTP_PORT = ${port} is taken on 127.0.0.1: set another one`,
  });
  await t.rejects(
    start(t, dir, {}, { RIGEL_HTTP_HOST: '192.0.2.1', RIGEL_HTTP_PORT: '1', RIGEL_ACCESS: 'on' }),
    {
      message: /^RIGEL_HTTP_HOST = 192\.0\.2\.1 cannot be listened on: /,
    },
  );

  const failing = start(t, dir, {
    readyTimeoutMs: 1_000,
    services: (_config, { httpUrl }) => [
      {
        ...child('gateway', 1, { CHILD_FAILS: 'schema inventory is missing' }),
        readiness: { url: `${httpUrl}/readyz` },
      },
    ],
  });
  const error = await failing.then(
    () => undefined,
    (error: Error) => error,
  );
  t.match(error?.message, /^not ready within 1 s \(gateway says: /);
  t.match(error?.message, join(dir, 'logs', 'gateway.log'));
  t.match(error?.message, /last error there: schema inventory is missing$/);
  t.strictSame(readdirSync(join(dir, 'run')), []);

  const giveUp = new AbortController();
  const given = start(t, dir, {
    signal: giveUp.signal,
    services: () => {
      giveUp.abort(new Error('enough'));
      return [];
    },
  });
  await t.rejects(given, { message: 'enough' });
  t.strictSame(readdirSync(join(dir, 'run')), []);
  await start(t, dir);
});

t.test('starting can be given up while PostgreSQL is being started, and everything killed', async (t) => {
  const dir = await folder(t);
  const [giveUp, kill] = [new AbortController(), new AbortController()];
  const starting = start(t, dir, {
    signal: giveUp.signal,
    killSignal: kill.signal,
    databaseTemplateDir: undefined,
  });
  starting.catch(() => undefined); // looked at below
  await until('the folder of the database is there', () => existsSync(join(dir, 'postgres')));
  giveUp.abort(new Error('enough'));
  kill.abort();
  await t.rejects(starting, { message: 'enough' });
  t.strictSame(readdirSync(join(dir, 'run')), []);
  await start(t, dir);
});
