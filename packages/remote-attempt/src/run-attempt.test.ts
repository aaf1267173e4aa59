import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { AttemptOutcome } from './attempt-outcome.js';
import type { AttemptAction, AttemptSpec } from './attempt-spec.js';
import { ConnectionLost } from './connection-lost.js';
import type { NodeConnection } from './node-connection.js';
import { type RunOptions, runAttempt } from './run-attempt.js';
import { stopAttempt } from './stop-attempt.js';
import { isAlive, startNodeUnderTest, until } from './testing/node-under-test.js';
import { OutputStore } from './testing/output-store.js';
import { posixShells } from './testing/shells.js';

const { shells, missing, remove } = await posixShells();
t.teardown(remove);
for (const name of missing) t.pass(`${name} is not installed`, { skip: true });

function command(text: string, name = 'the command'): AttemptAction {
  return { kind: 'command', text, name };
}

function script(text: string, name = 'the script'): AttemptAction {
  return { kind: 'script', text, name };
}

/** Collects output and checks that it comes without gaps. */
class Received {
  text = '';
  chunks: Buffer[] = [];
  position: number;

  constructor(readonly from = 0) {
    this.position = from;
  }

  readonly onOutput: RunOptions['onOutput'] = ({ offset, data }) => {
    if (offset !== this.position) throw new Error(`a chunk at ${offset} instead of ${this.position}`);
    this.position += data.length;
    this.chunks.push(Buffer.from(data));
    this.text = Buffer.concat(this.chunks).toString();
  };
}

async function runOnce(
  connection: NodeConnection,
  actions: AttemptAction[],
  more: Partial<AttemptSpec> = {},
  options: Partial<RunOptions> = {},
): Promise<{ outcome: AttemptOutcome; text: string; bytes: Buffer }> {
  const received = new Received();
  const spec = { key: randomUUID(), actions, ...more };
  const outcome = await runAttempt(connection, spec, { onOutput: received.onOutput, ...options });
  return { outcome, text: received.text, bytes: Buffer.concat(received.chunks) };
}

