import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'nats';
import t, { type Test } from 'tap';
import { commandLineOf } from './command-line.js';
import { runningNats, startNats } from './nats.js';
import { ensureNatsServer } from './nats-binary.js';
import type { ProcessExit, ServerHandle } from './server-process.js';

let binary: string;
t.before(async () => {
  const cacheDir = join(tmpdir(), 'rigel-test-cache');
  binary = await ensureNatsServer({ cacheDir, log: (line) => t.comment(line) });
});

async function folder(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'rigel-nats-'));
  t.teardown(() => rm(dir, { recursive: true }));
  return dir;
}

async function start(t: Test, dir: string, port?: number): Promise<ServerHandle & { exits: ProcessExit[] }> {
  const exits: ProcessExit[] = [];
  const server = await startNats({
    binary,
    storeDir: join(dir, 'nats'),
    logFile: join(dir, 'nats.log'),
    onExit: (exit) => exits.push(exit),
    ...(port === undefined ? {} : { port }),
  });
  t.teardown(() => server.stop());
  return { ...server, exits };
}

/** The number of messages in the stream `kept` of the server, after adding this many. */
async function add(url: string, messages: number): Promise<number> {
  const connection = await connect({ servers: url });
  try {
    const manager = await connection.jetstreamManager();
    await manager.streams.add({ name: 'kept', subjects: ['kept.>'] });
    for (let i = 0; i < messages; i += 1) await connection.jetstream().publish('kept.one');
    return (await manager.streams.info('kept')).state.messages;
  } finally {
    await connection.close();
  }
}

async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

t.test('JetStream keeps its messages over a stop and a start', async (t) => {
  const dir = await folder(t);
  const first = await start(t, dir);
  t.match(first.url, /^nats:\/\/127\.0\.0\.1:\d+$/);
  t.equal(await add(first.url, 3), 3);
  t.equal(await runningNats(join(dir, 'nats')), first.pid);
  await first.stop();
  t.equal(await commandLineOf(first.pid), undefined);
  t.equal(await runningNats(join(dir, 'nats')), undefined);
  t.strictSame(first.exits, [], 'onExit is not called for stop()');

  const second = await start(t, dir, first.port);
  t.equal(second.url, first.url);
  t.equal(await add(second.url, 0), 3);
});

t.test(
  'after kill -9 it is reported, and starts again on the same port, with or without its store',
  async (t) => {
    const dir = await folder(t);
    const first = await start(t, dir);
    process.kill(first.pid, 'SIGKILL');
    await until('reported', () => first.exits.length > 0);
    t.strictSame(first.exits, [{ code: null, signal: 'SIGKILL' }]);

    const second = await start(t, dir, first.port);
    t.equal(await add(second.url, 1), 1);
    process.kill(second.pid, 'SIGKILL');
    await until('gone', async () => (await commandLineOf(second.pid)) === undefined);
    await rm(join(dir, 'nats'), { recursive: true });
    const third = await start(t, dir, second.port);
    t.equal(await add(third.url, 0), 0);
  },
);

t.test('a pid file whose number now belongs to another process does not matter', async (t) => {
  const dir = await folder(t);
  await (await start(t, dir)).stop();
  await writeFile(join(dir, 'nats', 'nats-server.pid'), String(process.pid));
  const server = await start(t, dir);
  t.equal(await readFile(join(dir, 'nats', 'nats-server.pid'), 'utf8').then(Number), server.pid);
});

t.test('what cannot be started is refused with its reason', async (t) => {
  const dir = await folder(t);
  const server = await start(t, dir);
  await t.rejects(start(t, dir), { message: new RegExp(`already runs \\(pid ${server.pid}\\)`) });
  await server.stop();

  const blocker = createServer().listen(server.port, '127.0.0.1');
  await once(blocker, 'listening');
  t.teardown(() => blocker.close());
  await t.rejects(start(t, dir, server.port), { message: /ended while starting .*address already in use/ });
  await t.rejects(
    startNats({ binary: join(dir, 'missing'), storeDir: join(dir, 'nats'), logFile: join(dir, 'nats.log') }),
    { message: /cannot run .*missing: .*ENOENT/ },
  );
});
