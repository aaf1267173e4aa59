import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { AttemptSpec } from './attempt-spec.js';
import { runAttempt } from './run-attempt.js';
import { stopAttempt } from './stop-attempt.js';
import { isAlive, startNodeUnderTest, until } from './testing/node-under-test.js';
import { posixShells } from './testing/shells.js';

const { shells, missing, remove } = await posixShells();
t.teardown(remove);
for (const name of missing) t.pass(`${name} is not installed`, { skip: true });

// Much of it is waiting; the shells wait together.
t.jobs = shells.length;
for (const shell of shells) {
  t.test(`under ${shell.name}`, { buffered: true }, async (t) => {
    const node = await startNodeUnderTest({}, shell);
    t.teardown(() => node.stop());
    const connection = await node.connect();

    /**
     * Runs a command which is to write the pids of all its processes into the file $P, so many of them, and waits
     * until they are there.
     */
    const begin = async (count: number, text: string) => {
      const key = randomUUID();
      const spec: AttemptSpec = {
        key,
        actions: [{ kind: 'command', text, name: 'run for long' }],
        env: { P: `pids-${key}` },
      };
      const outcome = runAttempt(connection, spec, { onOutput: () => undefined, followAfterMs: 50 });
      outcome.catch(() => undefined);
      const pids = async () => (await node.homeFile(`pids-${key}`)).split('\n').filter(Boolean).map(Number);
      await until(`${count} processes run`, async () => (await pids()).length === count);
      return { key, spec, outcome, pids: await pids() };
    };
    const alive = async (pids: number[]) => {
      const states = await Promise.all(pids.map(isAlive));
      return pids.filter((_, index) => states[index]);
    };
    const kinds: [name: string, count: number, text: string][] = [
      [
        'a command with children',
        3,
        'echo $$ > $P; sleep 600 & echo $! >> $P; sleep 600 & echo $! >> $P; wait',
      ],
      [
        'a daemon that left the session',
        2,
        "echo $$ > $P; setsid sh -c '(sleep 600 & echo $! >> $P) &'; sleep 600",
      ],
      ['one that ignores TERM', 2, 'trap "" TERM; echo $$ > $P; sleep 600 & echo $! >> $P; wait'],
      ['one that is suspended', 2, 'echo $$ > $P; sleep 600 & echo $! >> $P; kill -STOP $!; wait'],
      ['one with a clean environment', 2, "echo $$ > $P; env -i sh -c 'echo $$; exec sleep 600' >> $P"],
      [
        'a child with a clean environment of a daemon',
        2,
        'setsid sh -c \'echo $$ > $P; env -i setsid sh -c "echo \\$\\$; exec sleep 600" >> $P & wait\' & wait',
      ],
      [
        'one whose name looks like fields of /proc',
        3,
        'echo $$ > $P; env -i sh -c \'printf "x) S 1\\n) Z 1" > /proc/self/comm; echo $$; sleep 600 & echo $!; wait\' >> $P & wait',
      ],
    ];
    for (const [name, count, text] of kinds) {
      t.test(`${name} is stopped altogether`, async (t) => {
        const { key, spec, outcome, pids } = await begin(count, text);
        t.equal((await alive(pids)).length, count);
        t.equal(await stopAttempt(connection, key, { graceMs: 500 }), 'stopped');
        t.same(await alive(pids), []);
        t.same(await outcome, { kind: 'stopped' });
        t.equal(await stopAttempt(connection, key), 'stopped', 'again');
        t.same(await runAttempt(connection, spec, { onOutput: () => undefined }), { kind: 'stopped' });
        t.match(await readFile(node.journalFile(key), 'utf8'), /^stopped - - 0 \.$/m);
      });
    }

    t.test('a command may clean up within the grace time', async (t) => {
      const { key, outcome } = await begin(
        1,
        'trap "echo cleaned > clean; exit 0" TERM; echo $$ > $P; while :; do sleep 0.1 || sleep 1; done',
      );
      t.equal(await stopAttempt(connection, key, { graceMs: 10_000 }), 'stopped');
      t.equal(await node.homeFile('clean'), 'cleaned\n');
      t.same(await outcome, { kind: 'stopped' });
    });

    t.test(
      'no further action is started, even when the one that was stopped calls it a success',
      async (t) => {
        const key = randomUUID();
        const first = 'trap "exit 0" TERM; : > began; while :; do sleep 0.1 || sleep 1; done';
        const spec: AttemptSpec = {
          key,
          actions: [
            { kind: 'command', text: first, name: 'first' },
            { kind: 'command', text: ': > second', name: 'second' },
          ],
        };
        const outcome = runAttempt(connection, spec, { onOutput: () => undefined, followAfterMs: 50 });
        await until('the first action runs', () => existsSync(join(node.sshd.home, 'began')));
        t.equal(await stopAttempt(connection, key, { graceMs: 10_000 }), 'stopped');
        t.same(await outcome, { kind: 'stopped' });
        t.notOk(existsSync(join(node.sshd.home, 'second')));
      },
    );

    t.test('two stops of the same attempt at once', async (t) => {
      const { key, outcome, pids } = await begin(1, 'echo $$ > $P; sleep 600');
      const other = await node.connect();
      const results = await Promise.all([stopAttempt(connection, key), stopAttempt(other, key)]);
      t.same(results, ['stopped', 'stopped']);
      t.same(await alive(pids), []);
      t.same(await outcome, { kind: 'stopped' });
    });

    t.test('the processes of other attempts, and all others, are left alone', async (t) => {
      const stranger: ChildProcess = spawn('sleep', ['600'], {
        env: { RIGEL_ATTEMPT: 'somebody-else', HOME: node.sshd.home },
      });
      const bystander = await begin(1, 'echo $$ > $P; sleep 600');
      const { key } = await begin(1, 'echo $$ > $P; sleep 600');
      t.equal(await stopAttempt(connection, key), 'stopped');
      t.equal((await alive(bystander.pids)).length, 1);
      t.equal(stranger.exitCode, null);
      stranger.kill('SIGKILL');
      t.equal(await stopAttempt(connection, bystander.key), 'stopped');
    });

    t.test('an attempt that was never started never starts', async (t) => {
      const spec: AttemptSpec = {
        key: randomUUID(),
        actions: [{ kind: 'command', text: 'echo ran > tombstone', name: 'never' }],
      };
      t.equal(await stopAttempt(connection, spec.key), 'never_started');
      t.equal(await stopAttempt(connection, spec.key), 'never_started', 'again');
      t.same(await runAttempt(connection, spec, { onOutput: () => undefined }), { kind: 'stopped' });
      t.equal(await node.homeFile('tombstone'), '');
    });

    t.test(
      'an attempt that has ended keeps its outcome, and what it left running is left alone',
      async (t) => {
        const { key, spec, outcome, pids } = await begin(1, 'sleep 600 & echo $! > $P; exit 5');
        const ended = await outcome;
        t.match(ended, { kind: 'exited', exitCode: 5 });
        t.equal(await stopAttempt(connection, key), 'already_exited');
        t.equal((await alive(pids)).length, 1);
        t.same(await runAttempt(connection, spec, { onOutput: () => undefined }), ended);
      },
    );

    t.test('the key is looked for as a whole', async (t) => {
      const long = await begin(1, 'echo $$ > $P; setsid sleep 600');
      const short = long.key.slice(0, -1);
      const spec = { key: short, actions: long.spec.actions, env: { P: 'short' } };
      const outcome = runAttempt(connection, spec, { onOutput: () => undefined, followAfterMs: 50 });
      await until('the other attempt runs', async () => (await node.homeFile('short')) !== '');
      t.equal(await stopAttempt(connection, short), 'stopped');
      t.same(await outcome, { kind: 'stopped' });
      t.equal((await alive(long.pids)).length, 1);
      t.equal(await stopAttempt(connection, long.key), 'stopped');
    });
    t.end();
  });
}

t.test('the first thing that ever happens on a node may be a stop', async (t) => {
  const node = await startNodeUnderTest();
  t.teardown(() => node.stop());
  t.equal(await stopAttempt(await node.connect(), 'first'), 'never_started');
  t.match(await readFile(node.journalFile('first'), 'utf8'), /^stop 1000 \d+ \d+:\d+ \.$/m);
});