// Much of it is waiting; the shells wait together.
t.jobs = shells.length;
for (const shell of shells) {
  t.test(`under ${shell.name}`, { buffered: true }, async (t) => {
    const node = await startNodeUnderTest({}, shell);
    t.teardown(() => node.stop());
    const connection = await node.connect();
    const { home } = node.sshd;

    t.test('a command runs at home, with nothing to read, in the environment of its attempt', async (t) => {
      const { outcome, text } = await runOnce(
        connection,
        [command('pwd; cat; echo "$RIGEL_ATTEMPT $RIGEL_CORRELATION_ID"; env | grep -c ^rg_')],
        { key: 'plain.attempt-1', env: { RIGEL_CORRELATION_ID: "it's $HOME" } },
      );
      t.equal(text, `${home}\nplain.attempt-1 it's $HOME\n0\n`);
      t.match(outcome, { kind: 'exited', exitCode: 1, actionIndex: 0, actionName: 'the command' });
    });

    t.test('the actions run in order, up to the first that fails', async (t) => {
      const actions = [
        command('echo 1', 'one'),
        script('echo 2; exit 3', 'two'),
        command('echo never', 'three'),
      ];
      const { outcome, text } = await runOnce(connection, actions);
      t.equal(text, '1\n2\n');
      t.same(outcome, {
        kind: 'exited',
        exitCode: 3,
        actionIndex: 1,
        actionName: 'two',
        outputBytes: 4,
        outputCut: false,
      });
    });

    t.test('a success names the last action', async (t) => {
      const { outcome } = await runOnce(connection, [command('true', 'one'), command('true', 'two')]);
      t.match(outcome, { kind: 'exited', exitCode: 0, actionIndex: 1, actionName: 'two', outputBytes: 0 });
    });

    t.test('standard output and error keep their order', async (t) => {
      const { text } = await runOnce(connection, [
        command('for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done'),
      ]);
      t.equal(text, [1, 2, 3, 4, 5].map((i) => `out ${i}\nerr ${i}\n`).join(''));
    });

    t.test('a command is a shell of its own', async (t) => {
      const status = async (text: string) => {
        const { outcome } = await runOnce(connection, [command(text), command('true')]);
        return outcome.kind === 'exited' ? [outcome.exitCode, outcome.actionIndex] : outcome;
      };
      t.same(await status('exit 4'), [4, 0], 'exit');
      t.same(await status('exec sh -c "exit 5"'), [5, 0], 'exec');
      t.same(await status('set -e; false; true'), [1, 0], 'set -e');
      t.same(await status('trap "exit 6" EXIT; true'), [6, 0], 'trap');
      t.same(await status('[ "$(sh -c \'echo $PPID\')" = $$ ]'), [0, 1], 'its own process id');
      t.not((await status('if then'))?.toString(), [0, 1].toString(), 'a syntax error is a failure');
      t.same(await status('# nothing'), [0, 1], 'an empty command succeeds');
      t.same(await status('kill 0'), [143, 0], 'a signal to its process group');
      t.same(
        await status('trap "" TERM INT HUP; kill 0; kill -INT 0; kill -HUP 0; exit 7'),
        [7, 0],
        'surviving it',
      );
      const ignored = await runOnce(connection, [command('cat /proc/self/status')]);
      t.match(ignored.text, /^SigIgn:\s+0+$/m, 'it ignores no signal');
      const { outcome } = await runOnce(connection, [command('kill -9 $$')]);
      t.match(outcome, { kind: 'exited', exitCode: 137, signal: 'SIGKILL' });
    });

    t.test('a script is run by its interpreter, or else by the shell', async (t) => {
      const odd = `#!/bin/cat\n'"\`$(id)\\n\\\\ %s \t\r\n${Array.from({ length: 700 }, (_, i) =>
        String.fromCodePoint(i + 1),
      ).join('')} 漢字 🙂\n\n`;
      const { text, outcome } = await runOnce(connection, [script(odd)]);
      t.equal(text, odd, 'its text arrives as it is');
      t.match(outcome, { exitCode: 0 });
      const bare = await runOnce(connection, [script('\necho "$0" "$#"')]);
      t.match(bare.text, /\.rigel\/attempts\/[0-9a-f-]+\.action-0 0\n$/);
      const withArgument = await runOnce(connection, [script('#! /bin/sh  -e \nfalse\necho went on\n')]);
      t.match(withArgument, { text: '', outcome: { exitCode: 1 } }, 'with an argument');
      const twoWords = await runOnce(connection, [script('#!/bin/echo a  b')]);
      t.match(twoWords.text, /^a {2}b .*\.rigel\/attempts\//, 'the argument may hold blanks');
      const byEnv = await runOnce(connection, [script('#!/usr/bin/env sh\necho env\n')]);
      t.match(byEnv, { text: 'env\n', outcome: { exitCode: 0 } });
      const again = await runOnce(connection, [
        script('#!/bin/sh\n[ "$1" = again ] || exec "$0" again\necho "$1"\n'),
      ]);
      t.match(again, { text: 'again\n' }, 'it can call itself');
      for (const missing of ['/no/such/interpreter', '/tmp', 'no-such-interpreter']) {
        const { text, outcome } = await runOnce(connection, [script(`#!${missing} -x\n`)]);
        t.match(outcome, { kind: 'exited', exitCode: 127 });
        t.equal(
          text,
          `The interpreter ${missing}, which the first line of the script names, is not on this node.\n`,
        );
      }
    });

    t.test('much output on both streams neither blocks nor loses its end', async (t) => {
      const megabyte = 'i=0; while [ $i -lt 10 ]; do head -c 1048576 /dev/zero | tr "\\0" ';
      const store = new OutputStore();
      const big = [
        command(
          `echo begin; ${megabyte} o; i=$((i+1)); done; ${megabyte} e >&2; i=$((i+1)); done; echo the end`,
        ),
      ];
      const { outcome } = await runOnce(connection, big, {}, { onOutput: store.onOutput });
      const total = 20 * 1048576 + 14;
      t.same(outcome, {
        kind: 'exited',
        exitCode: 0,
        actionIndex: 0,
        actionName: 'the command',
        outputBytes: total,
        outputCut: true,
      });
      const [begin, end] = store.text.split(`<${total - 1048576}>`);
      t.equal(begin, `begin\n${'o'.repeat(524282)}`, 'the first half is the beginning');
      t.equal(end, `${'e'.repeat(524280)}the end\n`, 'the last half is the end');
    });

    t.test('output is streamed while the command runs', async (t) => {
      const received = new Received();
      const running = runAttempt(
        connection,
        {
          key: randomUUID(),
          actions: [command('printf one; while [ ! -e go-on ]; do sleep 0.1; done; echo two')],
        },
        { onOutput: received.onOutput, followAfterMs: 50 },
      );
      await until('the output before the end', () => received.text === 'one');
      await writeFile(join(home, 'go-on'), '');
      t.match(await running, { kind: 'exited', exitCode: 0 });
      t.equal(received.text, 'onetwo\n');
    });

    t.test('however it is cut into pieces, the output is the same', async (t) => {
      const actions = [command('i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo "line $i"; sleep 0.02; done')];
      for (const outputLimitBytes of [1, 50, 51, 1000]) {
        const key = randomUUID();
        const live = new OutputStore();
        const options = { outputLimitBytes, followAfterMs: 100 };
        await runAttempt(connection, { key, actions }, { ...options, onOutput: live.onOutput });
        for (const fromOffset of [0, 1, 25, 30, 60, live.end]) {
          const later = live.upTo(fromOffset);
          await runAttempt(
            connection,
            { key, actions },
            { ...options, fromOffset, onOutput: later.onOutput },
          );
          t.equal(later.text, live.text, `limit ${outputLimitBytes} from ${fromOffset}`);
        }
      }
    });

    t.test('started twice at once, it runs once, and both learn the outcome', async (t) => {
      const other = await node.connect();
      for (let round = 0; round < 5; round++) {
        const spec = { key: randomUUID(), actions: [command(`echo ran >> twice-${round}; echo x; exit 7`)] };
        const [mine, theirs] = [new Received(), new Received()];
        const outcomes = await Promise.all([
          runAttempt(connection, spec, { onOutput: mine.onOutput }),
          runAttempt(other, spec, { onOutput: theirs.onOutput }),
        ]);
        t.same(outcomes[0], outcomes[1]);
        t.match(outcomes[0], { kind: 'exited', exitCode: 7 });
        t.same([mine.text, theirs.text], ['x\n', 'x\n']);
        t.equal(await node.homeFile(`twice-${round}`), 'ran\n');
      }
    });

    t.test('the connection lost in the middle, it is found again and goes on where it was', async (t) => {
      const spec = {
        key: randomUUID(),
        actions: [
          command('echo ran >> lost; echo one; while [ ! -e found ]; do sleep 0.1; done; echo two; exit 9'),
        ],
      };
      const first = new Received();
      const doomed = await node.connect();
      const lost = runAttempt(doomed, spec, { onOutput: first.onOutput, followAfterMs: 50 });
      const rejected = t.rejects(lost, ConnectionLost);
      await until('the first output', () => first.text === 'one\n');
      await node.sshd.stopSessions();
      await rejected;
      t.type(await doomed.closed, 'string');

      const second = new Received(first.position);
      const again = runAttempt(await node.connect(), spec, {
        onOutput: second.onOutput,
        fromOffset: first.position,
      });
      await writeFile(join(home, 'found'), '');
      t.match(await again, { kind: 'exited', exitCode: 9, outputBytes: 8 });
      t.equal(second.text, 'two\n');
      t.equal(await node.homeFile('lost'), 'ran\n');
    });

    t.test('a command that is killed after the connection was lost has its outcome recorded', async (t) => {
      const spec = {
        key: randomUUID(),
        // The shell reports such a death on its standard error, which is not read any more.
        actions: [command('echo one; while [ ! -e die ]; do sleep 0.1; done; kill -9 $$')],
      };
      const first = new Received();
      const lost = runAttempt(await node.connect(), spec, { onOutput: first.onOutput, followAfterMs: 50 });
      const rejected = t.rejects(lost, ConnectionLost);
      await until('the first output', () => first.text === 'one\n');
      await node.sshd.stopSessions();
      await rejected;
      await writeFile(join(home, 'die'), '');
      const outcome = await runAttempt(await node.connect(), spec, { onOutput: () => undefined });
      t.match(outcome, { kind: 'exited', exitCode: 137, signal: 'SIGKILL' });
    });

    t.test('a background process of a command neither delays its end nor dies with it', async (t) => {
      const connection = await node.connect();
      const { outcome, text } = await runOnce(connection, [command('sleep 600 & echo $!')]);
      t.match(outcome, { kind: 'exited', exitCode: 0 });
      const pid = Number(text);
      t.ok(await isAlive(pid));
      process.kill(pid, 'SIGKILL');
    });

    t.test('an aborted signal ends the following and not the command', async (t) => {
      const connection = await node.connect();
      const key = randomUUID();
      const received = new Received();
      const spec = { key, actions: [command('echo one; while [ ! -e resumed ]; do sleep 0.1; done')] };
      const stopFollowing = new AbortController();
      const following = runAttempt(connection, spec, {
        onOutput: received.onOutput,
        followAfterMs: 50,
        signal: stopFollowing.signal,
      });
      await until('the first output', () => received.text === 'one\n');
      const rejected = t.rejects(following, { message: 'enough' });
      stopFollowing.abort(new Error('enough'));
      await rejected;
      await writeFile(join(home, 'resumed'), '');
      const later = new Received(received.position);
      const outcome = await runAttempt(connection, spec, {
        onOutput: later.onOutput,
        fromOffset: received.position,
      });
      t.match(outcome, { kind: 'exited', exitCode: 0 });
      t.equal(later.text, '');
    });

    t.test('an earlier attempt of the same step is stopped first', async (t) => {
      const connection = await node.connect();
      const earlier = { key: randomUUID(), actions: [command('echo $$; sleep 600')] };
      const received = new Received();
      const running = runAttempt(await node.connect(), earlier, {
        onOutput: received.onOutput,
        followAfterMs: 50,
      });
      await until('the earlier attempt runs', () => received.text.endsWith('\n'));
      const { outcome } = await runOnce(connection, [command('true')], { previousKey: earlier.key });
      t.match(outcome, { kind: 'exited', exitCode: 0 });
      t.notOk(await isAlive(Number(received.text)));
      t.same(await running, { kind: 'stopped' });
    });

    t.test('an earlier attempt that never started will not do so later', async (t) => {
      const connection = await node.connect();
      const late = { key: randomUUID(), actions: [command('echo ran > too-late')] };
      const { outcome } = await runOnce(connection, [command('true')], { previousKey: late.key });
      t.match(outcome, { kind: 'exited', exitCode: 0 });
      t.same(await runAttempt(connection, late, { onOutput: () => undefined }), { kind: 'stopped' });
      t.equal(await node.homeFile('too-late'), '');
    });

    t.test('an error thrown by the receiver reaches the caller', async (t) => {
      const connection = await node.connect();
      const onOutput = () => {
        throw new Error('the store is full');
      };
      await t.rejects(runOnce(connection, [command('echo x')], {}, { onOutput }), {
        message: 'the store is full',
      });
    });

    t.test('a command that truncates its own output file does not confuse anyone', async (t) => {
      const connection = await node.connect();
      const { outcome, text } = await runOnce(
        connection,
        [command('echo one; sleep 1; : > "$HOME/.rigel/attempts/$RIGEL_ATTEMPT.output"; printf 2')],
        {},
        { followAfterMs: 50 },
      );
      t.match(outcome, { kind: 'exited', exitCode: 0, outputBytes: 1 });
      t.match(text, /^(one\n|2)$/);
    });
    t.end();
  });
}

t.test('a spec that cannot be run is refused, naming the field', async (t) => {
  const node = await startNodeUnderTest();
  t.teardown(() => node.stop());
  const connection = await node.connect();
  const refused = (spec: AttemptSpec, message: RegExp) =>
    t.rejects(runAttempt(connection, spec, { onOutput: () => undefined }), { name: 'TypeError', message });
  const actions = [command('true')];
  await refused({ key: '../x', actions }, /^key: /);
  await refused({ key: '..', actions }, /^key: /);
  await refused({ key: 'x'.repeat(121), actions }, /^key: /);
  await refused({ key: 'x', actions, previousKey: 'x' }, /^previousKey: /);
  await refused({ key: 'x', actions: [] }, /^actions: /);
  await refused({ key: 'x', actions: [command('a\0b')] }, /^actions\[0\]\.text: /);
  await refused({ key: 'x', actions, env: { 'a b': '' } }, /^env: /);
  await refused({ key: 'x', actions, env: { RIGEL_ATTEMPT: 'y' } }, /^env: /);
  const options = { onOutput: () => undefined };
  await t.rejects(runAttempt(connection, { key: 'x', actions }, { ...options, outputLimitBytes: 0 }), {
    name: 'TypeError',
    message: /^outputLimitBytes: 0 /,
  });
  await t.rejects(runAttempt(connection, { key: 'x', actions }, { ...options, fromOffset: -1 }), {
    name: 'TypeError',
    message: /^fromOffset: -1 /,
  });
  await t.rejects(stopAttempt(connection, 'a/b'), { name: 'TypeError', message: /^key: / });
});
