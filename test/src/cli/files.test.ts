import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { REPOSITORY_DIR } from '@rigel/local';
import t from 'tap';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';
import { commandLine, type Printed } from './command-line.js';
import { generatedFleet } from './generated-fleet.js';

/* The fleet as files, against two whole systems: export, plan, apply, prune, adopt. */

const [first, second] = await Promise.all([
  startRig({ executors: 1, fastDatabase: true, env: { gateway: { RIGEL_ACCESS: 'on' } } }),
  startRig({ executors: 1, fastDatabase: true }),
]);
t.teardown(() => Promise.all([first.stop(), second.stop()]));
const home = mkdtempSync(join(tmpdir(), 'rigel-files-'));
t.teardown(() => rmSync(home, { recursive: true }));
const ann = await createToken(first.stack.databaseUrl, 'ann', 'admin');
const envOf = (rig: typeof first): NodeJS.ProcessEnv => ({
  XDG_CONFIG_HOME: home,
  RIGEL_URL: rig.stack.httpUrl,
  RIGEL_TOKEN: ann.token,
});
const rigel = commandLine(envOf(first));
const other = commandLine(envOf(second));

const folder = (name: string): string => join(home, name);
/** A folder with one file of documents. */
function files(name: string, text: string): string {
  const path = folder(name);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'fleet.yaml'), text);
  return path;
}
/** All files of a folder with their bytes. */
const bytesOf = (path: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [file.slice(path.length), readFileSync(file, 'utf8')]),
  );
const doc = (kind: string, fields: object): string => JSON.stringify({ rigel: 'v1', kind, ...fields });
const docs = (...texts: string[]): string => texts.join('\n---\n');
const ok = ({ status, err }: Printed, what: string): void => void t.equal(status, 0, `${what}: ${err}`);

const THINGS = Number(process.env.RIGEL_FILES_OBJECTS ?? 200);
const big = files('big', generatedFleet(THINGS));

t.test(
  'a generated fleet: applied, exported, applied elsewhere, exported: byte for byte the same',
  async (t) => {
    const applied = await rigel(['apply', '-f', big, '--set', 'gen', '--yes']);
    t.match(applied, { status: 0, out: '', err: /done: \d+ created/ });
    t.match(await rigel(['apply', '-f', big, '--set', 'gen', '--yes']), { status: 0, err: /nothing to do/ });
    ok(await rigel(['export', '-d', folder('one')]), 'export');
    t.match(await rigel(['lint', folder('one')]), { status: 0, out: '' });
    t.match(await rigel(['plan', '-f', folder('one'), '--exit-code']), { status: 0, out: /^nothing to do/ });
    ok(await other(['apply', '-f', folder('one'), '--set', 'gen', '--yes']), 'apply elsewhere');
    ok(await other(['export', '-d', folder('two')]), 'export elsewhere');
    t.strictSame(bytesOf(folder('two')), bytesOf(folder('one')));
    t.match(await rigel(['export', '-d', folder('one')]), { status: 2, err: /--replace/ });
    ok(await rigel(['export', '-d', folder('one'), '--replace']), 'export again');
    t.strictSame(bytesOf(folder('two')), bytesOf(folder('one')), 'the same once more');
    const stream = await rigel(['export', 'pools', 'schedules']);
    t.match(await rigel(['plan', '-f', '-'], { input: stream.out }), {
      out: /^(left alone.*\n)?nothing to do/,
    });
  },
);

