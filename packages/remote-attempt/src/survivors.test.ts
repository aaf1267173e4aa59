import { randomUUID } from 'node:crypto';
import { appendFile, chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t from 'tap';
import type { AttemptSpec } from './attempt-spec.js';
import { runAttempt } from './run-attempt.js';
import { StillAlive } from './still-alive.js';
import { stopAttempt } from './stop-attempt.js';
import { isAlive, type NodeUnderTest, startNodeUnderTest, until } from './testing/node-under-test.js';
import { type PosixShell, posixShells } from './testing/shells.js';
import { allowSudo, canAllowSudo } from './testing/sudo.js';

/*
 * Processes that a stop cannot end, or can hardly see: it says so, each time it is asked, until it has seen that they
 * are gone.
 */

const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
const { shells, missing, remove } = await posixShells();
t.teardown(remove);
for (const name of missing) t.pass(`${name} is not installed`, { skip: true });
if (!canAllowSudo) t.pass('only root can let an account use sudo', { skip: true });

/** As the server's settings of a test have sudo on the path, whatever shell it is. */
const SUDO = '/usr/bin/sudo -n';
/** A root shell that leaves its pid in the file $P and cannot be asked to end. */
const STUBBORN = `trap "" TERM; echo $$ >> "$0"; while :; do sleep 1; done`;

/** Begins a command which is to write pids into the file $P, so many of them, and waits until they are there. */
async function begin(node: NodeUnderTest, count: number, text: string) {
  const connection = await node.connect();
  const key = randomUUID();
  const spec: AttemptSpec = {
    key,
    actions: [{ kind: 'command', text, name: 'run for long' }],
    env: { P: join(node.sshd.home, `pids-${key}`) },
  };
  let output = '';
  const outcome = runAttempt(connection, spec, {
    onOutput: ({ data }) => {
      output += data.toString();
    },
    followAfterMs: 50,
  });
  outcome.catch(() => undefined);
  const pids = async () => (await node.homeFile(`pids-${key}`)).split('\n').filter(Boolean).map(Number);
  await until(`${count} processes run: ${text}`, async () => (await pids()).length === count);
  const journal = () => readFile(node.journalFile(key), 'utf8');
  return { key, spec, connection, outcome, pids: await pids(), journal, output: () => output };
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone.
    }
  }
}

const withNode = async (
  t: import('tap').Test,
  shell: PosixShell,
  options: Parameters<typeof startNodeUnderTest>[0] = {},
) => {
  const node = await startNodeUnderTest(options, shell);
  t.teardown(() => node.stop());
  return node;
};

