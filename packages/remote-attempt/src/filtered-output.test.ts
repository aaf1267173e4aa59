import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installDebianPackage } from '@rigel/local-servers';
import t from 'tap';
import type { AttemptOutcome } from './attempt-outcome.js';
import type { AttemptSpec } from './attempt-spec.js';
import { ConnectionLost } from './connection-lost.js';
import type { NodeConnection } from './node-connection.js';
import { type RunOptions, runAttempt } from './run-attempt.js';
import { stopAttempt } from './stop-attempt.js';
import { isAlive, startNodeUnderTest, until } from './testing/node-under-test.js';
import { posixShells } from './testing/shells.js';
import { allowSudo, canAllowSudo } from './testing/sudo.js';

const run = promisify(execFile);
const { shells, remove } = await posixShells();
t.teardown(remove);

/** Where a shell is; as root on Debian a missing one is installed. */
async function interpreter(name: string, debianPackage = name): Promise<string | undefined> {
  const find = () =>
    run('/bin/sh', ['-c', `command -v ${name}`]).then(
      ({ stdout }) => stdout.trim(),
      () => undefined,
    );
  const found = await find();
  if (found !== undefined || process.getuid?.() !== 0) return found;
  await installDebianPackage(debianPackage);
  return find();
}

/** What the scripts are written for, and whether that has `>(…)`. */
const interpreters: { name: string; head: string; substitutes: boolean }[] = [];
for (const [name, substitutes, debianPackage] of [
  ['dash', false, 'dash'],
  ['bash', true, 'bash'],
  ['busybox', false, 'busybox'],
  ['mksh', false, 'mksh'],
  ['ksh93', true, 'ksh93u+m'],
  ['zsh', true, 'zsh'],
] as const) {
  const path = await interpreter(name, debianPackage);
  if (path === undefined) t.pass(`${name} is not installed`, { skip: true });
  else interpreters.push({ name, head: `#!${path}${name === 'busybox' ? ' sh' : ''}\n`, substitutes });
}

/** `why` has to be the whole output of each, and 3 the status. */
const cases: { name: string; text: string; substitutes?: true; times?: number; notBy?: string[] }[] = [
  {
    name: 'both streams through tee',
    text: 'exec > >(tee -a log) 2>&1\necho why\nexit 3',
    substitutes: true,
    times: 4,
  },
  {
    name: 'both streams through a slow filter',
    text: 'exec > >(sleep 0.5; cat) 2>&1\necho why\nexit 3',
    substitutes: true,
  },
  {
    name: 'a filter of standard error only',
    text: 'exec 2> >(sleep 0.4; cat >&2)\necho why >&2\nexit 3',
    substitutes: true,
  },
  {
    name: 'a chain of filters',
    text: 'exec > >(sed s/x/y/ | (sleep 0.4; tee -a log)) 2>&1\necho whx\nexit 3',
    substitutes: true,
  },
  {
    name: 'a filter in a session of its own',
    text: 'exec > >(exec setsid sh -c "sleep 0.4; cat") 2>&1\necho why\nexit 3',
    substitutes: true,
  },
  {
    name: 'a filter that reads a fifo',
    text: 'mkfifo "$RIGEL_ATTEMPT.fifo"\n(sleep 0.4; cat) <"$RIGEL_ATTEMPT.fifo" &\nexec >"$RIGEL_ATTEMPT.fifo" 2>&1\nrm "$RIGEL_ATTEMPT.fifo"\necho why\nexit 3',
  },
  {
    name: 'tee that reads a fifo',
    text: 'mkfifo "$RIGEL_ATTEMPT.fifo"\ntee -a log <"$RIGEL_ATTEMPT.fifo" &\nexec >"$RIGEL_ATTEMPT.fifo" 2>&1\nrm "$RIGEL_ATTEMPT.fifo"\necho why\nexit 3',
    times: 4,
  },
  { name: 'a pipe in the background', text: 'echo why | (sleep 0.4; cat) &\nexit 3' },
  { name: 'a slow writer into a pipe in the background', text: '(sleep 0.4; echo why) | cat &\nexit 3' },
  { name: 'a pipe in the background, at once', text: 'echo why | cat &\nexit 3', times: 4 },
  {
    name: 'job control',
    // Without a terminal the others refuse it.
    notBy: ['dash', 'busybox', 'zsh'],
    text: 'set -m\n(sleep 0.1; echo why) | (sleep 0.4; cat) &\nexit 3',
  },
];

async function runScript(
  connection: NodeConnection,
  text: string,
  more: Partial<AttemptSpec> = {},
  options: Partial<RunOptions> = {},
): Promise<{ outcome: AttemptOutcome; text: string }> {
  const chunks: Buffer[] = [];
  const outcome = await runAttempt(
    connection,
    { key: randomUUID(), actions: [{ kind: 'script', text, name: 'the script' }], ...more },
    { onOutput: ({ data }) => chunks.push(Buffer.from(data)), ...options },
  );
  return { outcome, text: Buffer.concat(chunks).toString() };
}

