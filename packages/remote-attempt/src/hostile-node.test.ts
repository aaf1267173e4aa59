/*
 * What a node says is parsed strictly: whatever it answers, the attempt has an outcome that can be recorded, or the
 * connection is given up.
 */
import fc from 'fast-check';
import t from 'tap';
import { type AttemptOutcome, outcomeFrom, readEndRecord } from './attempt-outcome.js';
import { attemptBoots } from './boots.js';
import { type ConnectionSettings, connectToNode } from './connect.js';
import { byteCount, WrongAnswer, wholeNumber } from './node-answer.js';
import type { NodeConnection } from './node-connection.js';
import { runAttempt } from './run-attempt.js';
import { runScript } from './run-script.js';
import { StillAlive, survivorsOf } from './still-alive.js';
import { pruneAttempts, stopAttempt } from './stop-attempt.js';
import { type HostileNode, startHostileNode } from './testing/hostile-node.js';

const spec = { key: 'hostile-1', actions: [{ kind: 'command' as const, text: 'true', name: 'act' }] };
const LONG = 'x'.repeat(4_000);
/** Characters that reasons must not hold: they would end a line, move a cursor, or stop a database. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e]/u;

const word = fc.oneof(
  fc.constantFrom(
    'exit',
    'stopped',
    'nostart',
    'unknown',
    'void',
    'elsewhere',
    'gone',
    'rebooted',
    'bad\0reason',
  ),
  fc.constantFrom('0', '1', '-1', '1.5', 'abc', '256', '1e3', '0x10', '+1', ' ', '', 'NaN', 'Infinity', '９'),
  fc.constantFrom(
    '99999999999999999999999',
    '9007199254740993',
    '1125899906842625',
    '\u001b[2J',
    '\r',
    '\u202e',
  ),
  fc.string({ maxLength: 20 }),
  fc.constant(LONG),
);

/** Undefined when it may be told to a scheduler and be recorded. */
function problemWith(outcome: AttemptOutcome): string | undefined {
  if (outcome.kind === 'exited') {
    const { exitCode, actionIndex, outputBytes } = outcome;
    if (!Number.isInteger(exitCode) || exitCode < 0 || exitCode > 999) return `status ${exitCode}`;
    if (spec.actions[actionIndex]?.name !== outcome.actionName) return `action ${actionIndex}`;
    if (!Number.isSafeInteger(outputBytes) || outputBytes < 0) return `${outputBytes} bytes`;
    return undefined;
  }
  return outcome.kind === 'stopped' ? undefined : problemWithText(outcome.reason);
}

function problemWithText(text: string): string | undefined {
  if (text.length > 1_000) return `${text.length} characters`;
  return UNPRINTABLE.test(text) ? JSON.stringify(text) : undefined;
}

t.test('an end record is one of ours, or means nothing', async (t) => {
  let understood = 0;
  fc.assert(
    fc.property(fc.array(word, { maxLength: 7 }), (words) => {
      try {
        const record = readEndRecord(words);
        const outcome = outcomeFrom(record, spec, { cut: false, lost: false }, '~/.rigel/attempts');
        understood++;
        return problemWith(outcome) === undefined;
      } catch (error) {
        return error instanceof WrongAnswer && problemWithText(error.message) === undefined;
      }
    }),
    { numRuns: 20_000 },
  );
  t.ok(understood > 0, `${understood} were understood`);
  const outcome = (line: string): AttemptOutcome | undefined => {
    try {
      return outcomeFrom(readEndRecord(line.split(' ')), spec, { cut: false, lost: false }, 'folder');
    } catch {
      return undefined;
    }
  };
  t.match(outcome('exit 7 0 12'), { kind: 'exited', exitCode: 7, outputBytes: 12 });
  t.match(outcome('exit 137 0 0'), { exitCode: 137, signal: 'SIGKILL' });
  for (const status of ['abc', '1.5', '-1', '', '99999999999999999999999', '1000', '0x7', '1e2'])
    t.match(outcome(`exit ${status} 0 0`), { kind: 'unknown', reason: /is damaged/ }, `status ${status}`);
  for (const line of [
    'exit 0 0',
    'exit 0 0 -',
    'exit 0 0 0 0',
    'exit 0 0 9007199254740993',
    'done 0 0 0',
    '',
  ])
    t.equal(outcome(line), undefined, line);
  t.equal(outcome('unknown bad\0reason - 0'), undefined, 'a reason with a NUL');
  t.match(outcome('unknown gone - 0'), { kind: 'unknown', reason: /is gone and left no exit record/ });
});

