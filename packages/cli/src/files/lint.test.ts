import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import type { Io } from '../io.js';
import { run } from '../run.js';
import { schemaFile } from './schema.js';

/* What is wrong in files: each planted mistake is refused with its file, line, value and rule, without a server. */

const home = mkdtempSync(join(tmpdir(), 'rigel-lint-'));
t.teardown(() => rmSync(home, { recursive: true }));

async function lint(
  args: readonly string[],
  input = '',
): Promise<{ status: number; out: string; err: string }> {
  const printed = { out: '', err: '' };
  const io = {
    env: { XDG_CONFIG_HOME: home, RIGEL_URL: 'http://127.0.0.1:1' },
    out: (text: string) => {
      printed.out += text;
    },
    err: (text: string) => {
      printed.err += text;
    },
    readInput: async () => input,
    now: Date.now,
    fetch: () => Promise.reject(new Error('lint asks no server')),
  } as unknown as Io;
  const status = await run(['lint', ...args], io, new AbortController().signal, '0.0.0');
  return { status, ...printed };
}

/** A fleet without a mistake. Each planted one replaces a piece of it. */
const FLEET = `rigel: v1
kind: Action
name: start_web
params: { tag: string, port: integer }
shell: docker run -p {{port}}:80 "registry/{{tag}}"
---
rigel: v1
kind: Action
name: clean
script: |
  #!/bin/sh
  rm -rf /tmp/x
  echo done
---
rigel: v1
kind: Step
name: start_service
desc: starts it
actions: [start_web, clean]
---
rigel: v1
kind: Template
name: move
steps:
  - unregister
  - step: start_service
    params: { password: { secret: db-password }, n: 1 }
    retries: 2
    timeout: 60
    reboot: true
    ready_wait: 30
    allowed_secrets: { password: [a, b] }
  - register
---
rigel: v1
kind: Cluster
name: lab
biz: "1"
---
rigel: v1
kind: Service
name: web
cluster: lab
image: shop:7
---
rigel: v1
kind: Pool
name: web-pool
service: web
vm_type: 1
sd: 0
templates: { expand: move, deploy: move, shrink: null }
protected: true
nodes:
  - 10.0.0.7
  - 10.0.0.8:2222
  - "[::1]:22"
  - { address: web-1.example.org, labels: { zone: b, canary: null } }
---
rigel: v1
kind: Pool
name: db-pool
service: web
templates: { expand: move }
---
rigel: v1
kind: Schedule
pool: web-pool
type: expand
time_zone: Europe/Berlin
items:
  - { at: "08:00", nodes: 20 }
  - { at: "20:00:30", day: friday, nodes: 4, ignore: true }
takes_along:
  - { pool: db-pool, ratio: 0.5, spare: 2, after_step: start_service }
`;

const lineOf = (text: string): number => FLEET.slice(0, FLEET.indexOf(text)).split('\n').length;

type Planted = [what: string, from: string, to: string, message: RegExp, lines?: number];

