import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeRunAccount, OutputRange } from '@rigel/api-client';
import { openExisting } from '@rigel/runtime/database';
import { schedulerHistory, taskAt } from '@rigel/scheduler/maintenance';
import { silentLogger, waitFor } from '@rigel/testing';
import t from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';

/*
 * Close looks: at one node's run, at what its commands printed, and at a task as it was.
 */

const rig = await startRig({ apart: true, executors: 2 });
t.teardown(() => rig.stop());
const { api, fleet, stack, sshd } = rig;

async function get<Data>(path: string): Promise<Data> {
  const response = await api.fetch(`${api.url}${path}`);
  const { code, msg, data } = (await response.json()) as { code: number; msg: string; data: Data };
  if (code !== 0) throw new Error(`${path}: ${msg}`);
  return data;
}

const account = (nsid: number): Promise<NodeRunAccount> => get(`/task/node/${nsid}`);
const runOf = async (task: number): Promise<number> => (await api.detail(task))[0]?.id ?? 0;

t.test(
  'the receipt of a command whose executor was killed says who found it, and a counter on the node says 1',
  async (t) => {
    const [node = ''] = loopbackNodes(1, sshd.port, 100);
    await fleet.pool([node]);
    const command = 'echo x >> counter; echo before; sleep 9; echo after; exit 3';
    const template = await fleet.template({ count: { command } });
    const task = await fleet.startTask(template, [node]);
    const nsid = await runOf(task);
    const counter = join(sshd.home, 'counter');
    const executor = await waitFor(
      async () => {
        const begun = (await readFile(counter, 'utf8').catch(() => '')) === 'x\n';
        return begun ? (await account(nsid)).steps[0]?.attempts[0]?.leases[0]?.executor : undefined;
      },
      { what: 'the command to run' },
    );
    // Its name among processes is the first part of what it calls itself.
    stack.kill(/^executor-\d+/.exec(executor)?.[0] ?? '', 'SIGKILL');
    const first = await waitFor(
      async () => {
        const attempt = (await account(nsid)).steps[0]?.attempts[0];
        return attempt?.state === 'failed' ? attempt : undefined;
      },
      { what: 'the end of the first attempt', timeoutMs: 60_000 },
    );
    t.equal(await readFile(counter, 'utf8'), 'x\n', 'it ran once');
    const [lost, found] = first.leases;
    t.match(lost, { executor, how: 'begins', over: 'expired' });
    t.match(found, { how: 'finds', over: 'reported' });
    t.equal(lost?.until_at !== null && found !== undefined && found.from_at >= (lost?.until_at ?? ''), true);
    t.equal(first.exit_code, 3);
    t.match(first.key, new RegExp(`-r${nsid}-s0-a1$`));
    t.same(first.output, { bytes: 13, stored: 13, dropped: 0 });
    t.ok(first.versions.length >= 4, 'claim, expiry, claim, end');
    const events = await get<{ rows: { version: number; event: string }[] }>(
      `/task/${task}/history?limit=1000`,
    );
    const named = first.versions.map((version) => events.rows.find((row) => row.version === version)?.event);
    t.same([...new Set(named)], ['node_taken', 'node_lost', 'step_failed']);
    await fleet.ended(task);
    const why = await get<{ text: string }>(`/task/node/${nsid}/why`);
    t.match(why.text, /exit status 3.*after/s);
  },
);

t.test('output of any kind comes in ranges, is searched, and is a file', async (t) => {
  const [node = ''] = loopbackNodes(1, sshd.port, 120);
  await fleet.pool([node]);
  const script = [
    'printf "\\033[31mred\\033[0m <script>alert(1)</script> \\033]8;;http://evil.example\\007link\\033]8;;\\007\\n"',
    'printf "nul:\\000 bad:\\377\\376 cr:over\\rwritten\\r\\n"',
    'printf "没有空间 é\\n"',
    'head -c 300000 /dev/zero | tr "\\0" x',
    'echo needle',
    'for i in $(seq 1 2000); do echo "line $i"; done',
    'printf "last without end"',
  ].join('\n');
  const template = await fleet.template({ print: { command: script, script: true } });
  const task = await fleet.startTask(template, [node]);
  await fleet.ended(task);
  const nsid = await runOf(task);
  const output = `/task/node/${nsid}/output`;
  const at = 'step=1&attempt=1';
  const raw = Buffer.from(await (await api.fetch(`${api.url}${output}/raw?${at}`)).arrayBuffer());
  const lines = raw.toString('latin1').split('\n');
  t.equal(lines.length, 3 + 1 + 2000 + 1);
  t.equal(lines.at(-1), 'last without end');
  t.ok(
    raw.includes(Buffer.from([0, 0x20])) && raw.includes(Buffer.from([0xff, 0xfe])),
    'every byte is there',
  );

  const range = (query: string): Promise<OutputRange> => get(`${output}?${at}&encoding=base64&${query}`);
  const bytesOf = (answer: OutputRange): Buffer =>
    Buffer.concat(answer.parts.map(({ text }) => Buffer.from(text, 'base64')));
  const whole = await range('from=0&length=1048576');
  t.ok(bytesOf(whole).equals(raw));
  t.match(whole, { bytes: raw.length, stored: raw.length, dropped: 0, lines: lines.length, open: false });
  for (const [from, length] of [
    [0, 1],
    [5, 60_000],
    [raw.length - 10, 100],
    [raw.length, 5],
    [raw.length + 99, 5],
    [-1, 1],
    [-7_000, 3_000],
    [-9e9, 10],
  ] as const) {
    const answer = await range(`from=${from}&length=${length}`);
    const begin = from < 0 ? Math.max(0, raw.length + from) : Math.min(from, raw.length);
    t.equal(answer.from, begin);
    t.ok(bytesOf(answer).equals(raw.subarray(begin, begin + length)), `${from} ${length}`);
    for (const part of answer.parts) {
      const before = raw.subarray(0, part.from).toString('latin1').split('\n').length;
      t.equal(part.line, before, `the line of byte ${part.from}`);
      t.match(part.stored_at, /^\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z$/);
    }
  }
  const text = await get<OutputRange>(`${output}?${at}&from=0&length=1000`);
  t.match(text.parts[0]?.text, '没有空间 é');

  interface Found {
    hits: { line: number; at: number; text: string; column: number; length: number }[];
    matches: number;
    searched: number;
    next: number | null;
  }
  const search = (query: string): Promise<Found> => get(`${output}/search?${at}&${query}`);
  const needle = await search('q=needle');
  t.match(needle, { matches: 1, searched: raw.length, next: null, hits: [{ line: 4, length: 6 }] });
  const numbered = await search(`q=${encodeURIComponent('^line \\d*7$')}&regex=1&limit=3`);
  t.equal(numbered.matches, 200);
  t.same(
    numbered.hits.map((hit) => hit.text),
    ['line 7', 'line 17', 'line 27'],
  );
  t.equal(numbered.hits[0]?.line, 11);
  t.equal((await search(`q=${encodeURIComponent('没有')}`)).hits[0]?.line, 3);
  await t.rejects(search(`q=${encodeURIComponent('(a)\\1')}&regex=1`), /references/);
});