t.test('numbers are digits within a range', async (t) => {
  t.equal(wholeNumber('0', 10), 0);
  t.equal(wholeNumber('10', 10), 10);
  for (const text of ['11', '-1', '1.0', '', ' 1', '1 ', '1e1', '0x1', '٣', undefined])
    t.equal(wholeNumber(text, 10), undefined, `${text}`);
  t.throws(() => byteCount(String(2 ** 50 + 1), 'out'), WrongAnswer);
});

t.test('processes that live on are counted and named within limits', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(word, fc.constant('12/root/sleep'), fc.constant(`7/${LONG}/\u001b]0;x`))),
      (words) => {
        const { count, named } = survivorsOf(words);
        const message = new StillAlive('key', 'host', { count, named }).message;
        return (
          Number.isSafeInteger(count) &&
          count >= 0 &&
          named.length <= 20 &&
          message.length < 3_000 &&
          !UNPRINTABLE.test(message)
        );
      },
    ),
    { numRuns: 5_000 },
  );
  t.equal(survivorsOf(['Infinity']).count, 0);
  t.equal(survivorsOf(['1e9']).count, 0);
});

let node: HostileNode;
let settings: ConnectionSettings;
t.before(async () => {
  node = await startHostileNode({ answer: () => undefined });
  settings = {
    user: 'somebody',
    privateKey: node.privateKey,
    hostKeyPolicy: 'accept-new',
    connectTimeoutMs: 20_000,
    keepaliveIntervalMs: 10_000,
    keepaliveCountMax: 3,
  };
});
t.teardown(() => node.stop());

/** Runs something over a connection of its own; what it answered, or the error that it ended with. */
async function over<T>(
  lines: readonly string[],
  work: (connection: NodeConnection) => Promise<T>,
): Promise<T | Error> {
  node.answers.answer = (_, say, channel) => {
    for (const line of lines) say(line);
    channel.exit(0);
    channel.end();
  };
  const connection = await connectToNode({ host: '127.0.0.1', port: node.port }, settings);
  try {
    return await work(connection);
  } catch (error) {
    return error as Error;
  } finally {
    connection.close();
  }
}
const run = (connection: NodeConnection): Promise<AttemptOutcome> =>
  runAttempt(connection, spec, { onOutput: () => undefined });

t.test('an attempt has an outcome, whatever the node answers', async (t) => {
  const unknown = [
    ['end unknown bad\0reason - 0', 'next'],
    ['end exit abc 0 0', 'next'],
    ['end exit 1.5 0 0', 'next'],
    ['end exit 99999999999999999999999 0 0', 'next'],
    ['end exit -1 0 0', 'next'],
    ['end exit 0 0 99999999999999999999999', 'next'],
    [`end unknown ${LONG} - 0`, 'next'],
    ['end unknown \u001b[31mred - 0', 'next'],
    ['out 99999999999999999999999', 'end exit 0 0 0', 'next'],
    ['limit 1e3 5', 'end exit 0 0 0', 'next'],
    ['end', 'next'],
  ];
  for (const lines of unknown) {
    const outcome = await over(lines, run);
    if (outcome instanceof Error) throw outcome;
    t.equal(outcome.kind, 'unknown', JSON.stringify(lines).slice(0, 80));
    t.equal(problemWith(outcome), undefined, JSON.stringify(lines).slice(0, 80));
  }
  const first = await over(['end exit 3 0 0', 'end exit 0 0 0', 'next'], run);
  t.match(first, { kind: 'exited', exitCode: 3 }, 'of two records the first one counts');
});

