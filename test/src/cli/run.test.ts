import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Io, run } from '@rigel/cli';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { Fleet, loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';

/* `rigel run`: what it asks, what it shows of what the nodes printed, and its exit statuses. */

const rig = await startRig({ executors: 1, fastDatabase: true, env: { gateway: { RIGEL_ACCESS: 'on' } } });
t.teardown(() => rig.stop());
const [ann, bob, ci] = await Promise.all([
  createToken(rig.stack.databaseUrl, 'ann', 'admin'),
  createToken(rig.stack.databaseUrl, 'bob', 'operator'),
  createToken(rig.stack.databaseUrl, 'ci', 'operator', '--may-run'),
]);
const api = rig.client(`Bearer ${ann.token}`);
const fleet = new Fleet(api);
const nodes = loopbackNodes(5, rig.sshd.port);
const { poolId } = await fleet.pool(nodes);
const { name: pool } = await api.ok<{ name: string }>(`/pool/${poolId}`);

interface Around {
  token?: string;
  answer?: string;
  input?: string;
  /** Sees what is printed while it runs. */
  seen?: (text: string) => void;
  fetch?: typeof fetch;
}

async function rigel(args: string[], around: Around = {}, signal = new AbortController().signal) {
  const printed = { out: '', err: '' };
  const io: Io = {
    env: {
      XDG_CONFIG_HOME: rig.dataDir,
      RIGEL_URL: rig.stack.httpUrl,
      RIGEL_TOKEN: around.token ?? ann.token,
    },
    out: (text) => {
      printed.out += text;
      around.seen?.(text);
    },
    err: (text) => {
      printed.err += text;
    },
    columns: undefined,
    errIsTerminal: false,
    inIsTerminal: around.answer !== undefined,
    readInput: async () => around.input ?? '',
    readLine: async () => around.answer,
    now: Date.now,
    sleep: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined),
    fetch: around.fetch ?? fetch,
  };
  const status = await run(args, io, signal, '0.0.0');
  return { status, ...printed };
}

const taskOf = (text: string): string => /task\/(\d+)/.exec(text)?.[1] ?? '';

t.test('equal results stand together, the largest group first', async (t) => {
  const script = `case "$SSH_CONNECTION" in *" ${nodes[0]?.split(':')[0]} "*) echo odd; exit 3;; esac; echo even; echo '{{x}}'`;
  const done = await rigel(['run', '-p', pool, '--at-once', '2', '--max-failed', '5', '--yes', '--', script]);
  t.equal(done.status, 1, done.err);
  t.equal(
    done.out,
    [
      `4 nodes succeeded: ${nodes.slice(1).join(' ')}`,
      '  even',
      '  {{x}}',
      '',
      `1 node failed (exit status 3): ${nodes[0]}`,
      '  odd',
      '',
    ].join('\n'),
  );
  t.match(done.err, /5 nodes, 3 batches of up to 2, halts after more than 5 failures/);
  t.match(done.err, /task\/\d+\n/);
  const id = taskOf(done.err);
  t.equal((await rigel(['task', 'results', id])).out, done.out);
  const lines = (await rigel(['task', 'results', id, '-o', 'jsonl'])).out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.strictSame(
    lines.map(({ ip, state, output, cut }) => [ip, state, output, cut]),
    nodes.map((ip, index) =>
      index === 0 ? [ip, 'failed', 'odd\n', false] : [ip, 'succeeded', 'even\n{{x}}\n', false],
    ),
  );
  const again = await rigel(['task', 'again', id, '--failed', '--yes', '--wait']);
  t.match(again, { status: 1, err: /again \(one-off command\): 1 node, .*0 of 1 nodes succeeded/s });
  t.match(await rigel(['task', 'again', id, '--failed', '--yes'], { token: bob.token }), { status: 4 });
  t.match(await rigel(['task', 'again', id, '--yes', '--wait'], { token: ci.token }), {
    status: 1,
    out: /^task\/\d+\n$/,
  });
});