t.test('a plan shows fields and scripts, and its hash names exactly it', async (t) => {
  const script = (line: string) => `#!/bin/sh\necho a\necho b\n${line}\necho c\necho d\necho e\n`;
  const action = (line: string, more = {}) =>
    doc('Action', { name: 'planned', script: script(line), ...more });
  ok(await rigel(['apply', '-f', files('plan', action('echo x')), '--yes']), 'apply');
  files('plan', action('echo {{who}}', { desc: 'greets', params: { who: 'string' } }));
  const plan = await rigel(['plan', '-f', folder('plan'), '--exit-code']);
  t.match(plan, { status: 1, err: /plan ([0-9a-f]{8})/ });
  t.match(plan.out, /^~ Action planned {4}\(version 1, by ann /m);
  t.match(plan.out, / {4}desc: "" → "greets"/);
  t.match(plan.out, / {4}params:\n {6}@@ -0,0 \+1,1 @@\n {6}\+who: string/);
  t.match(
    plan.out,
    / {6}@@ -1,7 \+1,7 @@\n {7}#!\/bin\/sh\n {7}echo a\n {7}echo b\n {6}-echo x\n {6}\+echo \{\{who\}\}\n {7}echo c/,
  );
  const hash = /plan ([0-9a-f]{8})/.exec(plan.err)?.[1] as string;
  const data = JSON.parse((await rigel(['plan', '-f', folder('plan'), '-o', 'json'])).out);
  t.match(data, { changes: [{ do: 'change', kind: 'Action', name: 'planned', version: 1 }], unchanged: 0 });
  t.ok(data.plan.startsWith(hash));
  const markdown = await rigel(['plan', '-f', folder('plan'), '-o', 'markdown']);
  t.match(markdown.out, /^### Rigel: 1 to change\n[\s\S]*```diff\n[\s\S]*\+echo \{\{who\}\}[\s\S]*Plan `/);
  t.match(await rigel(['apply', '-f', folder('plan'), '--plan', 'feedbeef']), {
    status: 3,
    err: /the plan is .* now, and not feedbeef: nothing was done/,
  });
  t.match(await rigel(['apply', '-f', folder('plan')]), { status: 2, err: /--yes does it/ });
  t.match(await rigel(['apply', '-f', folder('plan')], { answer: 'n' }), {
    status: 3,
    err: /nothing was done/,
  });
  t.match(await rigel(['apply', '-f', folder('plan'), '--dry-run']), { status: 0, out: /1 to change/ });
  t.equal(JSON.parse((await rigel(['plan', '-f', folder('plan'), '-o', 'json'])).out).plan, data.plan);
  ok(await rigel(['apply', '-f', folder('plan'), '--plan', hash]), 'the plan that was shown');
  t.match(await rigel(['plan', '-f', folder('plan'), '--exit-code']), {
    status: 0,
    out: /^(left.*\n)?nothing to do/,
  });
});

t.test('fields that no document names stay as they are', async (t) => {
  const whole = docs(
    doc('Cluster', { name: 'part', desc: 'd', biz: '7' }),
    doc('Service', { name: 'part', cluster: 'part', type: 'Go', image: 'a:1', desc: 's' }),
    doc('Template', { name: 'part', steps: ['unregister'] }),
    doc('Pool', {
      name: 'part',
      service: 'part',
      vm_type: 3,
      sd: 4,
      protected: true,
      templates: { expand: 'part', shrink: 'part' },
      nodes: ['10.77.0.1', '10.77.0.2'],
    }),
  );
  ok(await rigel(['apply', '-f', files('part', whole), '--yes']), 'apply');
  files(
    'part',
    docs(
      doc('Service', { name: 'part', cluster: 'part', image: 'a:2' }),
      doc('Pool', { name: 'part', service: 'part', templates: { deploy: 'part', shrink: null } }),
    ),
  );
  ok(await rigel(['apply', '-f', folder('part'), '--yes']), 'apply a part');
  const out = (await rigel(['export', 'services', 'pools'])).out;
  t.match(out, /name: part\ndesc: s\ncluster: part\ntype: Go\nimage: a:2\n/);
  t.match(
    out,
    /name: part\nservice: part\nvm_type: 3\nsd: 4\ntemplates:\n {2}expand: part\n {2}deploy: part\nprotected: true\nnodes:\n {2}- 10.77.0.1\n {2}- 10.77.0.2\n/,
  );
  files('part', doc('Pool', { name: 'part', service: 'part', nodes: ['10.77.0.3', '10.77.0.2'] }));
  t.match(await rigel(['apply', '-f', folder('part'), '--yes']), {
    status: 0,
    err: /1 node entered \(10.77.0.3\)[\s\S]*1 node removed \(10.77.0.1\)[\s\S]*1 nodes leave it; no machine is given back/,
  });
  t.match((await rigel(['export', 'pools'])).out, /nodes:\n {2}- 10.77.0.2\n {2}- 10.77.0.3\n/);
  files('part', doc('Pool', { name: 'part', service: 'elsewhere' }));
  t.match(await rigel(['plan', '-f', folder('part')]), {
    status: 2,
    err: /fleet.yaml:1: Pool part: service names the service "elsewhere", which is not in these files or in the system/,
  });
  const [service] = generatedServices();
  files('part', doc('Pool', { name: 'part', service }));
  t.match(await rigel(['apply', '-f', folder('part'), '--yes']), { status: 3, err: /a pool does not move/ });
});

/** Names of services of the generated fleet. */
function generatedServices(): string[] {
  return [...generatedFleet(THINGS).matchAll(/kind: Service\nname: (svc-\d+)\n/g)].map(
    ([, name]) => name as string,
  );
}

t.test('apply that is killed at any moment, and repeated, ends at the same state', async (t) => {
  const fleet = files('kill', generatedFleet(80, 7, 'k').replaceAll(/10\.0\./g, '10.99.'));
  const env = { ...process.env, ...envOf(second) };
  let kills = 0;
  for (let round = 0; round < 6; round++) {
    const child = spawn(
      process.execPath,
      [join(REPOSITORY_DIR, 'packages/cli/dist/main.js'), 'apply', '-f', fleet, '--set', 'kill', '--yes'],
      { env, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    const ended = once(child, 'close');
    // It reads files and the system first; from then on a kill comes between any two requests.
    while (child.exitCode === null && !said.includes('plan ')) await sleep(5);
    await sleep(40 + ((round * 137) % 400));
    if (child.exitCode === null && child.kill('SIGKILL')) kills++;
    await ended;
    if (child.exitCode === 0) break;
    t.ok(child.signalCode === 'SIGKILL', `${child.exitCode}: ${said.slice(-500)}`);
  }
  t.ok(kills >= 2, `${kills} kills`);
  ok(await other(['apply', '-f', fleet, '--set', 'kill', '--yes']), 'the last one is not killed');
  t.match(await other(['plan', '-f', fleet, '--exit-code']), { status: 0 });
  ok(await other(['export', '--set', 'kill', '-d', folder('killed')]), 'export');
  const names = (kind: string, text: string) =>
    [...text.matchAll(new RegExp(`^kind: ${kind}$`, 'gm'))].length;
  const written = readFileSync(join(fleet, 'fleet.yaml'), 'utf8');
  const exported = Object.values(bytesOf(folder('killed'))).join('\n');
  for (const kind of ['Action', 'Step', 'Template', 'Cluster', 'Service', 'Pool', 'Schedule'])
    t.equal(names(kind, exported), names(kind, written), `each ${kind} is there once, and marked`);
});

t.test('of two people who apply at once one is refused with what changed', async (t) => {
  ok(
    await rigel(['apply', '-f', files('both', doc('Cluster', { name: 'both', desc: '0' })), '--yes']),
    'apply',
  );
  const left = files('left', doc('Cluster', { name: 'both', desc: 'left' }));
  const right = files(
    'right',
    docs(doc('Cluster', { name: 'both', desc: 'right' }), doc('Service', { name: 'after', cluster: 'both' })),
  );
  // Both read the system before either of them changes it: the question is answered later.
  let answered = 0;
  const answer = async (path: string) => {
    const run = commandLine(envOf(first));
    return run(['apply', '-f', path], { answer: () => waitForBoth(++answered).then(() => 'y') });
  };
  let release: () => void = () => undefined;
  const both = new Promise<void>((resolve) => {
    release = resolve;
  });
  const waitForBoth = (count: number): Promise<void> => {
    if (count === 2) release();
    return both;
  };
  const ends = await Promise.all([answer(left), answer(right)]);
  t.strictSame(ends.map(({ status }) => status).sort(), [0, 3]);
  const refused = ends.find(({ status }) => status === 3) as Printed;
  t.match(
    refused.err,
    /Cluster both was refused: if_version is 1, but cluster \d+ has version 2 now: ann changed it at .*Z/,
  );
  t.match(refused.err, /0 of [12] changes are done and stay, [12] are not done/);
});

t.test('prune deletes what its set has in no file, and nothing else', async (t) => {
  const base = [
    doc('Action', { name: 'p-action', shell: 'true' }),
    doc('Step', { name: 'p-step', actions: ['p-action'] }),
    doc('Template', { name: 'p-template', steps: ['p-step'] }),
    doc('Cluster', { name: 'p-cluster' }),
    doc('Service', { name: 'p-service', cluster: 'p-cluster' }),
  ];
  const pool = (name: string, more: object = {}) =>
    doc('Pool', { name, service: 'p-service', templates: { expand: 'p-template' }, ...more });
  const schedule = (name: string) =>
    doc('Schedule', { pool: name, type: 'expand', items: [{ at: '08:00', nodes: 1, ignore: true }] });
  const all = docs(...base, pool('p-empty'), pool('p-full', { nodes: ['10.66.0.1'] }), schedule('p-empty'));
  ok(await rigel(['apply', '-f', files('prune', all), '--set', 'p', '--yes']), 'apply');
  const outside = docs(
    doc('Cluster', { name: 'p-outside' }),
    doc('Action', { name: 'p-outside', shell: 'true' }),
  );
  ok(await rigel(['apply', '-f', files('outside', outside), '--yes']), 'things of no set');
  ok(
    await rigel([
      'apply',
      '-f',
      files('outside2', doc('Cluster', { name: 'q-cluster' })),
      '--set',
      'q',
      '--yes',
    ]),
    'q',
  );

  const kept = files('prune', doc('Cluster', { name: 'p-cluster' }));
  t.match(await rigel(['plan', '-f', kept, '--prune']), { status: 2, err: /--prune needs --set/ });
  t.match(await rigel(['plan', '-f', kept, '--set', 'P rod']), {
    status: 2,
    err: /--set must be the name of a set/,
  });
  const plan = await rigel(['plan', '-f', kept, '--set', 'p', '--prune', '-o', 'json']);
  const planned = JSON.parse(plan.out) as {
    changes: { do: string; kind: string; name: string }[];
    kept: object[];
  };
  t.strictSame(
    planned.changes.map(({ do: what, kind, name }) => `${what} ${kind} ${name}`),
    ['delete Schedule p-empty expand', 'delete Pool p-empty'],
    'what a pool with nodes needs stays too',
  );
  t.match(planned.kept, [
    { kind: 'Pool', name: 'p-full', why: 'it has 1 nodes' },
    { kind: 'Service', name: 'p-service', why: 'pool p-full names it' },
    { kind: 'Template', name: 'p-template', why: 'pool p-full names it' },
    { kind: 'Step', name: 'p-step', why: 'template p-template names it' },
    { kind: 'Action', name: 'p-action', why: 'step p-step names it' },
  ]);
  t.match(await rigel(['apply', '-f', kept, '--set', 'p', '--prune', '--yes']), {
    status: 3,
    err: /2 objects would be deleted, and --prune-max allows 0/,
  });
  t.match(await rigel(['apply', '-f', kept, '--set', 'p', '--prune'], { answer: 'y' }), {
    status: 3,
    err: /Type 2 to do it/,
  });
  ok(await rigel(['apply', '-f', kept, '--set', 'p', '--prune'], { answer: '2' }), 'the count is typed');
  t.match(await rigel(['apply', '-f', kept, '--set', 'p', '--prune', '--yes']), {
    status: 0,
    err: /nothing to do/,
  });

  const emptied = docs(...base, pool('p-full', { nodes: [] }));
  ok(await rigel(['apply', '-f', files('emptied', emptied), '--set', 'p', '--yes']), 'the nodes go');
  t.match(await rigel(['apply', '-f', kept, '--set', 'p', '--prune', '--yes', '--prune-max', '4']), {
    status: 3,
  });
  ok(await rigel(['apply', '-f', kept, '--set', 'p', '--prune', '--yes', '--prune-max', '5']), 'all go');
  const left = (await rigel(['export'])).out;
  for (const name of ['p-action', 'p-step', 'p-template', 'p-service', 'p-empty', 'p-full'])
    t.notMatch(left, `name: ${name}\n`);
  for (const name of ['p-cluster', 'p-outside', 'q-cluster', 'both']) t.match(left, `name: ${name}\n`);
  mkdirSync(folder('nothing'), { recursive: true });
  t.match(await rigel(['apply', '-f', folder('nothing'), '--set', 'p', '--prune', '--yes']), {
    status: 2,
    err: /holds no document/,
  });
});

t.test('a set adopts what is as its files say', async (t) => {
  const text = docs(doc('Cluster', { name: 'a-same' }), doc('Cluster', { name: 'a-other', desc: 'x' }));
  ok(await rigel(['apply', '-f', files('adopt', text), '--yes']), 'apply without a set');
  files('adopt', text.replace('"x"', '"y"'));
  t.match(await rigel(['adopt', '-f', folder('adopt'), '--set', 'a', '--yes']), {
    status: 1,
    err: /not adopted: Cluster a-other is not as the files say[\s\S]*set of Cluster a-same: "" → "a"[\s\S]*1 objects belong to the set a/,
  });
  files('adopt', doc('Cluster', { name: 'a-same' }));
  t.match(await rigel(['adopt', '-f', folder('adopt'), '--set', 'a', '--yes']), {
    status: 0,
    err: /nothing to do/,
  });
  t.match(await rigel(['apply', '-f', folder('adopt'), '--set', 'b', '--yes']), {
    status: 3,
    err: /Cluster a-same belongs to the set a, not b: rigel adopt -f <the files> --set b --from a takes it over/,
  });
  ok(await rigel(['adopt', '-f', folder('adopt'), '--set', 'b', '--from', 'a', '--yes']), 'taken over');
  t.match((await rigel(['export', '--set', 'b'])).out, /^rigel: v1\nkind: Cluster\nname: a-same\n$/);
  const every = docs(
    doc('Action', { name: 'e-action', shell: 'true' }),
    doc('Step', { name: 'e-step', actions: ['e-action'] }),
    doc('Template', { name: 'e-template', steps: ['e-step'] }),
    doc('Cluster', { name: 'e-cluster' }),
    doc('Service', { name: 'e-service', cluster: 'e-cluster' }),
    doc('Pool', { name: 'e-pool', service: 'e-service', vm_type: 1, sd: 1 }),
  );
  ok(await rigel(['apply', '-f', files('every', every), '--yes']), 'one of each kind');
  ok(await rigel(['adopt', '-f', folder('every'), '--set', 'e', '--yes']), 'each kind is adopted');
  const marked = (await rigel(['export', '--set', 'e'])).out.match(/^kind: \w+$/gm);
  t.strictSame(
    marked?.map((line) => line.slice('kind: '.length)),
    ['Action', 'Step', 'Template', 'Cluster', 'Service', 'Pool'],
  );
});

t.test('labels: those that a document names', async (t) => {
  const place = docs(doc('Cluster', { name: 'l' }), doc('Service', { name: 'l', cluster: 'l' }));
  const pool = (more: object) => docs(place, doc('Pool', { name: 'l', service: 'l', ...more }));
  const nodes = [
    '10.55.0.1',
    { address: '10.55.0.2', labels: { zone: 'b', role: 'web' } },
    { address: '10.55.0.3', labels: { zone: null } },
  ];
  ok(await rigel(['apply', '-f', files('l', pool({ labels: { zone: 'a' }, nodes })), '--yes']), 'apply');
  const exported = async () =>
    (await rigel(['export', 'pools'])).out.split('---').find((one) => /name: l\n/.test(one));
  t.match(
    await exported(),
    'labels:\n  zone: a\nnodes:\n  - 10.55.0.1\n  - address: 10.55.0.2\n    labels:\n      role: web\n      zone: b\n' +
      '  - address: 10.55.0.3\n    labels:\n      zone: null\n',
  );
  const changed = [
    '10.55.0.1',
    { address: '10.55.0.2', labels: { zone: 'c', role: null } },
    { address: '10.55.0.3', labels: { extra: 'x' } },
  ];
  t.match(await rigel(['apply', '-f', files('l', pool({ nodes: changed })), '--yes']), {
    status: 0,
    err: /labels of 10.55.0.2: zone=c, without role\n {4}labels of 10.55.0.3: extra=x\n/,
  });
  t.match(await rigel(['apply', '-f', folder('l'), '--yes']), { status: 0, err: /nothing to do/ });
  t.match(
    await exported(),
    /10.55.0.2\n {4}labels:\n {6}zone: c\n.*10.55.0.3\n {4}labels:\n {6}extra: x\n {6}zone: null/s,
  );
});

t.test('a schedule says what follows at once', async (t) => {
  const fleet = (nodes: number) =>
    docs(
      doc('Cluster', { name: 's' }),
      doc('Service', { name: 's', cluster: 's' }),
      doc('Template', { name: 's', steps: ['create_vm'] }),
      doc('Pool', { name: 's', service: 's', vm_type: 1, templates: { expand: 's' } }),
      doc('Schedule', { pool: 's', type: 'expand', items: [{ at: '00:00', nodes, ignore: nodes === 0 }] }),
    );
  ok(await rigel(['apply', '-f', files('s', fleet(0)), '--yes']), 'apply');
  files('s', fleet(3));
  t.match(
    (await rigel(['plan', '-f', folder('s')])).out,
    /the item in force wants 3 nodes of pool s, 0 are there/,
  );
  const both = [
    doc('Schedule', { pool: 's', type: 'expand', items: [] }),
    doc('Schedule', { pool: 's', type: 'deploy', items: [] }),
  ];
  files('s', docs(...both));
  t.match(await rigel(['apply', '-f', folder('s'), '--yes']), {
    status: 0,
    err: /done: 1 changed, 1 as they are/,
  });
  t.match(await rigel(['apply', '-f', folder('s'), '--yes']), { status: 0, err: /nothing to do/ });
  files('s', fleet(0));
  t.match(await rigel(['apply', '-f', folder('s'), '--yes']), { status: 0, err: /done: 1 created/ });
});

t.test('files that are wrong are refused before the system is asked', async (t) => {
  cpSync(folder('one'), folder('wrong'), { recursive: true });
  writeFileSync(join(folder('wrong'), 'more.yaml'), 'rigel: v1\nkind: Cluster\nname: x\nbizz: 1\n');
  for (const verb of ['plan', 'apply'])
    t.match(await rigel([verb, '-f', folder('wrong')]), {
      status: 2,
      out: '',
      err: /a mistake; nothing was done\n.*wrong\/more.yaml:4: Cluster x: has no field "bizz"; did you mean biz\?/,
    });
});