/** `lines`: after the line where the piece begins. */
const PLANTED: Planted[] = [
  ['no version', 'rigel: v1\nkind: Cluster', 'kind: Cluster', /has no rigel: the field is needed/],
  [
    'another version',
    'rigel: v1\nkind: Cluster',
    'rigel: v2\nkind: Cluster',
    /rigel must be v1 \(got "v2"\)/,
  ],
  [
    'a kind that is none',
    'kind: Cluster',
    'kind: Clutser',
    /kind must be one of Action, .* \(got "Clutser"\)/,
  ],
  ['no kind', 'kind: Cluster\n', '', /kind must be one of .* \(it has none\)/, -1],
  ['a field that is none', 'desc: starts it', 'decs: starts it', /has no field "decs"; did you mean desc\?/],
  ['no name', 'name: lab\n', '', /has no name: the field is needed/, -2],
  ['an empty name', 'name: lab', 'name: ""', /name must not be empty/],
  [
    'a name of 51 characters',
    'name: lab',
    `name: ${'n'.repeat(51)}`,
    /at most 50 characters, not 51 \(got "nnn/,
  ],
  ['blanks around a name', 'name: lab', 'name: " lab"', /name must be a name: .* \(got " lab"\)/],
  ['a number as a name', 'name: lab', 'name: 7', /must be a text \(got 7\); .* quotation marks: "7"/],
  [
    'yes as a name of YAML 1.1 stays a text, true does not',
    'name: lab',
    'name: true',
    /must be a text \(got true\)/,
  ],
  ['a list as a name', 'name: lab', 'name: [a]', /name must be a text/],
  ['a description of 256', 'desc: starts it', `desc: ${'d'.repeat(256)}`, /at most 255 characters, not 256/],
  [
    'a type of a parameter',
    'port: integer',
    'port: intger',
    /params.port must be one of string, integer \(got "intger"\); did you mean integer/,
  ],
  [
    'a parameter with a name of its own',
    'port: integer',
    '"p\\u00fc": integer',
    /params has the name "pü": a name is printable ASCII/,
  ],
  ['two commands', 'shell: docker', 'script: x\nshell: docker', /script and shell exclude each other/],
  [
    'a parameter in backquotes',
    '"registry/{{tag}}"',
    '`{{tag}}`',
    /shell cannot be saved: 1:\d+: .*backquotes/,
  ],
  ['a template that is not closed', '"registry/{{tag}}"', '{{tag}', /shell cannot be saved: 1:\d+: /],
  [
    'a script as a command line',
    'shell: docker run -p {{port}}:80 "registry/{{tag}}"',
    'shell: "#!/bin/sh"',
    /shell cannot be saved: 1:1: .*a script that begins with #! is a longscript/,
  ],
  [
    'a parameter in code, in its line',
    'rm -rf /tmp/x',
    'eval {{x}}',
    /script cannot be saved: 2:\d+: .*eval/,
  ],
  [
    'a script file that is not there',
    'script: |\n  #!/bin/sh\n  rm -rf /tmp/x\n  echo done',
    'script_file: no.sh',
    /script_file "no.sh" cannot be read: ENOENT/,
  ],
  [
    'a script file outside',
    'script: |\n  #!/bin/sh\n  rm -rf /tmp/x\n  echo done',
    'script_file: ../../../etc/hosts',
    /script_file .*(outside of the folder|ENOENT)/,
  ],
  [
    'an action that is not there',
    '[start_web, clean]',
    '[start_web, clena]',
    /actions.1 names the action "clena", which is not in these files .*did you mean "clean"/,
  ],
  [
    'a step with the name of a built-in one',
    'name: start_service',
    'name: register',
    /name must not be that of a built-in step \(got "register"\)/,
  ],
  [
    'actions that are no list',
    'actions: [start_web, clean]',
    'actions: start_web',
    /actions must be a list \(got "start_web"\)/,
  ],
  [
    'a step that is not there',
    '  - unregister',
    '  - unregster',
    /steps.0 names the step "unregster", which is not in these files/,
  ],
  [
    'a step that is a number',
    '  - unregister',
    '  - 5',
    /steps.0 must be a text or names with values \(got 5\)/,
  ],
  ['an option that is none', 'retries: 2', 'retry: 2', /steps.1 has no field "retry"; did you mean retries/],
  ['too many retries', 'retries: 2', 'retries: 101', /steps.1.retries must be from 0 to 100 \(got 101\)/],
  ['half a retry', 'retries: 2', 'retries: 1.5', /retries must be a whole number \(got 1.5\)/],
  ['a text as a number', 'timeout: 60', 'timeout: "60"', /timeout must be a whole number \(got "60"\)/],
  [
    'a wait that is longer than the attempt',
    'ready_wait: 30',
    'ready_wait: 61',
    /ready_wait must not be longer than timeout, which is 60 \(got 61\)/,
  ],
  [
    'a wait without a restart',
    'reboot: true',
    'reboot: false',
    /ready_wait needs reboot: true \(got 30\)/,
    1,
  ],
  [
    'an option of remote steps at a built-in one',
    '  - register',
    '  - { step: register, stop_grace: 5 }',
    /steps.2.stop_grace is an option of remote steps only: leave it out \(got 5\)/,
  ],
  [
    'the value of a secret',
    '{ secret: db-password }',
    '{ secret: "pass word" }',
    /params.password must be \{secret: name\}.*got \{"secret":"pass word"\}/,
  ],
  [
    'a secret that may be named',
    '[a, b]',
    '[a, "*"]',
    /allowed_secrets.password.1 must be the name of a secret.* \(got "\*"\)/,
  ],
  [
    'a cluster that is not there',
    'cluster: lab',
    'cluster: lob',
    /cluster names the cluster "lob".*did you mean "lab"/,
  ],
  ['no cluster', 'cluster: lab\n', '', /has no cluster: the field is needed/, -3],
  [
    'a machine type that is none',
    'vm_type: 1',
    'vm_type: -1',
    /vm_type must be from 0 to 2147483647 \(got -1\)/,
  ],
  [
    'a use of templates that is none',
    'shrink: null',
    'shirnk: null',
    /templates has no field "shirnk"; did you mean shrink/,
  ],
  [
    'a template that is not there',
    'deploy: move',
    'deploy: mvoe',
    /templates.deploy names the template "mvoe"/,
  ],
  [
    'a switch that is a text',
    'protected: true',
    'protected: "yes"',
    /protected must be true or false \(got "yes"\)/,
  ],
  ['an address that is none', '10.0.0.7', '10.0.0.777', /nodes.0 is no address \(got "10.0.0.777"\)/],
  [
    'an address twice, in another spelling',
    'address: web-1.example.org',
    'address: "10.0.0.8:2222"',
    /nodes.3 is the machine of "10.0.0.8:2222" once more/,
  ],
  [
    'a key of a label',
    'zone: b',
    '"-zone": b',
    /nodes.3.labels has "-zone", which is no key of a label: it must have 1 to 63 letters/,
  ],
  [
    'a value of a label',
    'zone: b',
    'zone: b c',
    /nodes.3.labels.zone is no value of a label: .*\(got "b c"\)/,
  ],
  ['a number as a label', 'zone: b', 'zone: 7', /nodes.3.labels.zone must be a text or null \(got 7\).*"7"/],
  [
    'a node without an address',
    'address: web-1',
    'adress: web-1',
    /nodes.3 has no field "adress"; did you mean address/,
  ],
  [
    'a node in two pools',
    'service: web\ntemplates',
    'service: web\nnodes: [10.0.0.7]\ntemplates',
    /nodes.0 is a node of pool "web-pool" too \(got "10.0.0.7"\)/,
    1,
  ],
  [
    'a time zone that is none',
    'Europe/Berlin',
    'Europe/Berln',
    /time_zone must be an IANA time zone.*\(got "Europe\/Berln"\)/,
  ],
  [
    'a time without a zero',
    '"08:00"',
    '"8:00"',
    /items.0.at must be a time: HH:mm or HH:mm:ss.*\(got "8:00"\)/,
  ],
  [
    'a time twice',
    '"20:00:30", day: friday',
    '"08:00:00"',
    /items.1.at is that of items.0 on the same day \(got "08:00:00"\)/,
  ],
  ['no number of nodes', '"08:00", nodes: 20', '"08:00"', /items.0 has no nodes/],
  ['too many nodes', 'nodes: 20 }', 'nodes: 201 }', /items.0.nodes must be from 0 to 200 \(got 201\)/],
  [
    'a field of the other type',
    'nodes: 4,',
    'nodes: 4, percent: 5,',
    /items.1.percent has no effect in a schedule of type expand/,
  ],
  [
    'a day that is none',
    'friday',
    'frida',
    /items.1.day must be one of every, .* \(got "frida"\); did you mean friday/,
  ],
  [
    'a type that is none',
    'type: expand',
    'type: upload',
    /type must be one of expand, deploy \(got "upload"\)/,
  ],
  [
    'a pool that takes itself along',
    'pool: db-pool',
    'pool: web-pool',
    /takes_along.0.pool is the pool of web-pool expand itself/,
  ],
  [
    'a step that its template does not have',
    'after_step: start_service',
    'after_step: start_web',
    /takes_along.0.after_step must be a step of template "move".*\(got "start_web"\)/,
  ],
  [
    'a document twice',
    'name: clean',
    'name: start_web',
    /Action start_web: is written twice: it stands in .*fleet.yaml:1 too/,
    -2,
  ],
  ['a name twice in one document', 'biz: "1"', 'biz: "1"\nbiz: "2"', /keys must be unique/, 1],
  ['an alias', 'biz: "1"', 'desc: &a x\nbiz: *a', /\*a is an alias, and aliases are not read/, 1],
  ['a tag', 'biz: "1"', 'biz: !secret x', /Unresolved tag: !secret/],
  ['a bracket that stays open', 'biz: "1"', 'biz: [1', /./, 2],
  [
    'a document that is a list',
    'biz: "1"\n',
    'biz: "1"\n---\n- a\n',
    /a document must be names with values/,
    2,
  ],
];

t.test('a fleet without a mistake', async (t) => {
  writeFileSync(join(home, 'good.yaml'), FLEET);
  t.match(await lint([join(home, 'good.yaml')]), { status: 0, out: '', err: /^9 documents, no mistake\n$/ });
  t.match(await lint(['-'], FLEET), { status: 0 });
});

t.test('each planted mistake is refused in its line', async (t) => {
  t.ok(PLANTED.length >= 50);
  const file = join(home, 'planted/fleet.yaml');
  mkdirSync(dirname(file), { recursive: true });
  for (const [what, from, to, message, lines = 0] of PLANTED) {
    t.ok(FLEET.includes(from), `${what}: ${from} is there`);
    writeFileSync(file, FLEET.replace(from, to));
    const { status, out } = await lint([dirname(file)]);
    const line = lineOf(from) + lines;
    t.equal(status, 1, what);
    const found = out.split('\n').find((text) => message.test(text));
    t.ok(found, `${what}: ${out}`);
    if (message.source !== '.')
      t.ok(found?.startsWith(`${file}:${line}: `), `${what}, line ${line}: ${found}`);
  }
});

t.test('what is read, and what is not', async (t) => {
  const folder = join(home, 'folder');
  mkdirSync(join(folder, 'deep/er'), { recursive: true });
  const cluster = (name: string) => `rigel: v1\nkind: Cluster\nname: ${name}\n`;
  writeFileSync(join(folder, 'a.yml'), `# only a comment\n---\n${cluster('a')}---\n`);
  writeFileSync(join(folder, 'deep/er/b.json'), JSON.stringify({ rigel: 'v1', kind: 'Cluster', name: 'b' }));
  writeFileSync(join(folder, '.hidden.yaml'), 'not: read\n');
  writeFileSync(join(folder, 'README.md'), 'not read\n');
  writeFileSync(join(folder, 'crlf.yaml'), cluster('c').replaceAll('\n', '\r\n'));
  t.match(await lint([folder]), { status: 0, err: /^3 documents/ });
  symlinkSync('/etc/hostname', join(folder, 'link.sh'));
  writeFileSync(join(folder, 'd.yaml'), 'rigel: v1\nkind: Action\nname: d\nscript_file: link.sh\n');
  t.match(await lint([folder]), { status: 1, out: /link.sh.* is outside of the folder/ });
  mkdirSync(join(home, 'empty'));
  t.match(await lint([join(home, 'empty')]), { status: 2, err: /holds no document: each begins with/ });
  t.match(await lint([join(home, 'nowhere')]), { status: 2, err: /nowhere cannot be read: ENOENT/ });
  t.match(await lint(['-'], 'rigel: v1\nkind: Action\nname: d\nscript_file: x.sh\n'), {
    status: 1,
    out: /cannot be read from standard input: write script: \|/,
  });
  const partial = 'rigel: v1\nkind: Step\nname: s\nactions: [elsewhere]\n';
  t.match(await lint(['-'], partial), {
    status: 1,
    out: /<standard input>:4: Step s: actions.0 names the action "elsewhere"/,
  });
  t.match(await lint(['-', '--partial'], partial), { status: 0 });
  const rows = JSON.parse((await lint(['-', '-o', 'json'], partial)).out);
  t.match(rows, [{ file: '<standard input>', line: 4, what: 'Step s:', message: /^actions.0 names/ }]);
});

t.test('docs/fleet.schema.json is the schema that documents are checked by', async (t) => {
  const file = join(import.meta.dirname, '../../../../docs/fleet.schema.json');
  t.equal(readFileSync(file, 'utf8'), schemaFile(), 'pnpm fleet-schema writes it');
});
