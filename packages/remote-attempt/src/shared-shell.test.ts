import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { AttemptOutcome } from './attempt-outcome.js';
import type { AttemptSpec } from './attempt-spec.js';
import { connectToNode } from './connect.js';
import { ConnectFailure } from './connect-failure.js';
import { ConnectionLost } from './connection-lost.js';
import { type NodeConnection, restConnection, shellOf, wakeConnection } from './node-connection.js';
import { type RunOptions, runAttempt } from './run-attempt.js';
import { stopAttempt } from './stop-attempt.js';
import { isAlive, startNodeUnderTest, until } from './testing/node-under-test.js';
import { posixShells } from './testing/shells.js';

const { shells, remove } = await posixShells();
t.teardown(remove);

/** Runs a command; its output and how it ended. */
async function runText(
  connection: NodeConnection,
  text: string,
  options: Partial<RunOptions> = {},
  spec: Partial<AttemptSpec> = {},
): Promise<{ outcome: AttemptOutcome; bytes: Buffer }> {
  const chunks: Buffer[] = [];
  const outcome = await runAttempt(
    connection,
    { key: randomUUID(), actions: [{ kind: 'command', text, name: 'c' }], ...spec },
    { onOutput: ({ data }) => chunks.push(Buffer.from(data)), ...options },
  );
  return { outcome, bytes: Buffer.concat(chunks) };
}