t.test('a node that asks for the same again and again gets no attempt for ever', async (t) => {
  for (const line of ['previous', 'stopping', 'unwritable mine no space left on device']) {
    let asked = 0;
    node.answers.answer = (script, say, channel) => {
      asked++;
      // The script that ends an attempt, the one that looks for a place, and those that begin or follow.
      if (/never_started/.test(script)) say('never_started');
      else if (/rg_say place/.test(script)) say('place boot-1 /tmp/rigel-somebody');
      else if (line === 'stopping' && !/rg_follow|rg_last/.test(script)) say('taken');
      else say(line);
      channel.exit(0);
      channel.end();
    };
    const connection = await connectToNode(
      { host: '127.0.0.1', port: node.port },
      { ...settings, attemptFolders: { folder: '/tmp', memory: false } },
    );
    const outcome = await runAttempt(
      connection,
      { ...spec, previousKey: 'hostile-0' },
      { onOutput: () => undefined, beginElsewhere: async () => undefined },
    ).catch((error: Error) => error);
    connection.close();
    t.ok(asked < 100, `${line}: asked ${asked} times`);
    t.ok(outcome instanceof Error || outcome.kind !== 'exited', `${line}: ${JSON.stringify(outcome)}`);
  }
});

t.test('its answers about boots, stops, old attempts and scripts become plain text', async (t) => {
  const signal = new AbortController().signal;
  const calls: [string, (connection: NodeConnection) => Promise<unknown>][] = [
    ['boots', (connection) => attemptBoots(connection, 'k')],
    ['stop', (connection) => stopAttempt(connection, 'k')],
    ['prune', (connection) => pruneAttempts(connection, 7)],
    ['script', (connection) => runScript(connection, 'true', signal)],
  ];
  const lines: Record<string, string[]> = {
    boots: ['boots a\0b c', `boots ${LONG} now`, 'boots one two three', `failed ${'\u001b[2J'.repeat(500)}`],
    stop: ['alive 1e309 1/\u001b]0;owned\u0007/x', `failed ${'\u001b[2J'.repeat(500)}`, LONG],
    prune: ['pruned 99999999999999999999999', `pruned ${LONG}`],
    script: ['status 99999999999999999999999', 'status -1'],
  };
  for (const [name, call] of calls) {
    for (const line of lines[name] ?? []) {
      const answer = await over([line], call);
      t.ok(answer instanceof Error, `${name}: ${line.slice(0, 30)}`);
      t.equal(problemWithText((answer as Error).message), undefined, `${name}: ${line.slice(0, 30)}`);
    }
  }
  t.same(await over(['boots one two'], calls[0]?.[1] ?? run), { begun: 'one', now: 'two' });
});

t.test('floods of lines, of output and of errors are kept within limits', async (t) => {
  const MB = Buffer.alloc(1024 * 1024, 'x');
  node.answers.answer = (_, say, channel) => {
    for (let count = 0; count < 20_000; count++) say('full');
    for (let count = 0; count < 8; count++) {
      channel.stderr.write(MB);
      channel.write(MB);
    }
    channel.exit('SIG\u001b[31m'.padEnd(30_000, 'x') as never);
    channel.end();
  };
  const connection = await connectToNode({ host: '127.0.0.1', port: node.port }, settings);
  const before = process.memoryUsage().arrayBuffers;
  const result = await runScript(connection, 'true', new AbortController().signal).catch(
    (error: Error) => error,
  );
  connection.close();
  t.equal(problemWithText((result as Error).message), undefined, (result as Error).message.slice(0, 100));
  t.ok(process.memoryUsage().arrayBuffers - before < 60 * MB.length, 'it is passed over');
});
