import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import type { AttemptOutcome } from './attempt-outcome.js';
import type { NodeConnection } from './node-connection.js';
import { type RunOptions, runAttempt } from './run-attempt.js';
import { stopAttempt } from './stop-attempt.js';
import { isAlive, type NodeUnderTest, startNodeUnderTest, until } from './testing/node-under-test.js';
import { OutputStore } from './testing/output-store.js';
import { posixShells } from './testing/shells.js';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const { shells, remove } = await posixShells();
t.teardown(remove);

const LIMIT = 1024 * 1024;
/** Blocks at both edges of the hole. */
const SPARE = 64 * 1024;

interface Ran {
  key: string;
  outcome: AttemptOutcome;
  store: OutputStore;
}

async function runText(
  connection: NodeConnection,
  text: string,
  options: Partial<RunOptions> = {},
  key: string = randomUUID(),
): Promise<Ran> {
  const store = new OutputStore();
  const actions = [{ kind: 'command' as const, text, name: 'c' }];
  const outcome = await runAttempt(connection, { key, actions }, { onOutput: store.onOutput, ...options });
  return { key, outcome, store };
}

/** The output file of an attempt: how long it is, and how much of the disk it takes. */
async function fileOf(node: NodeUnderTest, key: string): Promise<{ size: number; onDisk: number }> {
  const { size, blocks } = await stat(join(node.sshd.home, '.rigel/attempts', `${key}.output`));
  return { size, onDisk: blocks * 512 };
}

/** What `seq 1 <last>` prints, and what of it is stored. */
function numbers(last: number): { bytes: number; stored: string } {
  const text = Array.from({ length: last }, (_, index) => `${index + 1}\n`).join('');
  const cut = text.length - LIMIT;
  if (cut <= 0) return { bytes: text.length, stored: text };
  return { bytes: text.length, stored: `${text.slice(0, LIMIT / 2)}<${cut}>${text.slice(-LIMIT / 2)}` };
}

