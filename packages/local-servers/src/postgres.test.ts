import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import t, { type Test } from 'tap';
import { commandLineOf } from './command-line.js';
import { postgresPasswordFile, runningPostgres, startPostgres } from './postgres.js';
import { postgresBinaries } from './postgres-binaries.js';
import type { ProcessExit, ServerHandle } from './server-process.js';

// mkdtemp makes folders that other accounts cannot enter, so as root this also tries the way around that.
async function folder(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'rigel-postgres-'));
  t.teardown(() => rm(dir, { recursive: true }));
  return dir;
}

/** Starts a server that is stopped after the test, before its folder is removed. */
async function start(t: Test, dir: string, port?: number): Promise<ServerHandle & { exits: ProcessExit[] }> {
  const exits: ProcessExit[] = [];
  const server = await startPostgres({
    dataDir: join(dir, 'postgres'),
    logFile: join(dir, 'postgres.log'),
    unsafeFast: true,
    onExit: (exit) => exits.push(exit),
    ...(port === undefined ? {} : { port }),
  });
  t.teardown(() => server.stop());
  return { ...server, exits };
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

async function untilGone(pid: number): Promise<void> {
  const deadline = Date.now() + 20_000;
  while ((await commandLineOf(pid)) !== undefined) {
    if (Date.now() > deadline) throw new Error(`process ${pid} is still there`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

t.test('a new cluster is durable, private and on loopback only', async (t) => {
  const dir = await folder(t);
  const dataDir = join(dir, 'postgres');
  const server = await startPostgres({ dataDir, logFile: join(dir, 'logs', 'postgres.log') });
  t.teardown(() => server.stop());
  const url = new URL(server.url);
  t.equal(url.hostname, '127.0.0.1');
  t.equal(Number(url.port), server.port);

  const [settings] = await query(
    server.url,
    `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
            current_setting('full_page_writes') as pages, current_setting('listen_addresses') as listen,
            current_setting('unix_socket_directories') as sockets, current_setting('max_connections') as connections,
            current_setting('server_encoding') as encoding, current_setting('lc_messages') as messages,
            (select datcollate from pg_database where datname = current_database()) as collate,
            (select string_agg(distinct auth_method, ',') from pg_hba_file_rules) as auth,
            (select left(rolpassword, 13) from pg_authid where rolname = current_user) as password`,
  );
  t.strictSame(settings, {
    fsync: 'on',
    commit: 'on',
    pages: 'on',
    listen: '127.0.0.1',
    sockets: '',
    connections: '200',
    encoding: 'UTF8',
    messages: 'C',
    collate: 'C',
    auth: 'scram-sha-256',
    password: 'SCRAM-SHA-256',
  });

  const password = await readFile(postgresPasswordFile(dataDir), 'utf8');
  t.equal(password, url.password);
  t.equal((await stat(postgresPasswordFile(dataDir))).mode & 0o777, 0o600);
  t.equal((await stat(dataDir)).mode & 0o777, 0o700);
  t.notMatch(await commandLineOf(server.pid), password);
  t.notMatch(await readFile(join(dir, 'logs', 'postgres.log'), 'utf8'), password);
  url.password = 'wrong';
  await t.rejects(query(url.href, 'select 1'), { code: '28P01' });

  t.equal(await runningPostgres(dataDir), server.pid);
  await server.stop();
  await untilGone(server.pid);
  t.equal(await runningPostgres(dataDir), undefined);
  t.match(await readFile(join(dir, 'logs', 'postgres.log'), 'utf8'), /received fast shutdown request/);
});

t.test('an existing cluster is opened again with its data, also after kill -9', async (t) => {
  const dir = await folder(t);
  const first = await start(t, dir);
  await query(first.url, 'create table kept as select 7 as seven');
  await first.stop();
  t.strictSame(first.exits, [], 'onExit is not called for stop()');

  const second = await start(t, dir, first.port);
  t.equal(second.url, first.url, 'the same password');
  t.strictSame(await query(second.url, 'select * from kept'), [{ seven: 7 }]);

  // A connection that is open keeps a child of the server busy, which outlives the kill for a moment.
  const client = new pg.Client({ connectionString: second.url });
  const lost: Error[] = [];
  client.on('error', (error) => lost.push(error));
  await client.connect();
  process.kill(second.pid, 'SIGKILL');
  await untilGone(second.pid);
  const third = await start(t, dir, second.port);
  t.not(lost.length, 0);
  t.strictSame(second.exits, [{ code: null, signal: 'SIGKILL' }]);
  t.strictSame(await query(third.url, 'select * from kept'), [{ seven: 7 }]);
});

t.test('a new cluster can be a copy of one that is made once', async (t) => {
  const dir = await folder(t);
  const copies = await Promise.all(
    ['one', 'two'].map(async (name) => {
      const server = await startPostgres({
        dataDir: join(dir, name),
        logFile: join(dir, `${name}.log`),
        unsafeFast: true,
        templateDir: join(dir, 'templates'),
      });
      t.teardown(() => server.stop());
      return { ...server, dataDir: join(dir, name) };
    }),
  );
  t.match(await readdir(join(dir, 'templates')), [/^postgres-\d+\.\d+-\d+$/], 'one, and nothing beside it');
  for (const { url, dataDir } of copies) {
    await query(url, 'create table own as select 7 as seven');
    t.equal(await readFile(postgresPasswordFile(dataDir), 'utf8'), new URL(url).password);
    t.equal((await stat(postgresPasswordFile(dataDir))).mode & 0o777, 0o600);
    t.equal((await stat(dataDir)).mode & 0o777, 0o700);
  }
});

t.test('a pid file whose number now belongs to another process does not matter', async (t) => {
  const dir = await folder(t);
  const server = await start(t, dir);
  const pidFile = join(dir, 'postgres', 'data', 'postmaster.pid');
  const lines = (await readFile(pidFile, 'utf8')).split('\n');
  const { uid, gid } = await stat(pidFile);
  process.kill(server.pid, 'SIGKILL');
  await untilGone(server.pid);

  // Of the same account: this is the case that PostgreSQL takes for a running server.
  const other = spawn('sleep', ['600'], { uid, gid, stdio: 'ignore' });
  t.teardown(() => other.kill('SIGKILL'));
  await once(other, 'spawn');
  await writeFile(pidFile, [other.pid, ...lines.slice(1)].join('\n'));
  await chown(pidFile, uid, gid);
  const again = await start(t, dir);
  t.strictSame(await query(again.url, 'select 1 as one'), [{ one: 1 }]);
});

t.test('what cannot be started is refused with its reason', async (t) => {
  const dir = await folder(t);
  const server = await start(t, dir);
  await t.rejects(start(t, dir), { message: new RegExp(`already runs \\(pid ${server.pid}\\)`) });
  await server.stop();

  const blocker = createServer().listen(server.port, '127.0.0.1');
  await once(blocker, 'listening');
  await t.rejects(start(t, dir, server.port), {
    message:
      /^PostgreSQL ended while starting \(exit code 1\): .*FATAL: .*could not create any TCP\/IP sockets/,
  });
  blocker.close();
  await once(blocker, 'close');

  await rm(postgresPasswordFile(join(dir, 'postgres')));
  await t.rejects(start(t, dir), { message: /password file .* is missing/ });
});

t.test('tests can run on another PostgreSQL', async (t) => {
  const { RIGEL_TEST_POSTGRES: before } = process.env;
  t.teardown(() => {
    if (before === undefined) delete process.env.RIGEL_TEST_POSTGRES;
    else process.env.RIGEL_TEST_POSTGRES = before;
  });
  const used = await postgresBinaries();
  process.env.RIGEL_TEST_POSTGRES = dirname(used.postgres);
  t.strictSame(await postgresBinaries(), used);
  process.env.RIGEL_TEST_POSTGRES = '/no/such/folder';
  await t.rejects(postgresBinaries(), {
    message: /^RIGEL_TEST_POSTGRES = \/no\/such\/folder is wrong: no PostgreSQL runs from there \(.*ENOENT/,
  });
});

t.test('starting can be given up', async (t) => {
  const dir = await folder(t);
  const dataDir = join(dir, 'postgres');
  const giveUp = new AbortController();
  const starting = startPostgres({
    dataDir,
    logFile: join(dir, 'log'),
    unsafeFast: true,
    signal: giveUp.signal,
  });
  giveUp.abort(new Error('no longer wanted'));
  await t.rejects(starting, { message: 'no longer wanted' });
  t.equal(await runningPostgres(dataDir), undefined);

  const server = await start(t, dir);
  t.strictSame(await query(server.url, 'select 1 as one'), [{ one: 1 }], 'and started later');
});
