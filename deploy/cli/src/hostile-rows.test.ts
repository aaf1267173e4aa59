import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestServers } from '@rigel/testing';
import { sql } from 'kysely';
import t from 'tap';
import { run } from './run.js';
import { openHistory } from './testing/rigel.js';

/*
 * A database with texts in it that a terminal obeys, or shows as something else: of users, of nodes, of providers. Nothing of them
 * may reach the terminal of whoever looks.
 */

const servers = await startTestServers();
t.teardown(() => servers.stop());
const scheduler = await openHistory(t, servers, 'scheduler');
const access = await openHistory(t, servers, 'access');

/** Clears the screen, sets the title, a C1 sequence, a line of its own, and text that runs backwards. */
const HOSTILE = 'x\x1b[2J\x1b]0;owned\x07\x9b31m\r\nrm\u2028\u202eevil\u2066\u200b\ud83d\u{e0041}';
const IN_DATABASE = HOSTILE.replace('\ud83d', '');
const HARMFUL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** Every text of a recorded event, but those that the system itself chooses. */
function made(hostile: unknown, key = ''): unknown {
  if (typeof hostile === 'string')
    return ['name', 'operator', 'actor', 'reason', 'executor', 'ip', 'text'].includes(key)
      ? `${hostile}${IN_DATABASE}`
      : hostile;
  if (Array.isArray(hostile)) return hostile.map((value) => made(value));
  if (typeof hostile !== 'object' || hostile === null) return hostile;
  return Object.fromEntries(Object.entries(hostile).map(([name, value]) => [name, made(value, name)]));
}

const recording = fileURLToPath(new URL('../../../services/scheduler/recordings/0.2.0', import.meta.url));
const events = readFileSync(join(recording, 'small-runs.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
  .filter(({ stream }) => stream === 'task-1');
for (const { position, stream, version, type, schema, data, meta, recordedAt } of events)
  await sql`INSERT INTO events VALUES (${position}, ${stream}, ${version}, ${type}, ${schema},
    ${JSON.stringify(made(data))}, ${JSON.stringify(made(meta))}, ${recordedAt})`.execute(scheduler);
await sql`INSERT INTO tokens (id, name, role, hash, created, created_by, revoked, revoked_by)
  VALUES (1, ${IN_DATABASE}, 'viewer', 'h', 1, ${IN_DATABASE}, 2, ${IN_DATABASE})`.execute(access);

/** Runs a command line. What it writes is each a line. */
async function rigel(...args: string[]) {
  let stdout = '';
  let stderr = '';
  const status = await run(
    args,
    { DATABASE_URL: servers.databaseUrl },
    {
      out: (line) => {
        stdout += `${line}\n`;
      },
      note: (line) => {
        stderr += `${line}\n`;
      },
    },
  );
  return { status, stdout, stderr };
}

/** Lines of the output; each must be without anything that is not seen. */
function plainLines(text: string): string[] {
  const lines = text.split('\n');
  for (const line of lines) if (HARMFUL.test(line)) t.fail(JSON.stringify(line));
  return lines;
}

t.test('what is shown has nothing in it that a terminal obeys', async (t) => {
  const list = await rigel('token', 'list');
  t.match(list, { status: 0, stderr: '' });
  const [head = '', row = '', ...rest] = plainLines(list.stdout);
  t.match(row, /x\\u001b\[2J\\u001b\]0;owned\\u0007\\u009b31m\\u000d\\u000arm\\u2028\\u202eevil/);
  t.strictSame(rest, [''], 'one row is one line');
  t.equal(head.indexOf('role'), row.indexOf('viewer'), 'columns stand under their titles');

  const shown = await rigel('task', 'show', '1');
  t.match(shown, { status: 0, stderr: '' });
  const lines = plainLines(shown.stdout);
  t.match(lines[0], /^task 1 too latex\\u001b\[2J/);
  t.match(lines.at(-2), /RunDrained/);

  const verified = await rigel('verify', '--service', 'access');
  t.match(verified, { status: 1, stderr: '' });
  t.match(plainLines(verified.stdout)[0], /^access: tokens id=1/);
});

t.test('JSON says the same to a program as before', async (t) => {
  const { stdout: list } = await rigel('token', 'list', '--json');
  plainLines(list);
  t.match(JSON.parse(list), { name: IN_DATABASE, created_by: IN_DATABASE });
  const { stdout: shown } = await rigel('task', 'show', '1', '--json');
  plainLines(shown);
  t.match(JSON.parse(shown), { task: { created: { name: `too late${IN_DATABASE}` } } });
});

t.test('nor have refusals', async (t) => {
  for (const args of [
    ['task', 'show', HOSTILE],
    [HOSTILE],
    ['verify', '--service', HOSTILE],
    ['token', 'create', '--role', 'viewer', '--name', HOSTILE],
    ['token', 'create', '--role', HOSTILE, '--name', 'a'],
  ]) {
    const { status, stderr, stdout } = await rigel(...args);
    t.match({ status, stdout }, { status: 2, stdout: '' }, args[0]?.slice(0, 1) ?? '');
    t.equal(plainLines(stderr).length, 2, 'one line');
  }
  t.match(await rigel('token', 'create', '--role', 'viewer', '--name', 'ann\u202e'), { stderr: /U\+202E/ });
});
