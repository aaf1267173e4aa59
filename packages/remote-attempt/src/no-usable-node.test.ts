import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ssh2 from 'ssh2';
import t from 'tap';
import type { AttemptOutcome } from './attempt-outcome.js';
import type { AttemptSpec } from './attempt-spec.js';
import { connectToNode } from './connect.js';
import { type NodeConnection, shellOf } from './node-connection.js';
import { type RunOptions, runAttempt } from './run-attempt.js';
import { generateSshKey } from './ssh-key.js';
import { pruneAttempts, stopAttempt } from './stop-attempt.js';
import { startNodeUnderTest } from './testing/node-under-test.js';
import { posixShells } from './testing/shells.js';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const { shells, remove } = await posixShells();
t.teardown(remove);

async function tryCommand(
  connection: NodeConnection,
  text: string,
  options: Partial<RunOptions> = {},
): Promise<AttemptOutcome & { text: string }> {
  let said = '';
  const spec: AttemptSpec = { key: randomUUID(), actions: [{ kind: 'command', text, name: 'try' }] };
  const onOutput: RunOptions['onOutput'] = ({ data }) => {
    said += data.toString();
  };
  return { ...(await runAttempt(connection, spec, { onOutput, ...options })), text: said };
}

t.test('no shell on the node', async (t) => {
  const node = await startNodeUnderTest();
  t.teardown(() => node.stop());
  const connection = await node.connect();
  shellOf(connection).shell = '/no/such/sh';
  const outcome = await tryCommand(connection, 'true');
  t.match(outcome, {
    kind: 'not_started',
    reason: /^\/no\/such\/sh could not be run on the node \(exit status 12[67]: .*\)$/,
  });
  const again = await tryCommand(connection, 'true', { mayHaveStarted: true });
  t.match(again, { kind: 'unknown', reason: /whether the command ran cannot be found out/ });
  await t.rejects(stopAttempt(connection, 'x'), {
    message: /the script could not be run \(exit status 12[67]/,
  });
});

t.test('a login shell that admits no user', { skip: !isRoot && 'needs root, for an account' }, async (t) => {
  const node = await startNodeUnderTest({ loginShell: '/usr/sbin/nologin' });
  t.teardown(() => node.stop());
  const outcome = await tryCommand(await node.connect(), 'true');
  t.match(outcome, {
    kind: 'not_started',
    reason: /exit status 1: This account is currently not available\./,
  });
});

for (const shell of shells) {
  t.test(`a home that cannot be written, under ${shell.name}`, async (t) => {
    const node = await startNodeUnderTest({}, shell);
    t.teardown(() => node.stop());
    const connection = await node.connect();
    await chmod(node.sshd.home, 0o555);
    if (isRoot) await chown(node.sshd.home, 0, 0);
    const outcome = await tryCommand(connection, 'true');
    t.match(outcome, { kind: 'not_started', reason: /\.rigel\/attempts cannot be made: .*ermission denied/ });
    await t.rejects(stopAttempt(connection, 'x'), { message: /could not be stopped: .*ermission denied/ });
    await chmod(node.sshd.home, 0o777);
    await mkdir(`${node.sshd.home}/.rigel`);
    await writeFile(`${node.sshd.home}/.rigel/attempts`, '');
    await chmod(`${node.sshd.home}/.rigel`, 0o755);
    t.match(await tryCommand(connection, 'true'), { kind: 'not_started', reason: /cannot be made: / });
  });

  t.test(
    `a full disk, under ${shell.name}`,
    { skip: !isRoot && 'needs root, for a small disk' },
    async (t) => {
      const node = await startNodeUnderTest({}, shell);
      t.teardown(() => node.stop());
      const { home } = node.sshd;
      const owner = await run('stat', ['-c', 'uid=%u,gid=%g', home]);
      try {
        await run('mount', ['-t', 'tmpfs', '-o', `size=64k,${owner.stdout.trim()}`, 'rigel-test', home]);
      } catch (error) {
        t.pass('a full disk', { skip: `a tmpfs cannot be mounted here: ${error}` });
        return;
      }
      t.teardown(() => run('umount', ['-l', home]));
      const connection = await node.connect();
      t.match(await tryCommand(connection, 'echo fits'), { kind: 'exited', exitCode: 0, text: 'fits\n' });
      const filled = await tryCommand(connection, 'cat /dev/zero > big');
      t.match(
        filled,
        { kind: 'exited', actionIndex: 0 },
        'the record of who fills it is written all the same',
      );
      t.not(filled.kind === 'exited' && filled.exitCode, 0);
      const full = await tryCommand(connection, 'true');
      t.match(full, { kind: 'not_started', reason: /disk full|No space left/ });
    },
  );
}

for (const shell of shells) {
  t.test(
    `a home whose programs may not be run (noexec), under ${shell.name}`,
    { skip: !isRoot && 'needs root, for a mount' },
    async (t) => {
      const node = await startNodeUnderTest({}, shell);
      t.teardown(() => node.stop());
      const { home } = node.sshd;
      const { stdout: owner } = await run('stat', ['-c', 'uid=%u,gid=%g', home]);
      try {
        await run('mount', ['-t', 'tmpfs', '-o', `noexec,size=1m,${owner.trim()}`, 'rigel-test', home]);
      } catch (error) {
        t.pass('noexec', { skip: `a tmpfs cannot be mounted here: ${error}` });
        return;
      }
      t.teardown(() => run('umount', ['-l', home]));
      const output: Buffer[] = [];
      const outcome = await runAttempt(
        await node.connect(),
        {
          key: randomUUID(),
          actions: [
            { kind: 'command', text: 'echo command', name: 'command' },
            { kind: 'script', text: 'echo script', name: 'script' },
            { kind: 'script', text: '#!/bin/sh -e\necho interpreted\nfalse\n', name: 'interpreted' },
          ],
        },
        { onOutput: ({ data }) => output.push(data) },
      );
      t.equal(Buffer.concat(output).toString(), 'command\nscript\ninterpreted\n');
      t.match(outcome, { kind: 'exited', exitCode: 1, actionIndex: 2 });
    },
  );
}

t.test('a login shell that chats before it gets to the point', async (t) => {
  const node = await startNodeUnderTest({
    extraConfig: 'ForceCommand echo "Welcome!"; echo "a warning" >&2; eval "$SSH_ORIGINAL_COMMAND"',
  });
  t.teardown(() => node.stop());
  const outcome = await tryCommand(await node.connect(), 'echo hello; exit 3');
  t.match(outcome, { kind: 'exited', exitCode: 3, outputBytes: 6, text: 'hello\n' });
});

t.test('a login shell that takes longer than we wait for quick commands', async (t) => {
  const node = await startNodeUnderTest({
    extraConfig: 'ForceCommand sleep 1; eval "$SSH_ORIGINAL_COMMAND"',
  });
  t.teardown(() => node.stop());
  const outcome = await tryCommand(await node.connect(), 'echo x >> ran; exit 3', { followAfterMs: 20 });
  t.match(outcome, { kind: 'exited', exitCode: 3 });
  t.equal(await node.homeFile('ran'), 'x\n');
});

t.test('a server that allows one session at a time', async (t) => {
  const node = await startNodeUnderTest({ extraConfig: 'MaxSessions 1' });
  t.teardown(() => node.stop());
  const connection = await node.connect();
  const first = await tryCommand(connection, 'echo x >> ran; sleep 1; echo done', { followAfterMs: 50 });
  t.match(first, { kind: 'exited', exitCode: 0, text: 'done\n' }, 'its output comes at the end');
  t.equal(await node.homeFile('ran'), 'x\n');
});

t.test('a server that starts commands in its own session', async (t) => {
  const server = await serverWithoutSessions({});
  t.teardown(() => server.stop());
  const connection = await server.connect();
  for (let round = 0; round < 2; round++) {
    const outcome = await tryCommand(connection, 'cut -d " " -f 6 /proc/self/stat; echo "$$"; exit 3');
    t.match(outcome, { kind: 'exited', exitCode: 3 });
    const [session, own] = outcome.text.split('\n');
    t.equal(session, own, 'the command leads a session');
  }
  const streamed = await tryCommand(connection, 'sleep 1; echo x', { followAfterMs: 50 });
  t.match(streamed, { kind: 'exited', exitCode: 0, text: 'x\n' });
});

t.test('such a server without setsid', async (t) => {
  const server = await serverWithoutSessions({ PATH: '/no/such/folder' });
  t.teardown(() => server.stop());
  const outcome = await tryCommand(await server.connect(), 'true');
  t.match(outcome, { kind: 'not_started', reason: /through setsid on the node \(exit status 127: .*setsid/ });
});

t.test('old attempts are removed, and no others', async (t) => {
  const node = await startNodeUnderTest();
  t.teardown(() => node.stop());
  const connection = await node.connect();
  t.equal(await pruneAttempts(connection, 1), 0, 'nothing to remove on a fresh node');
  const ignore = { onOutput: () => undefined };
  const runKey = (key: string, text = 'echo x') =>
    runAttempt(connection, { key, actions: [{ kind: 'command', text, name: 'c' }] }, ignore);
  // A guard of the output comes and goes by itself.
  const list = async () =>
    (await run('ls', ['--ignore=*.guard', `${node.sshd.home}/.rigel/attempts`])).stdout;
  await runKey('old');
  await runKey('older.action-1');
  await stopAttempt(connection, 'old-tombstone');
  await runKey('young');
  const controller = new AbortController();
  const running = runAttempt(
    connection,
    { key: 'running', actions: [{ kind: 'command', text: 'echo x; sleep 600', name: 'c' }] },
    { onOutput: () => controller.abort(), signal: controller.signal, followAfterMs: 20 },
  );
  await t.rejects(running);
  const age = async (key: string, days: number) =>
    run('touch', ['-d', `${days} days ago`, node.journalFile(key)]);
  await age('old', 3);
  await age('older.action-1', 30);
  await age('old-tombstone', 3);
  await age('running', 30);
  await age('young', 1);
  t.equal(await pruneAttempts(connection, 7), 1);
  t.equal(await pruneAttempts(connection, 2), 2);
  t.same((await list()).split(/\s+/).sort(), [
    '',
    'running.action-0',
    'running.journal',
    'running.output',
    'young.action-0',
    'young.journal',
    'young.output',
  ]);
  t.equal(await stopAttempt(connection, 'running'), 'stopped');
  await t.rejects(pruneAttempts(connection, 0), { name: 'TypeError', message: /^olderThanDays: 0 / });
});

/** An SSH server which, unlike OpenSSH, leaves commands in the session and process group it is in itself. */
async function serverWithoutSessions(env: Record<string, string>) {
  const home = await mkdtemp(join(tmpdir(), 'rigel-home-'));
  const keys = generateSshKey();
  const server = new ssh2.Server({ hostKeys: [keys.private] }, (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (context) => context.accept());
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, info) => {
        const channel = acceptExec();
        const child = spawn('/bin/sh', ['-c', info.command], {
          env: { PATH: process.env.PATH, ...env, HOME: home },
        });
        channel.pipe(child.stdin);
        child.stdin.on('error', () => undefined);
        child.stdout.pipe(channel, { end: false });
        child.stderr.pipe(channel.stderr, { end: false });
        child.on('close', (code, signal) => {
          if (code === null) channel.exit(signal?.slice(3) ?? 'KILL', false, '');
          else channel.exit(code);
          channel.end();
        });
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const connections: NodeConnection[] = [];
  return {
    connect: async () => {
      const connection = await connectToNode(
        { host: '127.0.0.1', port },
        {
          user: 'anyone',
          privateKey: keys.private,
          hostKeyPolicy: 'accept-new',
          connectTimeoutMs: 10_000,
          keepaliveIntervalMs: 10_000,
          keepaliveCountMax: 3,
        },
      );
      connections.push(connection);
      return connection;
    },
    stop: async () => {
      for (const connection of connections) connection.close();
      await new Promise((resolve) => server.close(resolve));
      await rm(home, { recursive: true, force: true });
    },
  };
}