// Much of it is waiting; the shells wait together.
t.jobs = shells.length;
for (const shell of shells) {
  t.test(`under ${shell.name}`, { buffered: true }, async (t) => {
    // The scripts find GNU's tools, whatever the node's own shell is.
    const node = await startNodeUnderTest({}, { ...shell, env: {} });
    t.teardown(() => node.stop());

    for (const { name: of, head, substitutes } of interpreters) {
      t.test(`a script for ${of} that filters its output`, async (t) => {
        const connection = await node.connect();
        for (const { name, text, ...needs } of cases) {
          if ((needs.substitutes && !substitutes) || needs.notBy?.includes(of)) continue;
          for (let time = 0; time < (needs.times ?? 1); time++) {
            const got = await runScript(connection, head + text);
            t.match(got.outcome, { kind: 'exited', exitCode: 3, outputBytes: 4 }, name);
            t.equal(got.text, 'why\n', name);
          }
        }
      });
    }

    t.test('a process that is not a filter is not awaited, and goes on', async (t) => {
      const connection = await node.connect();
      for (const daemon of ['sleep 600 &', 'nohup sleep 600 2>/dev/null &', 'setsid sleep 600 &']) {
        const { outcome, text } = await runScript(connection, `${daemon}\necho $!`);
        t.match(outcome, { kind: 'exited', exitCode: 0 }, daemon);
        t.match(text, /^\d+\n$/, 'its output says nothing of it');
        t.ok(await isAlive(Number(text)), daemon);
        process.kill(Number(text), 'SIGKILL');
      }
    });

    t.test('a filter of another user', { skip: !canAllowSudo && 'needs root' }, async (t) => {
      t.teardown(await allowSudo(node.sshd.user, '!use_pty'));
      const connection = await node.connect();
      const script = 'exec > >(sleep 0.5; cat) 2>&1; echo why; exit 3';
      const { outcome, text } = await runScript(connection, `sudo bash -c '${script}'`);
      t.match(outcome, { kind: 'exited', exitCode: 3, outputBytes: 4 });
      t.equal(text, 'why\n');
      const daemon = await runScript(connection, 'sudo sleep 600.5 >/dev/null &\necho $!');
      t.match(daemon.outcome, { kind: 'exited', exitCode: 0 });
      t.match(daemon.text, /^\d+\n$/, 'a daemon of another user is left alone');
      // sudo starts it when it gets to that.
      await until('the daemon has begun, and is killed', () =>
        run('pkill', ['-9', '-P', daemon.text.trim()]).then(
          () => true,
          () => false,
        ),
      );
    });

    t.test('a filter that does not end is left open, and named', async (t) => {
      const connection = await node.connect();
      const { outcome, text } = await runScript(connection, 'echo why\nsleep 600 | cat &\necho $!\nexit 3');
      const [, pid = ''] = text.split('\n');
      t.match(outcome, { kind: 'exited', exitCode: 3, outputBytes: text.length });
      t.equal(
        text,
        `why\n${pid}\n\n[rigel: 10 s after the command had ended its output was still open for cat (process ${pid}), ` +
          'which runs on: what it writes later is left out]\n',
      );
      t.ok(await isAlive(Number(pid)), 'it goes on');
    });

    const slow = 'echo why | (sleep 0.4; cat) &\n';
    t.test('several actions, without setsid, and with a PATH of its own', async (t) => {
      const action = (text: string, name: string) => ({ kind: 'command' as const, text, name });
      const connection = await node.connect();
      const two = await runScript(connection, '', {
        actions: [action('echo one', '1'), action(`${slow}exit 3`, '2')],
      });
      t.match(two.outcome, { exitCode: 3, actionName: '2' });
      t.equal(two.text, 'one\nwhy\n');
      const path = await runScript(connection, `${slow}exit 3`, { env: { PATH: '/usr/bin:/bin' } });
      t.match(path, { outcome: { exitCode: 3 }, text: 'why\n' });
      const bin = join(node.sshd.home, 'bin');
      await mkdir(bin);
      for (const name of ['sleep', 'cat', 'wc', 'dd', 'mkdir']) {
        await symlink((await interpreter(name)) ?? '', join(bin, name));
      }
      const bare = await startNodeUnderTest({ env: { PATH: bin } }, { ...shell, env: {} });
      t.teardown(() => bare.stop());
      const none = await runScript(await bare.connect(), `${slow}exit 3`);
      t.match(none, { outcome: { exitCode: 3 }, text: 'why\n' }, 'no setsid');
    });

    t.test('followed, lost and found again while a filter is waited for', async (t) => {
      const spec = {
        key: randomUUID(),
        actions: [
          {
            kind: 'command' as const,
            name: 'c',
            text: 'echo begin; (while [ ! -e on ]; do sleep 0.1; done; echo why) | cat & echo > ended; exit 3',
          },
        ],
      };
      const first = await node.connect();
      const lost = runScript(first, '', spec, { followAfterMs: 50 });
      const rejected = t.rejects(lost, ConnectionLost);
      await until('the command has ended', async () => (await node.homeFile('ended')) !== '');
      first.close();
      await rejected;
      const again = runScript(await node.connect(), '', spec, { followAfterMs: 50 });
      await writeFile(join(node.sshd.home, 'on'), '');
      t.match(await again, { outcome: { kind: 'exited', exitCode: 3 }, text: 'begin\nwhy\n' });
    });

    t.test('stopped while a filter is waited for', async (t) => {
      const key = randomUUID();
      const connection = await node.connect();
      const running = runScript(
        connection,
        'trap "" TERM\nsleep 600 | cat &\necho $! > filter\nexit 0',
        { key },
        { followAfterMs: 50 },
      );
      await until('the filter runs', async () => (await node.homeFile('filter')).endsWith('\n'));
      t.equal(await stopAttempt(await node.connect(), key, { graceMs: 300 }), 'stopped');
      t.same((await running).outcome, { kind: 'stopped' });
      t.notOk(await isAlive(Number(await node.homeFile('filter'))));
    });
    t.end();
  });
}
