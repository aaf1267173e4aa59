import { access, readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ConnectionSettings,
  type NodeConnection,
  type NodeTarget,
  runAttempt,
} from '@rigel/remote-attempt';
import { type Sshd, type SshdOptions, startSshd } from '@rigel/remote-attempt/testing';
import { waitFor } from '@rigel/testing';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { sshAccess } from './node-access.js';
import { NodeConnections } from './node-connections.js';

const signal = new AbortController().signal;

async function setUp(t: Test, options: { idleMs?: number; keptDays?: number; sshd?: SshdOptions } = {}) {
  const sshd: Sshd = await startSshd(options.sshd);
  const connections = new NodeConnections({
    idleMs: options.idleMs ?? 60_000,
    keptDays: options.keptDays ?? 0,
    log: pino({ level: 'silent' }),
  });
  const settings: ConnectionSettings = {
    user: sshd.user,
    privateKey: sshd.privateKey,
    hostKeyPolicy: 'accept-new',
    connectTimeoutMs: 20_000,
    keepaliveIntervalMs: 10_000,
    keepaliveCountMax: 3,
  };
  const nodes = connections.over(sshAccess);
  const all: NodeConnection[] = [];
  t.teardown(async () => {
    connections.close();
    for (const connection of all) connection.close();
    await sshd.stop();
  });
  const connect = async (target: Partial<NodeTarget> = {}) => {
    const to = { host: '127.0.0.1', port: sshd.port, pinnedHostKey: sshd.hostKey, ...target };
    const connection = await nodes.connect(to, settings, signal);
    all.push(connection);
    return connection;
  };
  const run = async (connection: NodeConnection, key: string, text = 'true') =>
    runAttempt(
      connection,
      { key, actions: [{ kind: 'command', text, name: 'c' }] },
      { onOutput: () => undefined },
    );
  const giveBack = async (connection: NodeConnection) => {
    nodes.giveBack?.(connection);
    // It is there once what is done on the node before that is done.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { sshd, connections, settings, nodes, connect, run, giveBack };
}

t.test('a connection that was given back serves the next run on its node', async (t) => {
  const { connect, run, giveBack } = await setUp(t);
  const first = await connect();
  t.match(await run(first, 'a'), { kind: 'exited', exitCode: 0 });
  await giveBack(first);
  const second = await connect();
  t.equal(second, first);
  t.match(await run(second, 'b', 'exit 3'), { kind: 'exited', exitCode: 3 });
  t.not(await connect(), first, 'but not two at once');
});

t.test('another address, or another host key: another connection', async (t) => {
  const { connect, giveBack, sshd, nodes, settings } = await setUp(t, {
    sshd: { listenAddress: '0.0.0.0' },
  });
  const first = await connect();
  await giveBack(first);
  t.not(await connect({ host: '127.0.0.2' }), first);
  const wrong = `${sshd.hostKey.slice(0, -4)}AAAA`;
  await t.rejects(connect({ pinnedHostKey: wrong }), { name: 'ConnectFailure', kind: 'host_key_changed' });
  t.equal(typeof (await first.closed), 'string', 'one whose key is not expected any more is closed');

  const learned = await nodes.connect({ host: '127.0.0.3', port: sshd.port }, settings, signal);
  t.ok(learned.hostKeyLearned);
  await giveBack(learned);
  const again = await nodes.connect({ host: '127.0.0.3', port: sshd.port }, settings, signal);
  t.not(again, learned, 'a node that is new to its task learns the key itself');
  t.ok(again.hostKeyLearned);
  again.close();
});

t.test('a connection that broke while it rested is replaced, and nothing is started twice', async (t) => {
  const { connect, run, giveBack, sshd } = await setUp(t);
  const first = await connect();
  t.match(await run(first, 'a', 'echo ran >> ran'), { kind: 'exited', exitCode: 0 });
  await giveBack(first);
  // The server's process goes without a word to us; we learn of it at once or at the next use.
  await sshd.stopSessions();
  const second = await connect();
  t.not(second, first);
  t.match(await run(second, 'b', 'test "$(cat ran)" = ran'), { kind: 'exited', exitCode: 0 });
});

t.test('an idle connection is closed after its time, and at the end', async (t) => {
  const short = await setUp(t, { idleMs: 50 });
  const first = await short.connect();
  await short.giveBack(first);
  t.type(await first.closed, 'string');

  const none = await setUp(t, { idleMs: 0 });
  const second = await none.connect();
  await none.giveBack(second);
  t.type(await second.closed, 'string');

  const long = await setUp(t);
  const third = await long.connect();
  const fourth = await long.connect();
  await long.giveBack(third);
  long.connections.close();
  t.type(await third.closed, 'string');
  await long.giveBack(fourth);
  t.type(await fourth.closed, 'string', 'also one that comes back later');
});

t.test('of two connections to the same node one is kept', async (t) => {
  const { connect, giveBack } = await setUp(t);
  const first = await connect();
  const second = await connect();
  await giveBack(first);
  await giveBack(second);
  t.type(await first.closed, 'string');
  t.equal(await connect(), second);
});

t.test('files of old attempts are removed after a run, once a day', async (t) => {
  const { connect, run, giveBack, sshd } = await setUp(t, { keptDays: 30 });
  const folder = join(sshd.home, '.rigel/attempts');
  const age = async (key: string, days: number) => {
    const then = Date.now() / 1000 - days * 24 * 3600;
    await utimes(join(folder, `${key}.journal`), then, then);
  };
  const connection = await connect();
  for (const key of ['old', 'young', 'later']) await run(connection, key);
  await age('old', 31);
  await age('young', 29);
  await giveBack(connection);
  await waitFor(
    async () =>
      access(join(folder, 'old.journal')).then(
        () => undefined,
        () => true,
      ),
    { what: 'the old attempt is removed' },
  );
  const left = new Set(
    (await readdir(folder)).filter((name) => name !== 'probe').map((name) => name.split('.')[0]),
  );
  t.same([...left].sort(), ['later', 'young']);

  const next = await connect();
  await age('later', 31);
  await giveBack(next);
  const third = await connect();
  t.match(await run(third, 'later', 'exit 9'), { kind: 'exited', exitCode: 0 }, 'it is still known');
});