t.jobs = shells.length;
for (const shell of canAllowSudo ? shells : []) {
  t.test(`under ${shell.name}`, { buffered: true }, async (t) => {
    const node = await withNode(t, shell);
    t.teardown(await allowSudo(node.sshd.user));
    t.jobs = 6;

    t.test(
      'a root process that withstands TERM: told by every stop, until it is gone',
      { buffered: true },
      async (t) => {
        const { key, spec, connection, outcome, pids, journal } = await begin(
          node,
          1,
          `${SUDO} sh -c '${STUBBORN}' "$P"`,
        );
        t.teardown(() => kill(pids));
        const [pid = 0] = pids;
        const refusal = {
          name: 'StillAlive',
          message: new RegExp(`could not be ended and may still run: .*\\b${pid} \\(root, \\w+\\)`),
        };
        await t.rejects(stopAttempt(connection, key, { graceMs: 300 }), refusal);
        t.ok(await isAlive(pid));
        // As the executor of later on asks, which knows nothing.
        for (const graceMs of [0, 10_000])
          await t.rejects(stopAttempt(await node.connect(), key, { graceMs }), refusal);
        await t.rejects(outcome, refusal, 'who follows it is told, too');
        await t.rejects(
          runAttempt(
            connection,
            { ...spec, key: `${key}-2`, previousKey: key },
            { onOutput: () => undefined },
          ),
          { ...refusal, key },
          'a next attempt does not begin beside it',
        );
        t.equal(await begun(node, `${key}-2`), false);
        t.notMatch(await journal(), /^stopped /m);
        kill(pids);
        t.equal(await stopAttempt(connection, key), 'stopped', 'once it is gone');
        t.match(await journal(), /^stopped /m);
      },
    );

    t.test('one of another user without parents, in a session of its own', { buffered: true }, async (t) => {
      const { key, connection, pids } = await begin(
        node,
        1,
        `${SUDO} setsid sh -c '${STUBBORN}' "$P" & sleep 600`,
      );
      t.teardown(() => kill(pids));
      const [pid = 0] = pids;
      const named = { name: 'StillAlive', message: new RegExp(`\\b${pid} \\(root`) };
      await t.rejects(stopAttempt(connection, key, { graceMs: 0 }), named);
      // Its parent, sudo, as well: now nothing but the record leads to it.
      kill([await parentOf(pid)]);
      await t.rejects(stopAttempt(await node.connect(), key, { graceMs: 0 }), named);
      kill(pids);
      t.equal(await stopAttempt(connection, key), 'stopped');
    });

    t.test('the stopper itself is killed after its TERM', { buffered: true }, async (t) => {
      const { key, connection, pids, journal } = await begin(node, 1, `${SUDO} sh -c '${STUBBORN}' "$P"`);
      t.teardown(() => kill(pids));
      const first = stopAttempt(connection, key, { graceMs: 600_000 });
      first.catch(() => undefined);
      await until('TERM is sent', async () => /^term \d+ /m.test(await journal()));
      const stopper = /^stop \d+ \d+ (\d+):/m.exec(await journal())?.[1];
      kill([Number(stopper)]);
      await t.rejects(first);
      // The first grace holds: nobody waits for it in a test, so its end is put into the past.
      await writeFile(node.journalFile(key), (await journal()).replace(/^stop (\d+) \d+/m, 'stop $1 1'));
      await t.rejects(stopAttempt(await node.connect(), key, { graceMs: 0 }), { name: 'StillAlive' });
      kill(pids);
      t.equal(await stopAttempt(await node.connect(), key), 'stopped');
    });

    t.test('the record of the first release is understood', { buffered: true }, async (t) => {
      const { key, connection, pids, journal } = await begin(node, 1, `${SUDO} sh -c '${STUBBORN}' "$P"`);
      t.teardown(() => kill(pids));
      const older = (await journal()).replace(/^session (\d+) \d+ - \.$/m, 'session $1 - - .');
      await writeFile(node.journalFile(key), `${older}\nstop 20 - - .\n`);
      // What was left of it when the runner was gone, which then did not count.
      kill([Number(/^run \S+ (\d+)/m.exec(older)?.[1]), Number(/^session (\d+)/m.exec(older)?.[1])]);
      await t.rejects(stopAttempt(connection, key), { name: 'StillAlive', message: /\(root/ });
      kill(pids);
      t.equal(await stopAttempt(connection, key), 'stopped');
    });

    t.test(
      'processes that a clean-up starts get no signal until KILL is due',
      { buffered: true },
      async (t) => {
        const { key, connection, output, outcome } = await begin(
          node,
          1,
          `trap 'sleep 0.8 || sleep 1; echo ENDED $?; exit 1' TERM; echo $$ >> "$P"; sleep 600; sleep 600`,
        );
        t.equal(await stopAttempt(connection, key, { graceMs: 20_000 }), 'stopped');
        t.same(await outcome, { kind: 'stopped' });
        t.equal(
          output()
            .split('\n')
            .filter((line) => line.startsWith('ENDED'))
            .join(),
          'ENDED 0',
        );
      },
    );

    t.test('another stop does not shorten the time to clean up', { buffered: true }, async (t) => {
      const { key, connection, outcome, journal } = await begin(
        node,
        1,
        `trap 'sleep 1; sleep 1; echo cleaned > "$P-clean"; exit 1' TERM; echo $$ >> "$P"; while :; do sleep 1; done`,
      );
      const first = stopAttempt(connection, key, { graceMs: 60_000 });
      await until('TERM is sent', async () => /^term \d+ /m.test(await journal()));
      const [, stopper] = /^stop \d+ \d+ (\d+):/m.exec(await journal()) ?? [];
      kill([Number(stopper)]);
      await t.rejects(first);
      t.equal(await stopAttempt(await node.connect(), key, { graceMs: 0 }), 'stopped');
      t.equal(await node.homeFile(`pids-${key}-clean`), 'cleaned\n');
      t.same(await outcome, { kind: 'stopped' });
      t.equal((await journal()).match(/^term /gm)?.length, 1, 'and TERM is not sent a second time');
    });

    t.test('a time to clean up that is over is over', { buffered: true }, async (t) => {
      const { key, connection, pids } = await begin(
        node,
        1,
        `trap 'while :; do sleep 1; done' TERM; echo $$ >> "$P"; while :; do sleep 1; done`,
      );
      t.equal(await stopAttempt(connection, key, { graceMs: 700 }), 'stopped');
      t.notOk(await isAlive(pids[0] ?? 0));
    });

    t.test('a program that is setuid root', { buffered: true }, async (t) => {
      const program = join(node.sshd.home, `..`, 'as-root');
      await copyFile('/bin/bash', program);
      await chmod(program, 0o4755);
      const { key, connection, pids } = await begin(
        node,
        1,
        `${program} -p -c 'trap "" TERM; echo $$ >> "$P"; while :; do /bin/sleep 1; done'`,
      );
      t.teardown(() => kill(pids));
      t.match(
        await readFile(`/proc/${pids[0]}/status`, 'utf8'),
        /^Uid:\s+[1-9]\d*\s+0\s/m,
        'it is root in part',
      );
      const result = await stopAttempt(connection, key, { graceMs: 300 }).catch((error: unknown) => error);
      // A kernel may let its user kill it, or not; what is said must be so.
      if (await isAlive(pids[0] ?? 0)) t.match(result, { name: 'StillAlive' });
      else t.equal(result, 'stopped');
    });

    t.test('a process in a PID namespace', { buffered: true }, async (t) => {
      const { key, connection, pids } = await begin(
        node,
        1,
        `${SUDO} unshare -p -f sh -c 'trap "" TERM; echo here >> "$0"; while :; do sleep 1; done' "$P"`,
      ).catch((error: unknown) => {
        throw error;
      });
      t.same(pids, [Number.NaN], 'inside it has another pid');
      const alive = await stopAttempt(connection, key, { graceMs: 0 }).catch((error: unknown) => error);
      t.type(alive, StillAlive);
      const { named } = (alive as StillAlive).survivors;
      t.ok(named.some(({ name, user }) => name === 'sh' && user === 'root'));
      kill(named.map(({ pid }) => pid));
      t.equal(await stopAttempt(connection, key), 'stopped');
    });

    t.test('the attempts before the last one, which never began', { buffered: true }, async (t) => {
      const first = await begin(node, 1, `${SUDO} sh -c '${STUBBORN}' "$P"`);
      t.teardown(() => kill(first.pids));
      const keys = { previousKey: `${first.key}-b`, earlierKeys: [`${first.key}-a`, first.key] };
      const third = {
        ...first.spec,
        key: `${first.key}-c`,
        ...keys,
        actions: [{ kind: 'command' as const, text: 'true', name: 'third' }],
      };
      const run = () => runAttempt(first.connection, third, { onOutput: () => undefined, stopGraceMs: 0 });
      await t.rejects(run(), { name: 'StillAlive', key: first.key });
      t.equal(await begun(node, third.key), false);
      kill(first.pids);
      t.match(await run(), { kind: 'exited', exitCode: 0 });
      t.match(await run(), { kind: 'exited', exitCode: 0 }, 'and it is found again');
    });
    t.end();
  });

  t.test(`under ${shell.name}, sudo with a terminal of its own`, { buffered: true }, async (t) => {
    const node = await withNode(t, shell);
    t.teardown(await allowSudo(node.sshd.user, 'use_pty'));
    const { key, connection, pids } = await begin(node, 1, `${SUDO} sh -c '${STUBBORN}' "$P"`);
    t.teardown(() => kill(pids));
    const named = { name: 'StillAlive', message: new RegExp(`\\b${pids[0]} \\(root`) };
    await t.rejects(stopAttempt(connection, key, { graceMs: 300 }), named);
    await t.rejects(stopAttempt(await node.connect(), key, { graceMs: 0 }), named);
    kill(pids);
    await until(
      'sudo is gone too',
      async () => (await stopAttempt(connection, key).catch(() => '')) === 'stopped',
    );
  });

  t.test(
    `under ${shell.name}, on a node that hides the processes of others`,
    { buffered: true },
    async (t) => {
      const node = await withNode(t, shell, {
        within: [
          'unshare',
          '-m',
          '/bin/sh',
          '-c',
          'mount -t proc -o hidepid=2 proc /proc && exec "$@"',
          'sh',
        ],
      });
      t.teardown(await allowSudo(node.sshd.user));
      const { key, connection, pids, journal } = await begin(node, 1, `${SUDO} sh -c '${STUBBORN}' "$P"`);
      t.teardown(() => kill(pids));
      const hidden = { name: 'StillAlive', message: /may still run: .*(which the node does not show)/ };
      await t.rejects(stopAttempt(connection, key, { graceMs: 300 }), hidden);
      await t.rejects(stopAttempt(await node.connect(), key, { graceMs: 0 }), hidden);
      t.notMatch(await journal(), /^stopped /m);
      kill(pids);
      // Until somebody has taken note of their end, the dead are in their group, and a signal cannot tell.
      await until(
        'all are gone',
        async () => (await stopAttempt(connection, key).catch(() => '')) === 'stopped',
      );
      const own = await begin(node, 1, 'echo $$ >> "$P"; sleep 600');
      t.equal(
        await stopAttempt(own.connection, own.key, { graceMs: 300 }),
        'stopped',
        'what can be seen is ended as ever',
      );
      t.notOk(await isAlive(own.pids[0] ?? 0));
    },
  );

  t.test(`under ${shell.name}, a session whose number is a stranger's`, { buffered: true }, async (t) => {
    const node = await withNode(t, shell);
    const stranger = await begin(node, 1, 'echo $$ >> "$P"; sleep 600');
    const [pid = 0] = stranger.pids;
    const journal = await stranger.journal();
    const session = Number(/^session (\d+)/m.exec(journal)?.[1]);
    const stat = await readFile(`/proc/${session}/stat`, 'latin1');
    const start = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    const leave = async (sessionLine: string) => {
      const key = randomUUID();
      const file = node.journalFile(key);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `run ${bootId} 4194304 1 .\n${sessionLine}\n`);
      await chmod(file, 0o666);
      return key;
    };
    const older = await leave(`session ${session} ${start - 1} - .`);
    t.equal(
      await stopAttempt(stranger.connection, older, { graceMs: 0 }),
      'stopped',
      'its leader is another one',
    );
    t.ok(await isAlive(pid));
    const doubtful = await leave(`session ${session} - - .`);
    await t.rejects(
      stopAttempt(stranger.connection, doubtful, { graceMs: 0 }),
      { name: 'StillAlive', message: new RegExp(`\\b${session} \\(`) },
      'whose it is nobody can tell',
    );
    t.ok(await isAlive(pid), 'so it is told of and not killed');
    t.equal(await stopAttempt(stranger.connection, stranger.key, { graceMs: 0 }), 'stopped');
    t.equal(await stopAttempt(stranger.connection, doubtful), 'stopped');
    await appendFile(node.journalFile(doubtful), '');
  });
}

async function begun(node: NodeUnderTest, key: string): Promise<boolean> {
  return readFile(node.journalFile(key), 'utf8').then(
    (text) => /^run /m.test(text),
    () => false,
  );
}

async function parentOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