// Much of it is waiting; the shells wait together.
t.jobs = shells.length;
for (const shell of shells) {
  t.test(`under ${shell.name}`, { buffered: true }, async (t) => {
    // A locale in which characters are not bytes.
    const node = await startNodeUnderTest({ env: { LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' } }, shell);
    t.teardown(() => node.stop());
    const words = async (connection: NodeConnection, text: string) =>
      (await runText(connection, text)).bytes.toString().trim().split(' ');

    t.test('the steps share a shell, and each has a session and a process group of its own', async (t) => {
      const connection = await node.connect();
      const show = 'echo $$ $PPID $(cut -d " " -f 5,6 /proc/$$/stat)';
      const [firstPid, firstParent, firstGroup, firstSession] = await words(connection, show);
      const [pid, parent, group, session] = await words(connection, show);
      t.equal(parent, firstParent, 'one shell runs both');
      t.same([firstGroup, firstSession], [firstPid, firstPid]);
      t.same([group, session], [pid, pid]);
      restConnection(connection);
      const [, other] = await words(connection, show);
      t.not(other, parent, 'a fresh one after a rest');
    });

    t.test('the next step cannot reach processes that a step left running', async (t) => {
      const connection = await node.connect();
      const [daemon = ''] = await words(connection, 'env -i sleep 600 & echo $!');
      const { outcome } = await runText(connection, 'kill 0; sleep 600');
      t.match(outcome, { kind: 'exited', exitCode: 143 });
      t.ok(await isAlive(Number(daemon)), 'a signal to the process group does not reach it');
      const key = randomUUID();
      const running = runText(
        connection,
        'env -i sleep 600 & echo > began; wait',
        { followAfterMs: 50 },
        { key },
      );
      await until('the command runs', async () => (await node.homeFile('began')) !== '');
      t.equal(await stopAttempt(connection, key), 'stopped');
      t.same((await running).outcome, { kind: 'stopped' });
      t.ok(await isAlive(Number(daemon)), 'stopping does not either');
      process.kill(Number(daemon), 'SIGKILL');
    });

    t.test('the environment of one step does not reach the next', async (t) => {
      const connection = await node.connect();
      const env = { ONLY_HERE: 'x' };
      t.equal(
        (await runText(connection, 'echo "$ONLY_HERE$LC_ALL"', {}, { env })).bytes.toString(),
        'xC.UTF-8\n',
      );
      t.equal(
        (await runText(connection, 'echo "$ONLY_HERE$LC_ALL"; env | grep -c ^rg_')).bytes.toString(),
        'C.UTF-8\n0\n',
      );
    });

    t.test('output arrives byte by byte as it was, however small', async (t) => {
      const connection = await node.connect();
      const all = Buffer.from(Array.from({ length: 255 }, (_, index) => index + 1));
      const cases: [string, Buffer][] = [
        ['nothing', Buffer.alloc(0)],
        ['one newline', Buffer.from('\n')],
        ['no newline at the end', Buffer.from('x')],
        ['newlines only', Buffer.from('\n\n\n')],
        ['blanks and backslashes', Buffer.from(' \\ \t\\n\\\\\n  -n %s \\')],
        ['every byte but NUL', all],
        ['every byte but NUL, and a newline', Buffer.concat([all, Buffer.from('\n')])],
        ['a NUL', Buffer.from('a\0b\n')],
        ['NULs only', Buffer.alloc(5)],
        ['characters of several bytes', Buffer.from('漢字 🙂\n')],
        ['as much as the shell reads', Buffer.from(`${'x'.repeat(1023)}\n`)],
        ['one byte more', Buffer.from('x'.repeat(1025))],
        ['a whole block', Buffer.from(`${'y'.repeat(4095)}\n`)],
      ];
      for (const [name, bytes] of cases) {
        await writeFile(join(node.sshd.home, 'bytes'), bytes, { mode: 0o644 });
        const { outcome, bytes: got } = await runText(connection, 'cat bytes');
        t.match(outcome, { kind: 'exited', exitCode: 0, outputBytes: bytes.length }, name);
        t.ok(got.equals(bytes), name);
      }
      const reopened = await runText(
        connection,
        'echo one; echo two >> /dev/stdout; cat bytes > /dev/stderr',
      );
      t.ok(
        reopened.bytes.equals(Buffer.from(`${'y'.repeat(4095)}\n`)),
        'a file that was opened by its name, too',
      );
    });

    t.test('the waiting shell killed: the next attempt has another one', async (t) => {
      const connection = await node.connect();
      const [parent = ''] = await words(connection, 'echo $PPID');
      process.kill(Number(parent), 'SIGKILL');
      await until('the shell is gone', async () => !(await isAlive(Number(parent))));
      // The server tells of it in its own time.
      await new Promise((resolve) => setTimeout(resolve, 200));
      const [other] = await words(connection, 'echo $PPID');
      t.not(other, parent);
    });

    t.test('the shell killed while it runs its second attempt: unknown, and it ran once', async (t) => {
      const connection = await node.connect();
      await runText(connection, 'true');
      const key = randomUUID();
      const text = 'echo ran >> ran-second; kill -9 $PPID; sleep 600';
      const { outcome } = await runText(connection, text, {}, { key });
      t.match(outcome, { kind: 'unknown', reason: /is gone and left no exit record/ });
      t.equal(await stopAttempt(connection, key), 'stopped');
      t.same((await runText(connection, text, {}, { key })).outcome, outcome);
      t.equal(await node.homeFile('ran-second'), 'ran\n');
      t.match((await runText(connection, 'exit 4')).outcome, { exitCode: 4 }, 'and the connection serves on');
    });

    t.test('the connection cut at any byte: found again, and it ran once', async (t) => {
      const proxy = await startCutter(node.sshd.port);
      t.teardown(() => proxy.stop());
      const through = async () => {
        const connection = await proxy.connect(node.settings);
        shellOf(connection).shell = shell.path;
        return connection;
      };
      // First how much there is to cut, then cuts all over it, in both directions.
      const measure = await through();
      await runText(measure, 'echo x');
      const connected = { ...proxy.seen };
      await runText(measure, 'echo x; exit 3');
      const total = { ...proxy.seen };
      measure.close();
      const cuts: ['toNode' | 'fromNode', number][] = [];
      for (const way of ['toNode', 'fromNode'] as const) {
        for (let part = 0; part <= 8; part++) {
          cuts.push([way, Math.round(connected[way] * (0.7 + (part / 8) * 0.3))]);
          cuts.push([way, Math.round(connected[way] + ((total[way] - connected[way]) * part) / 8)]);
        }
      }
      for (const [way, bytes] of cuts) {
        proxy.cutAfter(way, bytes);
        const mine = randomUUID();
        const text = `echo ran >> ran-${mine}; echo x; exit 3`;
        try {
          const doomed = await through();
          await runText(doomed, 'echo x');
          await runText(doomed, text, {}, { key: mine });
        } catch (error) {
          if (!(error instanceof ConnectionLost || error instanceof ConnectFailure)) throw error;
        }
        const { outcome, bytes: got } = await runText(await node.connect(), text, {}, { key: mine });
        t.match(outcome, { kind: 'exited', exitCode: 3 }, `cut ${way} after ${bytes}`);
        t.equal(got.toString(), 'x\n');
        t.equal(await node.homeFile(`ran-${mine}`), 'ran\n');
      }
    });

    t.test('10 MB for a slow reader, and the shell serves on', async (t) => {
      const connection = await node.connect();
      let bytes = 0;
      const { outcome } = await runText(connection, 'head -c 10485760 /dev/zero', {
        outputLimitBytes: 16 * 1048576,
        onOutput: ({ offset, data }) => {
          if (offset !== bytes) throw new Error(`a chunk at ${offset} instead of ${bytes}`);
          bytes += data.length;
          const until = performance.now() + 2;
          while (performance.now() < until);
        },
      });
      t.match(outcome, { kind: 'exited', exitCode: 0, outputBytes: 10485760, outputCut: false });
      t.equal(bytes, 10485760);
      t.match((await runText(connection, 'exit 4')).outcome, { exitCode: 4 });
    });

    t.test('found by a second executor while the first still follows', async (t) => {
      const spec = { key: randomUUID() };
      const text =
        'echo ran >> both; echo one; while [ ! -e go-on ]; do sleep 0.1 || sleep 1; done; echo two';
      const first = await node.connect();
      await runText(first, 'true');
      const following = [
        runText(first, text, { followAfterMs: 50 }, spec),
        runText(await node.connect(), text, { followAfterMs: 50 }, spec),
      ];
      await until('the command runs', async () => (await node.homeFile('both')) !== '');
      following.push(runText(await node.connect(), text, {}, spec));
      await writeFile(join(node.sshd.home, 'go-on'), '');
      for (const { outcome, bytes } of await Promise.all(following)) {
        t.match(outcome, { kind: 'exited', exitCode: 0 });
        t.equal(bytes.toString(), 'one\ntwo\n');
      }
      t.equal(await node.homeFile('both'), 'ran\n');
    });
    t.end();
  });
}

t.test('a login shell that chats, a second attempt, and then a stop', async (t) => {
  const node = await startNodeUnderTest({
    extraConfig:
      'MaxSessions 1\nForceCommand echo "Welcome!"; printf "no end of line"; echo w >&2; eval "$SSH_ORIGINAL_COMMAND"',
  });
  t.teardown(() => node.stop());
  const connection = await node.connect();
  for (let round = 0; round < 3; round++) {
    const { outcome, bytes } = await runText(connection, `echo ${round}; exit ${round}`);
    t.match(outcome, { kind: 'exited', exitCode: round });
    t.equal(bytes.toString(), `${round}\n`);
  }
  const slow = await runText(connection, 'sleep 1; echo slow', { followAfterMs: 50 });
  t.equal(slow.bytes.toString(), 'slow\n');
  const after = await whenFree(() => runText(connection, 'exit 4'));
  t.match(after.outcome, { exitCode: 4 }, 'after one that could not be followed');
  t.equal(
    await whenFree(() => stopAttempt(connection, 'never')),
    'never_started',
    'also with one session at a time',
  );
  t.match((await whenFree(() => runText(connection, 'exit 4'))).outcome, { exitCode: 4 });
});

/** A busy server may take a while to count a session as ended, and refuses the next one until then. */
async function whenFree<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ConnectionLost) || tries === 50) throw error;
      await sleep(100);
    }
  }
}

