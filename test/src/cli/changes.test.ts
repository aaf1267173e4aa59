import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';
import { commandLine } from './command-line.js';

/* Things that are no tasks, made and changed by the command line: what is shown, what is asked, what is done. */

const rig = await startRig({ executors: 1, fastDatabase: true, env: { gateway: { RIGEL_ACCESS: 'on' } } });
t.teardown(() => rig.stop());
const home = mkdtempSync(join(tmpdir(), 'rigel-cli-'));
t.teardown(() => rmSync(home, { recursive: true }));
const { token } = await createToken(rig.stack.databaseUrl, 'ann', 'admin');
const api = rig.client(`Bearer ${token}`);
const rigel = commandLine({ XDG_CONFIG_HOME: home, RIGEL_URL: rig.stack.httpUrl, RIGEL_TOKEN: token });

/** Runs a command that must succeed. @returns what it printed on standard output. */
async function done(t: Test, ...args: string[]): Promise<string> {
  const { status, out, err } = await rigel([...args, '--yes']);
  t.equal(status, 0, `${args.join(' ')}: ${err}`);
  return out.trim();
}

t.test('a fleet is made and changed by names', async (t) => {
  t.match(await done(t, 'cluster', 'create', 'lab', '--desc', 'first', '--biz', '1'), /^cluster\/\d+$/);
  t.match(await done(t, 'service', 'create', 'web', '--cluster', 'lab', '--type', 'Java'), /^service\/\d+$/);
  const script = join(home, 'start.sh');
  writeFileSync(script, '#!/bin/sh\necho start {{tag}}\necho on {{port}}\n');
  const action = ['action', 'create', 'start_web', '--param', 'tag', '--param', 'port=integer'];
  t.match(await done(t, ...action, '--script', `@${script}`), /^action\/\d+$/);
  t.match(await done(t, 'step', 'create', 'start_web', '--action', 'start_web'), /^step\/\d+$/);
  const template = await done(
    t,
    'template',
    'create',
    'move',
    '--step',
    'start_web:retries=2,timeout=60',
    '--param',
    'start_web.port=80',
  );
  t.match(template, /^template\/\d+$/);
  const pool = await done(t, 'pool', 'create', 'web-pool', '--service', 'web', '--deploy-template', 'move');
  t.match(pool, /^pool\/\d+$/);
  t.match(await api.ok(`/${pool}`), {
    name: 'web-pool',
    vm_type: 1,
    tasks: { deploy: Number(template.split('/')[1]) },
  });
  t.match(await api.ok(`/task_tpl/${template.split('/')[1]}`), {
    steps: [{ name: 'start_web', timeout: 60, retry: { retry_times: 2 }, param_values: { port: '80' } }],
  });

  const shown = await rigel(['pool', 'update', 'web-pool', '--desc', 'new', '--dry-run']);
  t.match(shown, { status: 0, out: /^update pool web-pool\n {2}desc: "" → "new"\nplan [0-9a-f]{8}\n$/ });
  t.match(await api.ok(`/${pool}`), { desc: '' }, 'a dry run changes nothing');
  const hash = /plan ([0-9a-f]{8})/.exec(shown.out)?.[1] as string;
  const other = await rigel(['pool', 'update', 'web-pool', '--desc', 'newer', '--plan', hash]);
  t.match(other, { status: 3, err: /the plan is [0-9a-f]{8} now, and not/ });
  t.match(await rigel(['pool', 'update', 'web-pool', '--desc', 'new', '--plan', hash]), { status: 0 });
  t.match(await rigel(['pool', 'update', 'web-pool', '--desc', 'new', '--plan', hash]), {
    status: 0,
    err: /nothing differs, nothing to do/,
  });
  t.match(await rigel(['pool', 'update', 'web-pool', '--name', 'x'], { answer: 'n' }), {
    status: 3,
    err: /Update pool web-pool\? .*\[y\/N\] .*nothing was done/,
  });
  t.match(await rigel(['pool', 'update', 'web-pool']), {
    status: 2,
    err: /rigel help pool update lists the flags/,
  });
  await done(t, 'pool', 'update', 'web-pool', '--deploy-template', 'none', '--vm-type', '2');
  t.match(await api.ok(`/${pool}`), { vm_type: 2, tasks: { deploy: 0 }, desc: 'new' });
  await done(t, 'pool', 'update', 'web-pool', '--label', 'role=web', '--label', 'zone=a');
  await done(t, 'pool', 'update', 'web-pool', '--label', 'zone=b', '--drop-label', 'role');
  t.match(await api.ok(`/${pool}`), { labels: { zone: 'b' }, vm_type: 2 });
  await done(t, 'cluster', 'update', 'lab', '--name', 'lab2');
  t.match(await done(t, 'cluster', 'show', 'lab2'), /name +lab2/);
});

