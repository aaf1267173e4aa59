import { randomUUID } from 'node:crypto';
import { appendFile, chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t from 'tap';
import type { AttemptSpec } from './attempt-spec.js';
import { type NodeConnection, shellOf } from './node-connection.js';
import { attemptCommand, startPreparation } from './node-script.js';
import { runAttempt } from './run-attempt.js';
import { stopAttempt } from './stop-attempt.js';
import { isAlive, startNodeUnderTest, until } from './testing/node-under-test.js';
import { posixShells } from './testing/shells.js';

const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
const { shells, missing, remove } = await posixShells();
t.teardown(remove);
for (const name of missing) t.pass(`${name} is not installed`, { skip: true });

/** A pid that no process has: the largest one is never given out. */
const NO_PID = 4194304;

// Much of it is waiting; the shells wait together.
t.jobs = shells.length;
for (const shell of shells) {
  t.test(`under ${shell.name}`, { buffered: true }, async (t) => {
    const node = await startNodeUnderTest({}, shell);
    t.teardown(() => node.stop());
    const connection = await node.connect();
    const { home } = node.sshd;

    /** An attempt whose command leaves a line in `ran-<key>`, and then does more. */
    const attempt = (more = ''): AttemptSpec & { ran: () => Promise<string> } => {
      const key = randomUUID();
      const text = `echo ran >> ran-${key}; ${more}`;
      return {
        key,
        actions: [{ kind: 'command', text, name: 'leave a trace' }],
        ran: () => node.homeFile(`ran-${key}`),
      };
    };
    const follow = (spec: AttemptSpec, over: NodeConnection = connection) =>
      runAttempt(over, spec, { onOutput: () => undefined, followAfterMs: 50 });
    /** Makes a journal as if somebody else had written it. */
    const leaveJournal = async (spec: AttemptSpec, text: string) => {
      const file = node.journalFile(spec.key);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
      // The node's user is to append to it.
      await chmod(file, 0o666);
    };

    // The first attempt makes the folder, so that it belongs to the node's user.
    await follow(attempt());

    t.test('the runner killed: unknown, now and later, and nothing runs again', async (t) => {
      const spec = attempt('sleep 600');
      const running = follow(spec);
      await until('the command runs', async () => (await spec.ran()) !== '');
      process.kill(runnerOf(await readFile(node.journalFile(spec.key), 'utf8')), 'SIGKILL');
      const outcome = await running;
      t.match(outcome, { kind: 'unknown', reason: /is gone and left no exit record/ });
      t.same(await follow(spec), outcome);
      t.equal(await spec.ran(), 'ran\n');
      t.equal(await stopAttempt(connection, spec.key), 'stopped', 'what it left behind can be stopped');
      t.same(await follow(spec), outcome, 'and the outcome stays the same');
    });

    t.test('the runner killed before anybody followed: the same', async (t) => {
      const spec = attempt('sleep 600');
      const running = runAttempt(connection, spec, { onOutput: () => undefined, followAfterMs: 600_000 });
      await until('the command runs', async () => (await spec.ran()) !== '');
      process.kill(runnerOf(await readFile(node.journalFile(spec.key), 'utf8')), 'SIGKILL');
      t.match(await running, { kind: 'unknown', reason: /is gone and left no exit record/ });
      t.equal(await stopAttempt(connection, spec.key), 'stopped');
    });

    t.test('the node restarted since: unknown', async (t) => {
      const spec = attempt();
      await leaveJournal(spec, `\nrun 11111111-2222-3333-4444-555555555555 ${process.pid} 1 .\n`);
      t.match(await follow(spec), { kind: 'unknown', reason: /the node was restarted/ });
      t.equal(await spec.ran(), '');
      t.equal(await stopAttempt(connection, spec.key), 'stopped', 'without harm to who has its pid now');
    });

    t.test('the pid of the runner given to another process: unknown', async (t) => {
      const spec = attempt();
      await leaveJournal(spec, `\nrun ${bootId} ${process.pid} 1 .\n`);
      t.match(await follow(spec), { kind: 'unknown', reason: /is gone and left no exit record/ });
    });

    t.test('a damaged exit record: unknown, never a success', async (t) => {
      for (const record of [
        'exit 0 0',
        'exit 0 0 12',
        'exit 0 0 .\n',
        'exit  .\n',
        'exit 0 x 12 .\n',
        'exit 0 0 12 . .\n',
        '\0\0\0\0\0\n',
      ]) {
        const spec = attempt();
        await leaveJournal(spec, `\nrun ${bootId} ${NO_PID} 1 .\n\n${record}`);
        t.match(await follow(spec), { kind: 'unknown' }, JSON.stringify(record));
        t.equal(await spec.ran(), '');
      }
      const spec = attempt();
      await leaveJournal(spec, `\nrun ${bootId} ${NO_PID} 1 .\n\nexit 0 5 0 .\n`);
      t.match(await follow(spec), { kind: 'unknown', reason: /damaged/ }, 'an action that there is not');
    });

    t.test('a torn record followed by a whole one: the whole one counts', async (t) => {
      const spec = attempt();
      await leaveJournal(spec, `\nrun ${bootId} ${NO_PID} 1 .\n\nexit 0 0\nexit 4 0 0 .\n`);
      t.match(await follow(spec), { kind: 'exited', exitCode: 4 });
      const unended = attempt();
      await leaveJournal(unended, `\nrun ${bootId} ${NO_PID} 1 .\n\nexit 4 0 0 .`);
      t.match(await follow(unended), { kind: 'exited', exitCode: 4 }, 'whole but for the newline');
    });

    t.test('a damaged claim: unknown, and nothing runs', async (t) => {
      const spec = attempt();
      await leaveJournal(spec, '\nrun who knows .\n');
      t.match(await follow(spec), { kind: 'unknown', reason: /damaged/ });
      t.equal(await spec.ran(), '');
    });

    t.test('the journal removed: unknown, and nothing runs again', async (t) => {
      const spec = attempt();
      t.match(await follow(spec), { kind: 'exited', exitCode: 0 });
      await rm(node.journalFile(spec.key));
      t.match(await follow(spec), { kind: 'unknown', reason: /damaged/ });
      t.equal(await spec.ran(), 'ran\n');
    });

    /** All that a shell is told to run one attempt. */
    const startText = (spec: AttemptSpec, nonce: string) =>
      startPreparation([])(nonce) +
      attemptCommand(spec, { headBytes: 100, tailBytes: 100 }, shellOf(connection).shell);

    /** Begins an attempt and holds it between making the journal and claiming it, until `gate-<key>` is there. */
    const startSlowly = async (spec: AttemptSpec) => {
      const lines: string[] = [];
      const slow = (nonce: string) => {
        const text = `${startText(spec, nonce)}exit 0\n`;
        const paused = text.replace(
          'rg_put run ',
          `until [ -e gate-${spec.key} ]; do sleep 0.05 || sleep 1; done\nrg_put run `,
        );
        if (paused === text) throw new Error('the start script makes its claim in another way now');
        return paused;
      };
      const session = shellOf(connection).run(slow, {
        control: (line) => lines.push(line),
        data: () => undefined,
      });
      await until('the journal is made', async () =>
        readFile(node.journalFile(spec.key)).then(
          () => true,
          () => false,
        ),
      );
      return {
        goOn: async () => {
          await writeFile(join(home, `gate-${spec.key}`), '');
          await session.ended;
          return lines;
        },
        session,
      };
    };

    t.test('a starter that is only slow is waited for', async (t) => {
      const spec = attempt('exit 3');
      const starter = await startSlowly(spec);
      const outcome = follow(spec);
      await starter.goOn();
      t.match(await outcome, { kind: 'exited', exitCode: 3 });
      t.equal(await spec.ran(), 'ran\n');
    });

    t.test('a starter that is slower than the verdict does not run the command', async (t) => {
      const spec = attempt();
      const starter = await startSlowly(spec);
      t.match(await follow(spec), { kind: 'unknown', reason: /no record of its command being started/ });
      t.same(await starter.goOn(), ['taken']);
      t.equal(await spec.ran(), '');
      t.match(await follow(spec), { kind: 'unknown' });
    });

    t.test('a starter that is slower than a stop does not run the command', async (t) => {
      const spec = attempt();
      const starter = await startSlowly(spec);
      t.equal(await stopAttempt(connection, spec.key), 'never_started');
      t.same(await starter.goOn(), ['taken']);
      t.equal(await spec.ran(), '');
      t.same(await follow(spec), { kind: 'stopped' });
    });

    t.test('the next executor finishes a stop that was begun and abandoned', async (t) => {
      const spec = attempt('trap "" TERM; sleep 600 & echo $! > stubborn; wait');
      const running = follow(spec);
      await until('the command runs', async () => (await node.homeFile('stubborn')) !== '');
      const child = Number(await node.homeFile('stubborn'));
      await appendFile(node.journalFile(spec.key), '\nstop 0 - - .\n');
      t.same(await running, { kind: 'stopped' });
      t.notOk(await isAlive(child));
    });

    t.test('a script that is cut off on its way does nothing', async (t) => {
      const spec = attempt();
      const { shell } = shellOf(connection);
      const whole = startText(spec, 'nonce');
      for (const bytes of [whole.length - 2, whole.length >> 1, whole.lastIndexOf('rg_put run') + 20]) {
        const half = await node.connect();
        const session = shellOf(half).run(
          // What a shell sees when the connection breaks: the end of its input, here said by a second shell.
          () => `printf %s '${whole.slice(0, bytes).replaceAll("'", "'\\''")}' | ${shell} -s; exit 1\n`,
          { control: () => undefined, data: () => undefined },
        );
        await session.ended;
        t.equal(await spec.ran(), '');
        t.equal(await node.homeFile(`.rigel/attempts/${spec.key}.journal`), '');
      }
    });
    t.end();
  });
}

function runnerOf(journal: string): number {
  const pid = /^run \S+ (\d+) \d+ \.$/m.exec(journal)?.[1];
  if (pid === undefined) throw new Error(`no claim in the journal: ${journal}`);
  return Number(pid);
}