t.test('a connection that has rested tells whether it still works', async (t) => {
  const node = await startNodeUnderTest();
  t.teardown(() => node.stop());
  const connection = await node.connect();
  await runText(connection, 'true');
  restConnection(connection);
  await wakeConnection(connection, 10_000);
  t.match((await runText(connection, 'exit 4')).outcome, { exitCode: 4 });
  await node.sshd.stopSessions();
  await t.rejects(wakeConnection(connection, 10_000), ConnectionLost);

  const proxy = await startCutter(node.sshd.port);
  t.teardown(() => proxy.stop());
  const stuck = await proxy.connect(node.settings);
  proxy.freeze();
  await t.rejects(wakeConnection(stuck, 200), { message: /did not open a session in 0\.2 s/ });
});

/** A way to the node that breaks after so many bytes. */
async function startCutter(port: number) {
  const sockets = new Set<Socket>();
  const seen = { toNode: 0, fromNode: 0 };
  const limits = { toNode: Number.POSITIVE_INFINITY, fromNode: Number.POSITIVE_INFINITY };
  const connections: NodeConnection[] = [];
  let frozen = false;
  const server = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port });
    seen.toNode = 0;
    seen.fromNode = 0;
    const cut = () => {
      near.destroy();
      far.destroy();
    };
    const pass = (from: Socket, to: Socket, way: keyof typeof seen) => {
      sockets.add(from);
      from.on('error', cut).on('close', cut);
      from.on('data', (chunk: Buffer) => {
        if (frozen) return;
        const left = limits[way] - seen[way];
        seen[way] += chunk.length;
        if (chunk.length <= left) to.write(chunk);
        else to.write(chunk.subarray(0, Math.max(0, left)), cut);
      });
    };
    pass(near, far, 'toNode');
    pass(far, near, 'fromNode');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as { port: number };
  return {
    seen,
    cutAfter(way: keyof typeof seen, bytes: number) {
      limits.toNode = Number.POSITIVE_INFINITY;
      limits.fromNode = Number.POSITIVE_INFINITY;
      limits[way] = bytes;
    },
    freeze() {
      frozen = true;
    },
    async connect(settings: Parameters<typeof connectToNode>[1]) {
      const connection = await connectToNode({ host: '127.0.0.1', port: address.port }, settings);
      connections.push(connection);
      return connection;
    },
    async stop() {
      for (const connection of connections) connection.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