t.test('what an action runs is checked, shown line by line, and changed with it', async (t) => {
  const script = '#!/bin/sh\necho start {{tag}}\necho ready\n';
  const change = await rigel(
    ['action', 'update', 'start_web', '--script', '-', '--dry-run', '--drop-param', 'port'],
    {
      input: script,
    },
  );
  t.match(change, { status: 0, out: /… 2 lines as before\n +- echo on \{\{port\}\}\n +\+ echo ready\n/ });
  const refused = await rigel(['action', 'update', 'start_web', '--shell', 'eval {{tag}}', '--yes']);
  t.match(refused, { status: 2, err: /the text is refused: line 1, column/ });
  t.match(
    await rigel(['action', 'update', 'start_web', '--script', '-', '--drop-param', 'port', '--yes'], {
      input: script,
    }),
    {
      status: 0,
      out: /^action\/\d+\n$/,
    },
  );
  const rendered = await rigel(['action', 'render', 'start_web', '--param', "tag='; rm -rf /"]);
  t.match(rendered, { status: 0, out: /rigel_param_1=.*rm -rf/ });
  t.match(await rigel(['action', 'render', 'start_web', '--param', 'tga=1']), { status: 1, err: /tga|tag/ });
  const good = await rigel(['action', 'check', '-f', '-', '--declare', 'port=integer'], {
    input: 'echo "{{port}}"\n',
  });
  t.match(good, { status: 0, out: /port +1 +7 +double +integer/, err: /accepted/ });
  const bad = await rigel(['action', 'check', '-f', '-'], { input: 'eval {{port}}\n' });
  t.match(bad, { status: 1, err: /refused: line 1, column/ });
  t.match(await rigel(['action', 'check']), { status: 2, err: /name an action, or -f/ });
});

t.test('a change is refused when somebody else was faster', async (t) => {
  const [, id] = (await rigel(['pool', 'list', '-o', 'name', '--find', 'web-pool'])).out.trim().split('/');
  const late = await rigel(['pool', 'update', 'web-pool', '--desc', 'late'], {
    answer: async () => {
      await api.ok(`/pool/update/${id}`, { desc: 'in between' });
      return 'y';
    },
  });
  t.match(late, { status: 3, out: '' }, late.err);
  t.match(await api.ok(`/pool/${id}`), { desc: 'in between' });
});

