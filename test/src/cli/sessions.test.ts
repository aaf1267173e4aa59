import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { REPOSITORY_DIR } from '@rigel/local';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { Fleet, loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';
import { commandLine } from './command-line.js';

/* What a person sees in a day at the command line: what is printed is compared, with numbers and times masked. */

const rig = await startRig({ executors: 1, fastDatabase: true, env: { gateway: { RIGEL_ACCESS: 'on' } } });
t.teardown(() => rig.stop());
const home = mkdtempSync(join(tmpdir(), 'rigel-cli-'));
t.teardown(() => rmSync(home, { recursive: true }));
const { token } = await createToken(rig.stack.databaseUrl, 'ann', 'admin');
const api = rig.client(`Bearer ${token}`);
const fleet = new Fleet(api);
const nodes = loopbackNodes(4, rig.sshd.port);
const rigel = commandLine({ XDG_CONFIG_HOME: home, RIGEL_URL: rig.stack.httpUrl, RIGEL_TOKEN: token });

/** Numbers, times and hashes are another one each time, and so is what stands beside them. */
const masked = (text: string): string =>
  text
    .replaceAll(rig.stack.httpUrl, 'URL')
    .replace(/plan [0-9a-f]{8}\b/g, 'plan HASH')
    .replace(/name \S+$/gm, 'name KEY')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME')
    .replace(/127\.[\d.]+:\d+/g, 'NODE')
    .replace(/\b\d+(h|m|s)( \d\d(m|s))?\b/g, 'SPAN')
    .replace(/\d([\d,]*\d)?/g, '0')
    .replace(/ {2,}/g, '  ')
    .replace(/ +$/gm, '');

const lines = (text: string): string[] => masked(text).trimEnd().split('\n');

const quietly = async (...args: string[]): Promise<string> => {
  const { status, out, err } = await rigel([...args, '--yes', '-q']);
  if (status !== 0) throw new Error(`${args.join(' ')}: ${err}`);
  return out.trim();
};

await quietly('cluster', 'create', 'lab', '--biz', '1');
await quietly('service', 'create', 'shop', '--cluster', 'lab', '--type', 'Java');
await quietly('action', 'create', 'start_service', '--param', 'tag', '--shell', 'echo run {{tag}}');
// The user of the nodes writes here.
const shared = mkdtempSync(join(tmpdir(), 'rigel-cli-nodes-'));
t.teardown(() => rmSync(shared, { recursive: true }));
chmodSync(shared, 0o777);
const mended = join(shared, 'mended');
const fill = `test -e ${mended} || { echo "No space left on device"; exit 1; }`;
await quietly('action', 'create', 'fill', '--shell', fill);
await quietly('action', 'create', 'mend', '--shell', `touch ${mended}`);
await quietly('action', 'create', 'work', '--shell', 'echo begin; sleep 2; echo end');
await quietly('action', 'create', 'stay', '--shell', 'echo here; sleep 600');
for (const name of ['start_service', 'fill', 'mend', 'work', 'stay']) {
  await quietly('step', 'create', name, '--action', name);
  await quietly('template', 'create', name, '--step', name);
}
await quietly('pool', 'create', 'shop-pool', '--service', 'shop', '--deploy-template', 'start_service');
await quietly('node', 'add', 'shop-pool', ...nodes);

const idIn = (out: string): string => /task\/(\d+)/.exec(out)?.[1] as string;

/** Runs a template over nodes and waits. @returns id of the task. */
const runTask = async (template: string, on: readonly string[], ...more: string[]): Promise<string> => {
  const { out, err } = await rigel([
    ...['task', 'create', '--template', template, '--nodes', on.join(','), '--yes', '--wait'],
    ...['-o', 'name', ...more],
  ]);
  if (!/^task\/\d+$/m.test(out)) throw new Error(err);
  return idIn(out);
};

t.test('a deployment is shown, confirmed and followed', async (t) => {
  const deploy = ['pool', 'deploy', 'shop-pool', 'shop:8', '--at-once', '2', '--max-failed', '1'];
  const { status, out, err } = await rigel([...deploy, '--wait'], { answer: 'y' });
  t.equal(status, 0, err);
  t.equal(masked(out), 'task/0\n', 'the id is the first thing printed, and the only data');
  t.strictSame(lines(err).slice(0, 5), [
    'URL  plan HASH',
    'deploy shop:0 to pool shop-pool: 0 nodes, 0 batches of up to 0, halts after more than 0 failure',
    '  0 start_service  tag="shop:0", at most SPAN',
    '  what runs on a node: --show-scripts',
    'At most 0 nodes out of service at a time.',
  ]);
  t.match(lines(err).at(-1), /^task 0 completed, 0 of 0 nodes succeeded, in SPAN$/);
  const plan = await rigel(['task', 'plan', '--template', 'work', '--pool', 'shop-pool', '--at-once', '1']);
  t.match(plan, {
    status: 0,
    out: /^run work: 4 nodes, 4 batches of up to 1, halts after a batch without a success \(--max-failed\)\n.*\nplan [0-9a-f]{8}\n$/s,
  });
  t.strictSame(lines((await rigel(['pool', 'versions', 'shop-pool'])).out), [
    'NODES  VERSION',
    '  0  shop:0',
  ]);
});

t.test('why a task waits, and the receipt of an attempt', async (t) => {
  const made = await rigel(['task', 'create', '--template', 'stay', '--nodes', `${nodes[0]}`, '--yes']);
  const id = idIn(made.out);
  await waitFor(async () => (await api.task(Number(id))).stat[1] === 1, { what: 'the task is at work' });
  t.equal(
    lines((await rigel(['task', 'why', id])).out)[0],
    'the task is under way: of 0 node 0 succeeded, 0 failed, 0 are worked on, 0 wait',
  );
  await quietly('task', 'stop', id, '--wait');
  const done = await runTask('work', nodes.slice(0, 1));
  const run = (await rigel(['task', 'runs', done, '-o', 'tsv', '--fields', 'id'])).out.trim();
  const receipt = lines((await rigel(['task', 'receipt', run, '1.1'])).out);
  t.equal(receipt[0], 'work attempt 0 on NODE (task 0)  name KEY');
  t.match(receipt[1], /^allowed once {2}TIME {2}event 0$/);
  t.match(
    receipt[2],
    /^executor-\S+ {2}lease 0 {2}began it until TIME \(reported its end\) {2}event 0 to 0$/,
  );
  t.match(receipt.at(-2), /^ended {2}TIME {2}succeeded, exit status 0 {2}event 0$/);
  t.equal(receipt.at(-1), 'output  0 bytes, 0 stored, none missing');
});

t.test('a script sees what failed, mends it and tries again', async (t) => {
  const file = join(home, 'nodes.txt');
  writeFileSync(file, `${nodes.slice(1, 4).join('\n')}\n`);
  const create = ['task', 'create', '--template', 'fill', '--nodes', `@${file}`, '--max-failed', '0'];
  const made = await rigel([...create, '--yes', '--wait', '-o', 'json']);
  t.equal(made.status, 1, 'a task that failed has status 1');
  const { id } = JSON.parse(made.out) as { id: number };
  t.strictSame(lines((await rigel(['task', 'failures', String(id)])).out), [
    '  0  fill  exit status 0  NODE NODE … (--nodes)',
  ]);
  t.notMatch((await rigel(['task', 'failures', String(id), '--nodes'])).out, '--nodes');
  const { out: ips } = await rigel([
    ...['task', 'runs', String(id), '--reason', 'exit status', '-o', 'tsv', '--fields', 'ip'],
  ]);
  t.strictSame(ips.trim().split('\n').sort(), nodes.slice(1, 4).sort());
  const mend = await rigel(['task', 'create', '--template', 'mend', '--nodes', '-', '--yes', '--wait'], {
    input: ips,
  });
  t.equal(mend.status, 0, mend.err);
  const retry = await rigel(['task', 'retry', String(id), '--reason', 'exit status', '--yes', '--wait']);
  t.equal(retry.status, 0, retry.err);
  t.match(retry.err, `retry task ${id}: 3 nodes, 1 batch of up to 3`);
  t.match(await rigel(['task', 'retry', String(id), '--yes']), { status: 3, err: /has no failed node/ });
  rmSync(mended);
});

t.test('what all nodes printed is searched', async (t) => {
  const id = await runTask('fill', nodes.slice(0, 3), '--max-failed', '3');
  const grep = await rigel(['task', 'grep', id, 'no space']);
  t.equal(grep.status, 0);
  t.equal(lines(grep.out).length, 3);
  t.match(lines(grep.out)[0], 'NODE 0.0:0  No space left on device');
  t.strictSame(lines((await rigel(['task', 'grep', id, 'SPACE|nothing', '--group', '-E'])).out), [
    'NODES  TIMES  LINE  ON',
    '  0  0  No space left on device  NODE NODE NODE',
  ]);
  t.match(await rigel(['task', 'grep', id, 'no space', '--case']), { status: 1, out: '' });
  const other = await runTask('work', nodes.slice(1, 4));
  const diff = await rigel(['task', 'diff', id, other, '--exit-code']);
  t.equal(diff.status, 1);
  t.match(masked(diff.out), / {2}template: "fill \(0\)" → "work \(0\)"\n/);
  t.match(masked(diff.out), / {2}steps: "fill" → "work"\n/);
  t.match(masked(diff.out), / {2}0 nodes failed → succeeded: NODE NODE\n/);
  t.match(masked(diff.out), / {2}0 nodes only in task 0: NODE\n/);
  t.match(await rigel(['task', 'diff', other, other, '--exit-code']), { status: 0, out: '' });
});

/** Stands between the command line and the gateway, and can be cut off. */
async function openIngress(): Promise<{ url: string; cut(): Promise<void>; mend(): Promise<void> }> {
  const { port } = new URL(rig.stack.httpUrl);
  const open = new Set<Socket>();
  const proxy = createServer((socket) => {
    const there = connect(Number(port), '127.0.0.1');
    for (const one of [socket, there]) {
      open.add(one);
      one.on('error', () => undefined).on('close', () => open.delete(one));
    }
    socket.pipe(there).pipe(socket);
  });
  const listen = (at: number) => new Promise<void>((resolve) => proxy.listen(at, '127.0.0.1', resolve));
  await listen(0);
  const { port: own } = proxy.address() as { port: number };
  const cut = async (): Promise<void> => {
    const closed = new Promise((resolve) => proxy.close(resolve));
    for (const socket of open) socket.destroy();
    await closed;
  };
  t.teardown(cut);
  return { url: `http://127.0.0.1:${own}`, cut, mend: () => listen(own) };
}

t.test('output, events and audit are followed through a gateway that dies', async (t) => {
  const ingress = await openIngress();
  const template = await fleet.template({
    one: { command: 'for i in 1 2 3 4 5 6; do echo "line $i"; sleep 1; done' },
    two: { command: 'echo last' },
  });
  const id = String(await fleet.startTask(template, [nodes[0] as string]));
  const run = (await rigel(['task', 'runs', id, '-o', 'tsv', '--fields', 'id'])).out.trim();
  const env = { RIGEL_URL: ingress.url };
  const interrupt = new AbortController();
  const all = Promise.all([
    rigel(['task', 'output', run, '--follow'], { env }),
    rigel(['task', 'events', id, '--follow'], { env }),
    rigel(['audit', '--follow'], {
      env,
      signal: interrupt.signal,
      onOut: (line) => {
        if (line.includes('seen-in-audit')) interrupt.abort();
      },
    }),
  ]);
  await sleep(2_000);
  await ingress.cut();
  await sleep(1_500);
  await ingress.mend();
  await api.ok(`/cluster/create`, { name: 'seen-in-audit', desc: '', biz: '1' });
  setTimeout(() => interrupt.abort(), 60_000).unref();
  const [output, events, audit] = await all;
  t.equal(output.status, 0, output.err);
  t.equal(output.out, `${[1, 2, 3, 4, 5, 6].map((n) => `line ${n}`).join('\n')}\nlast\n`);
  t.equal(events.status, 0, events.err);
  const versions = events.out.split('\n').flatMap((line) => /^ *(\d+) /.exec(line)?.[1] ?? []);
  t.strictSame(
    versions,
    versions.map((_, at) => String(at + 1)),
    'each event once, in order',
  );
  t.match(audit, { status: 130, out: /cluster\.create .*seen-in-audit {2}done\n/ });
  t.equal((await rigel(['task', 'output', run, '--step', '1', '--tail', '2'])).out, 'line 5\nline 6\n');
});

t.test('a task is watched on the whole terminal', async (t) => {
  const screen = { text: '', open: 0, press: (_key: string): void => undefined };
  const watch = (id: string, ...more: string[]) =>
    rigel(['task', 'watch', id, ...more], {
      env: { NO_COLOR: '1', LANG: 'en_US.UTF-8' },
      screen: {
        size: () => ({ columns: 100, rows: 20 }),
        write: (text) => {
          screen.text += text;
        },
        enter: ({ key }) => {
          screen.open++;
          screen.press = key;
          return () => {
            screen.open--;
          };
        },
      },
    });
  const id = String(await fleet.startTask(await fleet.template({ work: { command: 'sleep 3' } }), nodes));
  const { status, err } = await watch(id);
  t.equal(status, 0, err);
  t.match(err, /completed, 4 of 4 nodes succeeded/);
  t.match(screen.text, /# 0 succeeded {2}x 0 failed/);
  t.match(screen.text, '[2K####\u001b', 'each node is a letter where there are no colours');
  t.equal(screen.open, 0, 'the terminal is given back');
  const long = idIn(
    (await rigel(['task', 'create', '--template', 'stay', '--nodes', `${nodes[0]}`, '--yes'])).out,
  );
  const left = watch(long);
  await waitFor(async () => screen.text.includes(`${long} stay`), { what: 'the task is shown' });
  screen.press('q');
  t.match(await left, { status: 0, err: /goes on: rigel task watch/ });
  const interrupted = watch(long);
  await waitFor(async () => screen.open === 1, { what: 'it is watched again' });
  screen.press('\u0003');
  t.match(await interrupted, { status: 130, err: /goes on: rigel task watch/ });
  t.equal(screen.open, 0);
  t.match(
    await rigel(['task', 'watch', long, '--timeout', '2s']),
    { status: 7 },
    'lines where there is none',
  );
  await quietly('task', 'stop', long, '--wait');
});

t.test('a real terminal is given back as it was, also when the program is ended', async (t) => {
  if (process.platform !== 'linux') return t.pass('script(1) of another system has other flags');
  const id = idIn(
    (await rigel(['task', 'create', '--template', 'stay', '--nodes', `${nodes[0]}`, '--yes'])).out,
  );
  const main = join(REPOSITORY_DIR, 'packages/cli/dist/main.js');
  const watch = `sh -c 'echo "pid $$"; exec ${process.execPath} ${main} task watch ${id}'; echo "status $?"; stty -a`;
  for (const end of ['Ctrl-C', 'SIGTERM'] as const) {
    const child = spawn('script', ['-qfec', `stty rows 20 cols 80; ${watch}`, '/dev/null'], {
      env: {
        ...process.env,
        XDG_CONFIG_HOME: home,
        RIGEL_URL: rig.stack.httpUrl,
        RIGEL_TOKEN: token,
        TERM: 'xterm-256color',
      },
    });
    let out = '';
    child.stdout.on('data', (part) => {
      out += part;
    });
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    await waitFor(async () => out.includes(`${id} stay`) && out.includes('█'), { what: 'it is drawn' });
    if (end === 'Ctrl-C') child.stdin.write('\u0003');
    else process.kill(Number(/pid (\d+)/.exec(out)?.[1]), 'SIGTERM');
    await ended;
    t.match(out, /\[\?1049h.*\[\?25h.*\[\?1049l/s, end);
    t.match(out, /goes on: rigel task watch/);
    t.match(out, 'status 130');
    t.match(
      out.slice(out.lastIndexOf('status 130')),
      / icanon .* echo /s,
      'the terminal shows what is typed again',
    );
  }
  await quietly('task', 'stop', id, '--wait');
});

t.test('tokens, sessions and the console', async (t) => {
  const made = await rigel([
    'token',
    'create',
    '--name',
    'ci',
    '--role',
    'operator',
    '--expires',
    '30d',
    '-o',
    'json',
  ]);
  const ci = JSON.parse(made.out) as { id: number; token: string };
  t.match(masked((await rigel(['token', 'list'])).out), /0 {2}ci {2}operator {2}valid {2}TIME/);
  t.match(await rigel(['token', 'create', '--name', 'x', '--role', 'viewer', '--expires', 'soon']), {
    status: 2,
    err: /--expires must be a span/,
  });
  const open = await rigel(['console', 'open']);
  t.match(open, { status: 0, out: /\/console\/signin#\S+\n$/ });
  const code = /#(\S+)/.exec(open.out)?.[1] as string;
  const session = await fetch(`${rig.stack.httpUrl}/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code }),
  });
  t.equal(session.status, 200, 'the code signs a browser in');
  const listed = await rigel(['session', 'list', '-o', 'json']);
  const [{ id: sessionId }] = JSON.parse(listed.out) as [{ id: number }];
  t.match(await rigel(['session', 'revoke', String(sessionId), '--yes']), { status: 0, err: /is revoked/ });
  t.match(masked((await rigel(['session', 'list', '--ended'])).out), /revoked TIME/);
  t.match(await rigel(['token', 'revoke', String(ci.id)]), { status: 2, err: /Nobody can answer here/ });
  t.match(await rigel(['token', 'revoke', String(ci.id), '--yes']), { status: 0 });
  await waitFor(async () => (await rigel(['pool', 'ls'], { env: { RIGEL_TOKEN: ci.token } })).status === 4, {
    what: 'the token is refused',
  });
  t.match(await rigel(['orphans', '--check']), { status: /^[012]$/ });
});

t.test('an error says its reason and its correlation id, also for programs', async (t) => {
  const error = async (...args: string[]): Promise<Record<string, unknown>> => {
    const { err } = await rigel(args);
    return (JSON.parse(err.trim().split('\n').at(-1) as string) as { error: Record<string, unknown> }).error;
  };
  t.match(await error('pool', 'show', '999999', '-o', 'json'), {
    code: 5,
    reason: 'not_found',
    message: /there is no such object/,
    correlation_id: /^[\w-]{8,}$/,
  });
  t.match(await error('pool', 'lst', '-o', 'json'), { code: 2, reason: null, correlation_id: null });
  t.match(await rigel(['context', 'show']), { status: 5, err: /rigel context add/ });
  await quietly('context', 'add', 'here', rig.stack.httpUrl, '--token-from-env', 'RIGEL_TOKEN');
  t.match(
    masked((await rigel(['context', 'show'])).out),
    'context  here\naddress  URL\ncurrent  yes\ntoken  env: RIGEL_TOKEN\n',
  );
  t.match(await error('api', 'GET', '/pool/999999', '--output=json'), { code: 5, reason: 'not_found' });
});