t.test(
  'a task as it was at any version has the counts of its fold; its frames, course and events agree',
  async (t) => {
    const nodes = loopbackNodes(24, sshd.port, 150);
    await fleet.pool(nodes);
    const command =
      'set -- $SSH_CONNECTION; case $3 in *[37]) echo "no space on $3"; exit 1;; esac; echo all is well';
    const template = await fleet.template({
      one: { command, retry: 1, ignoreError: true },
      two: { command },
    });
    const task = await fleet.startTask(template, nodes, { max_num: 5, max_fail_num: 24 });
    await fleet.ended(task);
    const retried = (await account((await api.detail(task)).find(({ ip }) => /[37]:/.test(ip))?.id ?? 0))
      .steps;
    t.same(
      retried.map(({ attempts }) =>
        attempts.map(({ state, leases }) => `${state} ${leases.map(({ how }) => how)}`),
      ),
      [['failed begins', 'ignored goes_on'], ['failed goes_on']],
    );
    const db = await openExisting({
      url: rig.stack.databaseUrl,
      schema: 'scheduler',
      migrations: schedulerHistory.migrations,
      log: silentLogger,
    });
    t.teardown(() => db.destroy());
    interface At {
      version: number;
      at: string;
      stat: number[];
      grid: { state: string; step: string; attempts: string };
    }
    const { version: last } = await get<At>(`/task/${task}/at`);
    t.ok(last > 100);
    for (let count = 0; count < 200; count++) {
      const version = 1 + Math.floor(Math.random() * last);
      const [past, folded] = await Promise.all([
        get<At>(`/task/${task}/at?version=${version}`),
        taskAt(db, task, { version }, 0),
      ]);
      const { waiting, running, succeeded, failed, stopped } = folded.task.counts;
      if (JSON.stringify(past.stat) !== JSON.stringify([waiting, running, succeeded, failed, stopped]))
        t.fail(`version ${version}: ${past.stat}`);
      if (past.version !== version || past.at !== new Date(folded.task.updatedAt).toISOString())
        t.fail(`version ${version} is told as ${past.version}`);
    }
    const grid = await get<{ whole: At['grid'] }>(`/task/${task}/grid`);
    const now = await get<At>(`/task/${task}/at?time=${Date.now()}`);
    t.same(now.grid, grid.whole, 'the past up to now is the grid of now');
    const { frames } = await get<{ frames: (At & { states: string })[] }>(`/task/${task}/frames?count=20`);
    t.equal(frames.length, 20);
    t.match([frames[0]?.version, frames.at(-1)?.version], [1, last]);
    for (const { states, stat } of frames)
      t.same(
        [0, 1, 2, 3, 4].map((state) => states.split(String(state)).length - 1),
        stat,
      );

    const timeline = await get<{
      events: number[];
      versions: number[];
      marks: { event: string; by: string }[];
    }>(`/task/${task}/timeline?buckets=50`);
    t.equal(
      timeline.events.reduce((sum, count) => sum + count, 0),
      last,
    );
    t.equal(timeline.versions.at(-1), last);
    t.match(timeline.marks[0], { event: 'task_started', by: 'tester' });
    t.match(timeline.marks.at(-1), { event: 'task_finished' });

    const versions: number[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { rows: { version: number }[]; next: string | null } = await get(
        `/task/${task}/history?limit=50&cursor=${cursor}`,
      );
      versions.push(...page.rows.map((row) => row.version));
      cursor = page.next;
    }
    t.same(
      versions,
      Array.from({ length: last }, (_, index) => index + 1),
      'each event once',
    );

    const lines = await get<{
      rows: { line: string; nodes: number; matches: number; on: { ip: string }[] }[];
      next: null;
    }>(`/task/${task}/output/search?q=${encodeURIComponent('(no space|well)')}&regex=1`);
    const well = lines.rows.find(({ line }) => line === 'all is well');
    const printed = lines.rows.filter(({ line }) => line.startsWith('no space'));
    t.equal((well?.nodes ?? 0) + printed.length, nodes.length, 'each node printed one of them');
    t.ok(
      printed.every(({ nodes, line, on }) => nodes === 1 && line.includes(on[0]?.ip.split(':')[0] ?? '?')),
    );
    t.equal(lines.next, null);
  },
);