t.test('words arrive as they are, a file as it is; nothing runs without a yes', async (t) => {
  const one = ['run', '--nodes', `${nodes[1]}`];
  const words = await rigel([...one, '--yes', '--', 'printf', '%s|', 'a  b', "it's", '$HOME', ';']);
  t.match(words, { status: 0, out: `1 node succeeded: ${nodes[1]}\n  a  b|it's|$HOME|;|\n` });
  const file = join(rig.dataDir, 'script.sh');
  writeFileSync(file, '#!/bin/sh\n# {{nothing}}\necho from "$0" | sed s,/.*,,\n');
  t.match(await rigel([...one, '--yes', '-f', file]), { status: 0, out: /\n {2}from $/m });
  t.match(await rigel([...one, '--yes', '-f', '-'], { input: 'echo typed' }), { out: /\n {2}typed\n/ });
  const list = join(rig.dataDir, 'nodes.txt');
  writeFileSync(list, `# two\n${nodes[1]}\n${nodes[2]}\n`);
  t.match(await rigel(['run', '--nodes', `@${list}`, '--yes', '--', 'true']), {
    out: /^2 nodes succeeded: /,
  });
  t.match(await rigel([...one, '--', 'true']), { status: 2, out: '', err: /Nobody can answer here/ });
  t.match(await rigel([...one, '--', 'true'], { answer: 'n' }), { status: 3, err: /nothing was done/ });
  const dry = await rigel([...one, '--dry-run', '--show-scripts', '--', 'echo {{x}}']);
  t.match(dry, { status: 0, out: /│ echo \{\{x\}\}/ });
  const hash = /^plan ([0-9a-f]{8})$/m.exec(dry.out)?.[1] as string;
  t.match(await rigel([...one, '--plan', hash, '--', 'echo {{y}}']), { status: 3, err: /and not/ });
  t.match(await rigel([...one, '--plan', hash, '--', 'echo {{x}}']), { status: 0, out: / {2}\{\{x\}\}\n/ });
  t.match(await rigel([...one, '--yes']), { status: 2, err: /what is to run\?/ });
  t.match(await rigel(['run', '--yes', '--', 'true']), { status: 2, err: /on which nodes\?/ });
  t.match(await rigel(['run', '-p', `${pool}x`, '--yes', '--', 'true']), { status: 5, err: /did you mean/ });
  t.match(await rigel([...one, '--yes', '--live', '-o', 'json', '--', 'true']), {
    status: 2,
    err: /--live prints lines/,
  });
  t.match(await rigel([...one, '--yes', '--', 'true'], { token: bob.token }), {
    status: 4,
    err: /may run commands/,
  });
  t.match(await rigel([...one, '--yes', '--', 'true'], { token: ci.token }), { status: 0 });
});

t.test(
  'live: each line when it comes, behind its node; Ctrl-C and a time limit leave the task running',
  async (t) => {
    const script = "printf 'first\\n'; sleep 4; printf 'a\\033[31mlast'";
    let seenAt = 0;
    const begun = Date.now();
    const live = await rigel(
      ['run', '--nodes', nodes.slice(0, 2).join(','), '--live', '--yes', '--', script],
      {
        seen: (text) => {
          if (text.includes('first')) seenAt ||= Date.now();
        },
      },
    );
    t.equal(live.status, 0, live.err);
    t.ok(
      Date.now() - seenAt > 1_500,
      `the first line came before the end, ${seenAt - begun} ms after the beginning`,
    );
    t.strictSame(
      live.out.trim().split('\n').sort(),
      nodes
        .slice(0, 2)
        .flatMap((ip) => [`${ip}  a\\u001b[31mlast`, `${ip}  first`])
        .sort(),
    );
    const interrupt = new AbortController();
    const running = rigel(
      ['run', '--nodes', `${nodes[3]}`, '--yes', '--', 'sleep 600'],
      {},
      interrupt.signal,
    );
    const active = async () =>
      (await api.call<{ rows: { id: number }[] }>('/task/find?active=true', undefined, 'GET')).data.rows;
    const [task] = await waitFor(async () => ((await active()).length > 0 ? active() : undefined), {
      what: 'it runs',
    });
    await sleep(1_500);
    interrupt.abort();
    const ended = await running;
    t.match(ended, { status: 130, out: '', err: `task ${task?.id} goes on: rigel task watch ${task?.id}` });
    t.equal((await api.task(task?.id as number)).state, 1);
    const late = await rigel([
      'run',
      '--nodes',
      `${nodes[4]}`,
      '--yes',
      '--timeout',
      '2s',
      '--',
      'sleep 600',
    ]);
    t.match(late, { status: 7, err: /goes on/ });
    for (const id of [task?.id, taskOf(late.err)]) await api.ok(`/task/stop/${id}`, {});
    const short = await rigel([
      'run',
      '--nodes',
      `${nodes[0]}`,
      '--yes',
      '--node-timeout',
      '1s',
      '--',
      'sleep 600',
    ]);
    t.match(short, { status: 1, out: /1 node failed \(the attempt took longer than 1 s/ });
    t.match(await rigel(['run', '--nodes', `${nodes[0]}`, '--yes', '--detach', '--', 'true']), {
      status: 0,
      out: /^task\/\d+\n$/,
    });
  },
);

t.test(
  'what makes something is sent again under its key when its answer was lost, and happens once',
  async (t) => {
    const sent: string[] = [];
    let lost = 0;
    const losing: typeof fetch = async (input, init) => {
      const request = input as Request;
      const isMaking = new URL(request.url).pathname === '/task/run';
      if (isMaking) sent.push(request.headers.get('idempotency-key') ?? '');
      const answer = await fetch(input, init);
      if (isMaking && lost++ < 2) throw new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } });
      return answer;
    };
    const before = (await api.call<{ rows: unknown[] }>('/task/find?limit=1000', undefined, 'GET')).data.rows
      .length;
    const done = await rigel(['run', '--nodes', `${nodes[1]}`, '--yes', '--', 'echo once'], {
      fetch: losing,
    });
    t.match(done, { status: 0, out: /\n {2}once\n$/, err: /sending it again, under the same key/ });
    t.equal(sent.length, 3);
    t.match(sent[0], /^"[0-9a-f-]{36}"$/);
    t.equal(new Set(sent).size, 1, 'one key');
    const after = (await api.call<{ rows: unknown[] }>('/task/find?limit=1000', undefined, 'GET')).data.rows
      .length;
    t.equal(after, before + 1, 'one task');
  },
);