t.test('a protected pool asks for its name, nodes come and go', async (t) => {
  await done(t, 'node', 'add', 'web-pool', '10.9.0.1', '10.9.0.2');
  t.match(await rigel(['pool', 'versions', 'web-pool']), { out: /2 {2}unknown/ });
  t.match(await rigel(['node', 'history', '10.9.0.1']), { status: 0, out: /ann/ });
  await done(t, 'pool', 'protect', 'web-pool');
  t.match(await rigel(['node', 'remove', 'web-pool', '10.9.0.1', '--yes']), {
    status: 3,
    err: /--confirm web-pool must name it/,
  });
  t.match(await rigel(['node', 'remove', 'web-pool', '10.9.0.1'], { answer: 'y' }), { status: 3 });
  t.match(await rigel(['node', 'remove', 'web-pool', '10.9.0.1'], { answer: 'web-pool' }), {
    status: 0,
    err: /1 nodes? .*left pool web-pool/,
  });
  t.match(await rigel(['pool', 'unprotect', 'web-pool'], { answer: 'web-pool' }), { status: 0 });
  t.match(await rigel(['pool', 'rm', 'web-pool', '--dry-run']), {
    status: 0,
    out: /^delete pool web-pool\nplan/,
  });
  t.match(await rigel(['pool', 'rm', 'web-pool', '--yes']), { status: 3 }, 'it has a node');
  await done(t, 'node', 'remove', 'web-pool', '10.9.0.2');
  await done(t, 'pool', 'rm', 'web-pool');
  t.match(await rigel(['pool', 'get', 'web-pool']), { status: 5 });
});

t.test('a schedule is saved from a file, accounted for, and left out once', async (t) => {
  await done(t, 'template', 'create', 'grow', '--step', 'create_vm');
  await done(t, 'pool', 'create', 'night-pool', '--service', 'web', '--expand-template', 'grow');
  const input = [
    'pool: night-pool',
    'type: expand',
    'time_zone: Europe/Berlin',
    'cron_items:',
    '  - { week_day: 0, time: "03:00", instance_num: 0 }',
    '  - { week_day: 0, time: "23:30:10", instance_num: 2, ignore: true }',
  ].join('\n');
  const save = ['schedule', 'save', '-f', '-'];
  const dry = await rigel([...save, '--dry-run'], { input });
  t.match(dry, { status: 0, out: /save the expand schedule of pool night-pool \(times in Europe\/Berlin\)/ });
  t.match(dry.out, / {2}item: "03:00:?0?0? daily, 0 nodes/);
  t.match(dry.out, /next 20\d\d-/);
  t.match(await rigel([...save, '--yes'], { input }), { status: 0, out: /^schedule\/\d+\n$/ });
  t.match(await rigel([...save, '--yes'], { input }), { status: 0, err: /nothing differs, nothing to do/ });
  t.match(await rigel([...save, '--yes'], { input: 'pool: nowhere\n' }), { status: 5 });
  t.match(await rigel([...save, '--yes'], { input: 'type: [\n' }), {
    status: 2,
    err: /must be JSON or YAML/,
  });
  t.match(await rigel(['schedule', 'list']), { status: 0, out: /night-pool +expand +crontab/ });
  t.match(await rigel(['schedule', 'show', 'night-pool']), {
    status: 0,
    out: /item +03:00.* daily, 0 nodes/,
  });
  const next = await rigel(['schedule', 'next', 'night-pool', '--count', '3', '-o', 'jsonl']);
  t.equal(next.out.trim().split('\n').length, 3, next.out);
  const out = await done(t, 'schedule', 'ignore-next', 'night-pool');
  t.match(out, /is left out$/);
  t.match(await rigel(['schedule', 'next', 'night-pool', '--count', '1']), { out: /left out by ann/ });
  t.match(await done(t, 'schedule', 'ignore-next', 'night-pool', '--undo'), /is planned again$/);
  const ledger = await rigel([
    'schedule',
    'ledger',
    'night-pool',
    '--from',
    '2026-01-01',
    '--to',
    '2027-12-31',
  ]);
  t.match(ledger, { status: 2, err: /100 days/ }, 'the server says what is too long');
  const sum = await rigel(['schedule', 'ledger', 'night-pool']);
  t.match(sum, { status: 0, out: /\d moments?( = .*)? {8}balanced\n$/ });
  t.match(await rigel(['schedule', 'ledger', 'night-pool', '--from', 'yesterday']), {
    status: 2,
    err: /--from must be a day like 2026-11-01/,
  });
  t.match(await rigel(['schedule', 'calendar', '--pool', 'night-pool', '-o', 'json']), { status: 0 });
  t.match(await rigel(['schedule', 'show', '99']), { status: 5 });
});