// Much of it is waiting; the shells wait together.
t.jobs = shells.length;
for (const shell of shells) {
  t.test(`under ${shell.name}`, { buffered: true }, async (t) => {
    const node = await startNodeUnderTest({}, shell);
    t.teardown(() => node.stop());
    // busybox's own tools punch no holes.
    const punches = shell.name !== 'busybox';

    t.test('a command that prints much at once leaves little on the node', async (t) => {
      const connection = await node.connect();
      for (const [last, followAfterMs] of [
        [1_000_000, 10_000],
        [1_000_000, 1],
        [100_000, 10_000],
      ] as const) {
        const { bytes, stored } = numbers(last);
        const got = await runText(connection, `seq 1 ${last}`, { followAfterMs });
        t.match(got.outcome, {
          kind: 'exited',
          exitCode: 0,
          outputBytes: bytes,
          outputCut: bytes > LIMIT,
          outputLost: undefined,
        });
        t.ok(got.store.text === stored, `${bytes} bytes`);
        await until('the file is small', async () => (await fileOf(node, got.key)).onDisk <= LIMIT + SPARE);
        t.equal((await fileOf(node, got.key)).size, bytes, 'every byte has kept its place');
        // Another executor collects the same, from any byte.
        for (const from of [0, 1000, LIMIT / 2, LIMIT / 2 + 1, got.store.end]) {
          const later = got.store.upTo(from);
          const again = await runAttempt(
            await node.connect(),
            { key: got.key, actions: [{ kind: 'command', text: 'echo never', name: 'c' }] },
            { onOutput: later.onOutput, fromOffset: from },
          );
          t.same(again, got.outcome);
          t.ok(later.text === stored, `from ${from}`);
        }
      }
      t.match((await runText(connection, 'exit 4')).outcome, { exitCode: 4 }, 'the shell serves on');
    });

    t.test('the file stays small while the command runs, even if no executor follows', async (t) => {
      if (!punches) return;
      const key = randomUUID();
      const first = await node.connect();
      const text = `while [ ! -e ${key}.stop ]; do seq 1000000 1100000; sleep 0.05; done; echo the end`;
      const lost = t.rejects(runText(first, text, { followAfterMs: 50 }, key));
      await until('it has begun to write', async () =>
        fileOf(node, key).then(
          ({ size }) => size > 0,
          () => false,
        ),
      );
      // The guard is there once the attempt is followed.
      await until(
        'the guard is there',
        async () => (await node.homeFile(`.rigel/attempts/${key}.guard`)) !== '',
      );
      first.close();
      await lost;
      await until('much is written and little is kept', async () => {
        const { size, onDisk } = await fileOf(node, key);
        return size > 40 * LIMIT && onDisk < size / 4;
      });
      await writeFile(join(node.sshd.home, `${key}.stop`), '');
      const got = await runText(await node.connect(), text, {}, key);
      t.match(got.outcome, { kind: 'exited', exitCode: 0, outputCut: true });
      t.match(
        got.store.text,
        /^1000000\n[\d\n]+<\d+>[\d\n]+\nthe end\n$/,
        'no byte of the hole is passed on',
      );
      t.equal(got.store.text.replace(/<\d+>/, '').length, LIMIT);
      await until('the file is small', async () => (await fileOf(node, key)).onDisk <= LIMIT + SPARE);
      await until(
        'the guard has ended',
        async () => (await node.homeFile(`.rigel/attempts/${key}.guard`)) === '',
      );
    });

    t.test('following goes on behind the beginning, and the end is whole', async (t) => {
      const store = new OutputStore();
      const key = randomUUID();
      const dir = join(node.sshd.home, key);
      await run('mkdir', ['-m', '777', dir]);
      const steps = [
        // The beginning is full, and more.
        'seq 1 20000',
        'echo second',
        // Much more than is passed on at a look.
        'seq 1 100000; echo third',
        'seq 1 1000; echo fourth',
      ];
      const text = steps
        .map((step, index) => `until [ -e ${key}/${index} ]; do sleep 0.05 || sleep 1; done; ${step}`)
        .join('; ');
      const limit = 100_000;
      const running = runText(
        await node.connect(),
        text,
        { onOutput: store.onOutput, outputLimitBytes: limit, followAfterMs: 1 },
        key,
      );
      for (const [index, seen] of ['20000\n', 'second\n', 'third\n', '1000\nfourth\n'].entries()) {
        await writeFile(join(dir, String(index)), '');
        await until(`${seen} is seen`, () => store.text.endsWith(seen));
        const kept = store.text.replaceAll(/<\d+>/g, '').length;
        t.ok(kept <= limit, `the store has ${kept} bytes`);
      }
      t.match((await running).outcome, { kind: 'exited', outputCut: true });
      const whole = ['20000', '100000'].map((last) => numbers(Number(last)).stored);
      const all = `${whole[0]}second\n${numbers(100_000).stored}third\n${numbers(1000).stored}fourth\n`;
      t.ok(
        store.text === `${all.slice(0, limit / 2)}<${all.length - limit}>${all.slice(-limit / 2)}`,
        'what was passed over while it ran is there in the end',
      );
    });

    t.test('of two limits the first one counts', async (t) => {
      const key = randomUUID();
      const text = `seq 1 30000; until [ -e ${key}.stop ]; do sleep 0.1 || sleep 1; done; seq 1 30000`;
      const first = await node.connect();
      const store = new OutputStore();
      const lost = t.rejects(
        runText(first, text, { onOutput: store.onOutput, outputLimitBytes: 20_000, followAfterMs: 1 }, key),
      );
      await until('the beginning and more', () => store.text.endsWith('30000\n'));
      first.close();
      await lost;
      await writeFile(join(node.sshd.home, `${key}.stop`), '');
      for (const outputLimitBytes of [1000, 20_000, LIMIT]) {
        const later = store.upTo(store.end);
        const options = { onOutput: later.onOutput, fromOffset: later.end, outputLimitBytes };
        const { outcome } = await runText(await node.connect(), text, options, key);
        t.match(outcome, { kind: 'exited', exitCode: 0, outputCut: true });
        const all = numbers(30_000).stored.repeat(2);
        t.ok(later.text === `${all.slice(0, 10_000)}<${all.length - 20_000}>${all.slice(-10_000)}`);
      }
    });

    t.test('a process that a command left behind writes on, and fills no disk', async (t) => {
      if (!punches) return;
      const connection = await node.connect();
      const { key, outcome, store } = await runText(
        connection,
        'echo one; (sleep 1; while sleep 0.02; do seq 1000000 1100000; done) & echo $!',
        { followAfterMs: 10_000 },
      );
      t.match(outcome, { kind: 'exited', exitCode: 0, outputCut: false });
      const pid = Number(/^one\n(\d+)\n/.exec(store.text)?.[1]);
      await until('much is written and little is kept', async () => {
        const { size, onDisk } = await fileOf(node, key);
        return size > 40 * LIMIT && onDisk < size / 4;
      });
      t.ok(await isAlive(pid));
      process.kill(pid, 'SIGKILL');
      const again = await runText(await node.connect(), 'echo never', {}, key);
      t.equal(again.store.text, store.text, 'what was printed until the end is there');
    });

    t.test('stopped, it is made small as well', async (t) => {
      if (!punches) return;
      const key = randomUUID();
      const running = runText(
        await node.connect(),
        // Not as fast as it can: a busy machine would come to the end of what the test can keep.
        'while :; do seq 1 50000; sleep 0.02; done',
        { followAfterMs: 1 },
        key,
      );
      await until('much is written', async () =>
        fileOf(node, key).then(
          ({ size }) => size > 10 * LIMIT,
          () => false,
        ),
      );
      t.equal(await stopAttempt(await node.connect(), key), 'stopped');
      t.same((await running).outcome, { kind: 'stopped' });
      await until('the file is small', async () => (await fileOf(node, key)).onDisk <= LIMIT + SPARE);
    });

    t.test('on a small disk', { skip: !isRoot && 'needs root, for a small disk' }, async (t) => {
      const small = await startNodeUnderTest({}, shell);
      t.teardown(() => small.stop());
      const { home } = small.sshd;
      const owner = await run('stat', ['-c', 'uid=%u,gid=%g', home]);
      try {
        await run('mount', ['-t', 'tmpfs', '-o', `size=8m,${owner.stdout.trim()}`, 'rigel-test', home]);
      } catch (error) {
        t.pass('a small disk', { skip: `a tmpfs cannot be mounted here: ${error}` });
        return;
      }
      t.teardown(() => run('umount', ['-l', home]));
      const connection = await small.connect();
      const mark =
        /\n\[rigel: the disk of the node was full when the command ended, .* output may be missing\]\n$/;
      const cases: [name: string, text: string, begins: RegExp][] = [
        ['its output fills the disk', 'seq 1 1500000; exit 0', /^1\n2\n3\n/],
        [
          'it fills the disk and says so',
          'cat /dev/zero > big; sleep 0.3 || sleep 1; cat /dev/zero >> big; echo said; exit 0',
          /^\n\[rigel/,
        ],
        [
          'it fills the disk and fails',
          'cat /dev/zero > big; sleep 0.3 || sleep 1; cat /dev/zero >> big; echo said; exit 7',
          /^\n\[rigel/,
        ],
      ];
      for (const [name, text, begins] of cases) {
        for (const followAfterMs of [10_000, 1]) {
          const { key, outcome, store } = await runText(connection, text, { followAfterMs });
          const exitCode = Number(text.at(-1));
          t.match(outcome, { kind: 'exited', exitCode, outputLost: true }, name);
          t.match(store.text, mark, name);
          t.match(store.text, begins, name);
          const again = await runText(await small.connect(), 'echo never', {}, key);
          t.same(again.outcome, outcome, `${name}: found again`);
          t.ok(again.store.text === store.text);
          await run('find', [home, '-name', 'big', '-delete']);
          await run('find', [home, '-name', '*.output', '-delete']);
        }
      }
      const { outcome, store } = await runText(connection, 'true');
      t.match(
        outcome,
        { kind: 'exited', exitCode: 0, outputLost: undefined },
        'no word of it where there is room',
      );
      t.equal(store.text, '');
    });
    t.end();
  });
}
